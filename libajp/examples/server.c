/* SPDX-License-Identifier: Apache-2.0 */
/* An app server of one connection: answers every request with its own URI. */
#include <ajp/ajp.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(const char *what)
{
    perror(what);
    return -1;
}

static int send_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        const ssize_t sent = write(fd, p, n);
        if (sent <= 0) {
            return failed("write");
        }
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

/* Headers, one chunk, end. Each step asks the session first. */
static int answer(int fd, ajp_session *s, const ajp_request *r)
{
    uint8_t out[AJP_PACKET_DEFAULT], body[AJP_CHUNK_HEAD + 2048 + AJP_CHUNK_TAIL];
    char *text = (char *)body + AJP_CHUNK_HEAD; /* room for the head in front */
    const int n = snprintf(text, 2048, "You asked for %.*s\n", (int)r->uri.len, r->uri.ptr);
    const uint16_t size = (uint16_t)(n < 2048 ? n : 2047);
    size_t len = 0;
    ajp_writer w;
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_response(&w, 200, AJP_STR("OK"));
    ajp_write_header(&w, AJP_STR("Content-Type"), AJP_STR("text/plain"));
    if (ajp_writer_finish(&w, &len) != AJP_OK ||
        ajp_session_send(s, AJP_SEND_HEADERS, 200) != AJP_OK || send_all(fd, out, len) != 0 ||
        ajp_session_send(s, AJP_BODY_CHUNK, size) != AJP_OK ||
        send_all(fd, ajp_wrap_chunk((uint8_t *)text, size),
                 size + AJP_CHUNK_HEAD + AJP_CHUNK_TAIL) != 0 ||
        ajp_session_send(s, AJP_END_RESPONSE, 1) != AJP_OK) {
        return -1;
    }
    return send_all(fd, out, ajp_make_end(out, true));
}

static int react(int fd, ajp_session *s, const ajp_message *m)
{
    uint8_t out[AJP_SMALL_MAX];
    switch (m->kind) {
    case AJP_CPING:
        return ajp_session_send(s, AJP_CPONG, 0) == AJP_OK ? send_all(fd, out, ajp_make_cpong(out))
                                                           : -1;
    case AJP_FORWARD_REQUEST:
        return answer(fd, s, &m->u.request);
    default: /* request body: read and dropped */
        return 0;
    }
}

static void serve(int fd)
{
    static uint8_t buf[AJP_PACKET_DEFAULT];
    ajp_session s;
    size_t len = 0;
    ajp_session_init(&s, AJP_CONTAINER, NULL);
    for (;;) {
        ajp_message m;
        size_t used;
        const ajp_status st = ajp_session_recv(&s, buf, len, &used, &m);
        if (st == AJP_OK) {
            const int sent = react(fd, &s, &m); /* before the views move */
            memmove(buf, buf + used, len - used);
            len -= used;
            if (sent != 0) {
                return;
            }
        } else if (st == AJP_MORE) {
            const ssize_t got = read(fd, buf + len, sizeof buf - len);
            if (got <= 0) {
                return;
            }
            len += (size_t)got;
        } else {
            fprintf(stderr, "%s\n", ajp_strerror(st));
            return;
        }
    }
}

int main(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&addr, size) != 0 ||
        listen(listener, 8) != 0 || getsockname(listener, (struct sockaddr *)&addr, &size) != 0) {
        return failed("listen") != 0;
    }
    printf("listening ajp://127.0.0.1:%u\n", ntohs(addr.sin_port));
    fflush(stdout);
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            return failed("accept") != 0;
        }
        serve(fd);
        close(fd);
    }
}
