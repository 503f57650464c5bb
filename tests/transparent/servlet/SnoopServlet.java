// SPDX-License-Identifier: Apache-2.0
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.Collections;

/** What the 30 cases need of an app: tells what it saw, and answers in odd ways. */
public class SnoopServlet extends HttpServlet {
    @Override
    protected void service(HttpServletRequest rq, HttpServletResponse rs) throws IOException {
        switch (rq.getServletPath()) {
        case "/length" -> length(rq, rs);
        case "/form" -> write(rs, "form=" + rq.getParameter("test"));
        case "/304" -> {
            rs.setStatus(304);
            rs.setContentType("text/plain");
            rs.getWriter().print("a body that must not go out");
        }
        case "/large" -> {
            rs.setBufferSize(16000);
            rs.setContentType("text/plain");
            rs.getWriter().print("a".repeat(15000));
        }
        case "/badheader" -> {
            rs.setHeader("X-Good", "1");
            rs.setHeader("X-Bad", "caf\u2026\n");
            write(rs, "OK");
        }
        case "/noheaders" -> rs.flushBuffer();
        default -> snoop(rq, rs);
        }
    }

    private static void write(HttpServletResponse rs, String text) throws IOException {
        rs.setContentType("text/plain;charset=UTF-8");
        rs.setContentLength(text.length());
        rs.getWriter().print(text);
    }

    private static void length(HttpServletRequest rq, HttpServletResponse rs) throws IOException {
        InputStream in = rq.getInputStream();
        byte[] part = new byte[4096];
        int total = 0;
        if (rq.getParameter("available") != null && in.available() < 0) total = -1000;
        for (int n; (n = in.read(part)) > 0;) total += n;
        write(rs, "length=" + total);
    }

    private static void snoop(HttpServletRequest rq, HttpServletResponse rs) throws IOException {
        StringBuilder out = new StringBuilder();
        out.append("method=").append(rq.getMethod());
        out.append("\nuri=").append(rq.getRequestURI());
        out.append("\nquery=").append(rq.getQueryString());
        out.append("\nprotocol=").append(rq.getProtocol());
        out.append("\nsecure=").append(rq.isSecure());
        out.append("\nserverName=").append(rq.getServerName());
        out.append("\nserverPort=").append(rq.getServerPort());
        out.append("\nlocalAddr=").append(rq.getLocalAddr());
        out.append("\nremoteAddr=").append(rq.getRemoteAddr());
        out.append("\nremoteHost=").append(rq.getRemoteHost());
        out.append("\nremotePort=").append(rq.getRemotePort());
        out.append("\nremoteUser=").append(rq.getRemoteUser());
        out.append("\nauthType=").append(rq.getAuthType());
        for (String name : Collections.list(rq.getHeaderNames()))
            out.append("\nheader:").append(name).append("=").append(rq.getHeader(name));
        out.append("\nattribute:MYATTRIBUTE=").append(rq.getAttribute("MYATTRIBUTE"));
        write(rs, out.append("\n").toString());
    }
}
