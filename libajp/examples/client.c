/* SPDX-License-Identifier: Apache-2.0 */
/* client PORT PATH: one GET to an app server on this machine; prints the answer. */
#include <ajp/ajp.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t make_request(uint8_t *out, size_t cap, const char *path)
{
    const ajp_request_line line = {AJP_STR("GET"),
                                   AJP_STR("HTTP/1.1"),
                                   {path, strlen(path)},
                                   AJP_STR("127.0.0.1"),
                                   AJP_NULL,
                                   AJP_STR("localhost"),
                                   80,
                                   false};
    size_t len = 0;
    ajp_writer w;
    ajp_writer_init(&w, out, cap);
    ajp_write_request(&w, &line);
    ajp_write_header(&w, AJP_STR("Host"), AJP_STR("localhost"));
    return ajp_writer_finish(&w, &len) == AJP_OK ? len : 0;
}

static int dial(const char *port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    addr.sin_port = htons((uint16_t)atoi(port));
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        perror("connect");
        exit(1);
    }
    return fd;
}

/* True when the answer is complete. */
static bool take(int fd, ajp_session *s, const ajp_message *m)
{
    uint8_t out[AJP_SMALL_MAX];
    switch (m->kind) {
    case AJP_SEND_HEADERS:
        printf("%u\n", m->u.response.status);
        return false;
    case AJP_BODY_CHUNK:
        fwrite(m->u.body.data, 1, m->u.body.len, stdout);
        return false;
    case AJP_GET_BODY: /* even a GET may be asked: there is nothing */
        if (ajp_session_send(s, AJP_DATA, 0) != AJP_OK ||
            write(fd, out, ajp_make_body_end(out)) < 0) {
            exit(1);
        }
        return false;
    default: /* END_RESPONSE */
        return true;
    }
}

int main(int argc, char **argv)
{
    static uint8_t buf[AJP_PACKET_DEFAULT];
    ajp_session s;
    if (argc != 3) {
        fprintf(stderr, "usage: client PORT PATH\n");
        return 2;
    }
    const int fd = dial(argv[1]);
    size_t len = make_request(buf, sizeof buf, argv[2]);
    ajp_session_init(&s, AJP_SERVER, NULL);
    if (len == 0 || ajp_session_send_request(&s, -1) != AJP_OK ||
        write(fd, buf, len) != (ssize_t)len) {
        return 1;
    }
    for (len = 0;;) {
        ajp_message m;
        size_t used;
        const ajp_status st = ajp_session_recv(&s, buf, len, &used, &m);
        if (st == AJP_MORE) {
            const ssize_t got = read(fd, buf + len, sizeof buf - len);
            if (got <= 0) {
                return 1;
            }
            len += (size_t)got;
        } else if (st != AJP_OK) {
            fprintf(stderr, "%s\n", ajp_strerror(st));
            return 1;
        } else if (take(fd, &s, &m)) {
            return ajp_session_idle(&s) ? 0 : 1;
        } else {
            memmove(buf, buf + used, len - used);
            len -= used;
        }
    }
}
