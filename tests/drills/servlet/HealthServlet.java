// SPDX-License-Identifier: Apache-2.0
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.FileWriter;
import java.io.IOException;

/** The health drill's app: sessions that count, slow pages, and a file of every request that was executed. */
public class HealthServlet extends HttpServlet {
    private static final String NODE = System.getProperty("drill.node");
    private FileWriter executed;

    @Override
    public void init() {
        try {
            executed = new FileWriter(System.getProperty("drill.executed"), true);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    protected void service(HttpServletRequest rq, HttpServletResponse rs) throws IOException {
        String id = rq.getHeader("X-Id");
        if (id != null) {
            synchronized (this) {
                executed.write(id + "\n");
                executed.flush();
            }
        }
        int count = 0;
        switch (rq.getServletPath()) {
        case "/session" -> count = count(rq.getSession(true));
        case "/slow" -> pause(Long.parseLong(rq.getPathInfo().substring(1)));
        default -> { }
        }
        rs.setContentType("application/json");
        rs.getWriter().print("{\"node\":\"" + NODE + "\",\"count\":" + count + "}");
    }

    private static synchronized int count(HttpSession session) {
        Integer before = (Integer) session.getAttribute("count");
        int count = before == null ? 1 : before + 1;
        session.setAttribute("count", count);
        return count;
    }

    private static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
