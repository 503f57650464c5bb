// SPDX-License-Identifier: Apache-2.0
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Answers that are long in coming, in every way that a servlet has, and two that never come. */
public class SilenceServlet extends HttpServlet {
    private static final ScheduledExecutorService LATER = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });

    @Override
    protected void service(HttpServletRequest rq, HttpServletResponse rs) throws IOException {
        long ms = rq.getQueryString() == null ? 0 : Long.parseLong(rq.getQueryString());
        switch (rq.getPathInfo()) {
        case "/thrown" -> thrown(rs);
        case "/wide" -> wide(rs);
        case "/sleep" -> { sleep(ms); say(rs, "slept"); }
        case "/read-late" -> { sleep(ms); say(rs, "read " + rq.getInputStream().readAllBytes().length); }
        case "/read-first" -> { int n = rq.getInputStream().readAllBytes().length; sleep(ms); say(rs, "read " + n); }
        case "/events" -> events(rs, ms);
        case "/async" -> async(rq, ms);
        case "/dispatch" -> dispatch(rq, rs, ms);
        case "/non-blocking" -> nonBlocking(rq, ms);
        default -> rs.sendError(404);
        }
    }

    /** Tomcat keeps the connection, and says nothing of it any more. */
    private static void thrown(HttpServletResponse rs) throws IOException {
        rs.setContentType("text/plain");
        rs.getOutputStream().print("begun\n");
        rs.flushBuffer();
        throw new IllegalStateException("after the response was committed");
    }

    /** More headers than fit a packet: nothing is answered at all. */
    private static void wide(HttpServletResponse rs) throws IOException {
        for (int i = 0; i < 20; i++) rs.setHeader("X-Wide-" + i, "w".repeat(1000));
        say(rs, "wide");
    }

    private static void events(HttpServletResponse rs, long ms) throws IOException {
        rs.setContentType("text/event-stream");
        for (int i = 0; i < 2; i++) {
            rs.getOutputStream().print("data: " + i + "\n\n");
            rs.flushBuffer();
            sleep(ms);
        }
        rs.getOutputStream().print("data: end\n\n");
    }

    private static void async(HttpServletRequest rq, long ms) {
        AsyncContext context = rq.startAsync();
        context.setTimeout(0);
        LATER.schedule(() -> {
            say((HttpServletResponse) context.getResponse(), "async");
            context.complete();
            return null;
        }, ms, TimeUnit.MILLISECONDS);
    }

    private static void dispatch(HttpServletRequest rq, HttpServletResponse rs, long ms) throws IOException {
        if (rq.getAttribute("waited") != null) {
            say(rs, "dispatched");
            return;
        }
        rq.setAttribute("waited", true);
        AsyncContext context = rq.startAsync();
        context.setTimeout(0);
        LATER.schedule(() -> context.dispatch(), ms, TimeUnit.MILLISECONDS);
    }

    /** Reads and writes when Tomcat says so, and is silent between the two. */
    private static void nonBlocking(HttpServletRequest rq, long ms) throws IOException {
        AsyncContext context = rq.startAsync();
        ServletInputStream in = rq.getInputStream();
        context.setTimeout(0);
        in.setReadListener(new ReadListener() {
            private int length;

            @Override
            public void onDataAvailable() throws IOException {
                byte[] part = new byte[4096];
                while (in.isReady() && !in.isFinished()) length += Math.max(in.read(part), 0);
            }

            @Override
            public void onAllDataRead() {
                LATER.schedule(() -> { write(context, "read " + length); return null; }, ms, TimeUnit.MILLISECONDS);
            }

            @Override
            public void onError(Throwable e) {
                context.complete();
            }
        });
    }

    private static void write(AsyncContext context, String text) throws IOException {
        ServletOutputStream out = context.getResponse().getOutputStream();
        out.setWriteListener(new WriteListener() {
            private boolean said;

            @Override
            public void onWritePossible() throws IOException {
                while (out.isReady()) {
                    if (said) {
                        context.complete();
                        return;
                    }
                    out.print(text);
                    said = true;
                }
            }

            @Override
            public void onError(Throwable e) {
                context.complete();
            }
        });
    }

    private static void say(HttpServletResponse rs, String text) throws IOException {
        rs.setContentType("text/plain");
        rs.getOutputStream().print(text);
    }

    private static void sleep(long ms) throws IOException {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
