// SPDX-License-Identifier: Apache-2.0
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;

/** The tests' app server side: answers with what it saw. Endpoints as those of `ajpcat serve`. */
public class InteropServlet extends HttpServlet {
    private static final String NODE = System.getProperty("interop.node");
    private static final byte[] PATTERN = new byte[65536];
    /** How each upload with a key ended: "reading", "eof N" (a clean end after N bytes) or "broken". */
    private static final Map<String, String> UPLOADS = new ConcurrentHashMap<>();

    static {
        for (int i = 0; i < PATTERN.length; i++) PATTERN[i] = (byte) (i % 251);
    }

    @Override
    protected void service(HttpServletRequest rq, HttpServletResponse rs) throws IOException {
        rs.setHeader("X-Node", NODE);
        String arg = rq.getPathInfo() == null ? "" : rq.getPathInfo().substring(1);
        switch (rq.getServletPath()) {
        case "/echo" -> json(rs, echo(rq));
        case "/bytes" -> bytes(rs, Long.parseLong(arg));
        case "/slow" -> slow(rs, Long.parseLong(arg));
        case "/status" -> rs.setStatus(Integer.parseInt(arg));
        case "/written" -> { rs.setStatus(Integer.parseInt(arg)); json(rs, "{}"); }
        case "/session" -> json(rs, session(rq));
        case "/upload" -> json(rs, upload(rq, arg));
        case "/ended" -> json(rs, "{\"ended\":" + text(UPLOADS.get(arg)) + "}");
        case "/ignore" -> json(rs, "{\"read\":false}");
        case "/flush" -> flush(rs, Integer.parseInt(arg));
        case "/page" -> page(rq, rs);
        default -> rs.sendError(404);
        }
    }

    private static String text(Object value) {
        if (value == null) return "null";
        StringBuilder out = new StringBuilder("\"");
        for (char c : value.toString().toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < 0x20 || c > 0x7e) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    private static void json(HttpServletResponse rs, String text) throws IOException {
        byte[] out = (text + "\n").getBytes(StandardCharsets.UTF_8);
        rs.setContentType("application/json");
        rs.setContentLength(out.length);
        rs.getOutputStream().write(out);
    }

    private static String echo(HttpServletRequest rq) throws IOException {
        String body = sum(rq.getInputStream());
        StringBuilder out = new StringBuilder("{\"node\":" + text(NODE));
        out.append(",\"method\":").append(text(rq.getMethod()));
        out.append(",\"uri\":").append(text(rq.getRequestURI()));
        out.append(",\"query\":").append(text(rq.getQueryString()));
        out.append(",\"protocol\":").append(text(rq.getProtocol()));
        out.append(",\"scheme\":").append(text(rq.getScheme()));
        out.append(",\"secure\":").append(rq.isSecure());
        out.append(",\"remote_addr\":").append(text(rq.getRemoteAddr()));
        out.append(",\"remote_user\":").append(text(rq.getRemoteUser()));
        out.append(",\"server_name\":").append(text(rq.getServerName()));
        out.append(",\"server_port\":").append(rq.getServerPort());
        out.append(",\"tls\":").append(tls(rq));
        out.append(",\"body\":").append(body);
        out.append(",\"headers\":[");
        String comma = "";
        for (String name : Collections.list(rq.getHeaderNames()))
            for (String value : Collections.list(rq.getHeaders(name))) {
                out.append(comma).append('[').append(text(name)).append(',').append(text(value)).append(']');
                comma = ",";
            }
        return out.append("]}").toString();
    }

    /** What the container makes of the facts that came with the request. */
    private static String tls(HttpServletRequest rq) {
        String about = "jakarta.servlet.request.";
        Object chain = rq.getAttribute(about + "X509Certificate");
        Object subject = chain instanceof X509Certificate[] c ? c[0].getSubjectX500Principal() : null;
        return "{\"cipher\":" + text(rq.getAttribute(about + "cipher_suite"))
            + ",\"key_size\":" + text(rq.getAttribute(about + "key_size"))
            + ",\"session\":" + text(rq.getAttribute(about + "ssl_session_id"))
            + ",\"client\":" + text(subject) + "}";
    }

    private static String sum(InputStream in) throws IOException {
        CRC32 crc = new CRC32();
        byte[] part = new byte[16384];
        long length = 0;
        for (int n; (n = in.read(part)) > 0; length += n) crc.update(part, 0, n);
        return "{\"length\":" + length + ",\"crc32\":" + crc.getValue() + "}";
    }

    private static String upload(HttpServletRequest rq, String key) throws IOException {
        if (!key.isEmpty()) UPLOADS.put(key, "reading");
        try {
            String result = sum(rq.getInputStream());
            if (!key.isEmpty()) UPLOADS.put(key, "eof " + result);
            return result;
        } catch (IOException | RuntimeException e) {
            if (!key.isEmpty()) UPLOADS.put(key, "broken");
            throw e;
        }
    }

    private static void bytes(HttpServletResponse rs, long left) throws IOException {
        rs.setContentType("application/octet-stream");
        rs.setContentLengthLong(left);
        OutputStream out = rs.getOutputStream();
        for (long n; left > 0; left -= n) {
            n = Math.min(left, PATTERN.length);
            out.write(PATTERN, 0, (int) n);
        }
    }

    private static void slow(HttpServletResponse rs, long ms) throws IOException {
        pause(ms);
        json(rs, "{\"slept\":" + ms + "}");
    }

    /** Parts of unknown length, each flushed; the next one 100 ms later. */
    private static void flush(HttpServletResponse rs, int parts) throws IOException {
        rs.setContentType("text/plain");
        rs.flushBuffer();
        for (int i = 0; i < parts; i++) {
            if (i > 0) pause(100);
            rs.getOutputStream().print("part " + i + "\n");
            rs.flushBuffer();
        }
    }

    private static String session(HttpServletRequest rq) {
        HttpSession session = rq.getSession(true);
        Integer count = (Integer) session.getAttribute("count");
        count = count == null ? 1 : count + 1;
        session.setAttribute("count", count);
        return "{\"node\":" + text(NODE) + ",\"session\":" + text(session.getId()) + ",\"count\":" + count + "}";
    }

    /** For a browser: counts in the session, loads what a page loads, and says so in its title. */
    private static void page(HttpServletRequest rq, HttpServletResponse rs) throws IOException {
        rs.setContentType("text/html;charset=utf-8");
        rs.getWriter().print("<!doctype html><title>loading</title><p id=first>" + text(session(rq)) + "</p>"
            + "<pre id=out></pre><script>(async () => { const out = [];"
            + "for (let i = 0; i < 3; i++) out.push((await (await fetch('/session')).json()).count);"
            + "const up = await fetch('/upload', {method: 'POST', body: 'x'.repeat(100000)});"
            + "out.push((await up.json()).length);"
            + "out.push((await (await fetch('/bytes/300000')).arrayBuffer()).byteLength);"
            + "document.getElementById('out').textContent = 'done ' + out.join(' '); })()</script>");
    }

    private static void pause(long ms) throws IOException {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
