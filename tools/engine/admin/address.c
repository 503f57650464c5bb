/* SPDX-License-Identifier: Apache-2.0 */
/* Only this machine can reach an admin server: a Unix socket of its owner's, or loopback. */
#include "admin/address.h"

#include "net/inherit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct place {
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } at;
    socklen_t len;
};

static bool parse_port(const char *text, uint16_t *port)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || n == 0 || n > 65535)
        return false;
    *port = (uint16_t)n;
    return true;
}

static bool parse_tcp(const char *address, struct place *p)
{
    const char *colon = strrchr(address, ':');
    char host[64];
    uint16_t port;
    size_t n;

    if (colon == NULL || !parse_port(colon + 1, &port))
        return false;
    n = (size_t)(colon - address);
    if (n >= 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        n -= 2;
    }
    if (n >= sizeof(host))
        return false;
    memcpy(host, address, n);
    host[n] = '\0';
    if (strcmp(host, "::1") == 0) {
        p->at.six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        p->at.six.sin6_addr = in6addr_loopback;
        p->len = sizeof(p->at.six);
        return true;
    }
    p->at.four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    p->len = sizeof(p->at.four);
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                     &p->at.four.sin_addr) == 1 &&
           (ntohl(p->at.four.sin_addr.s_addr) >> 24) == 127;
}

static bool parse(const char *address, struct place *p, char *error, size_t error_cap)
{
    memset(p, 0, sizeof(*p));
    if (strncmp(address, "unix:", 5) == 0) {
        size_t n = strlen(address + 5);

        p->at.local.sun_family = AF_UNIX;
        p->len = sizeof(p->at.local);
        if (n > 0 && n < sizeof(p->at.local.sun_path)) {
            memcpy(p->at.local.sun_path, address + 5, n + 1);
            return true;
        }
    } else if (parse_tcp(address, p)) {
        return true;
    }
    snprintf(error, error_cap, "admin address %s: expected unix:PATH or a loopback HOST:PORT",
             address);
    return false;
}

static int fail(int fd, const char *address, const char *doing, char *error, size_t error_cap)
{
    snprintf(error, error_cap, "cannot %s admin address %s: %s", doing, address, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A socket file that nobody listens on any more is in the way. */
static void remove_stale(const struct place *p)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    if (connect(fd, &p->at.any, p->len) != 0 && errno == ECONNREFUSED)
        unlink(p->at.local.sun_path);
    close(fd);
}

int admin_listen(const char *address, char *error, size_t error_cap)
{
    struct place p;
    int fd, on = 1, rc;
    mode_t mask;

    if (!parse(address, &p, error, error_cap))
        return -1;
    fd = inherit_take(&p.at.any, p.len);
    if (fd >= 0)
        return fd;
    fd = socket(p.at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(fd, address, "open", error, error_cap);
    if (p.at.any.sa_family == AF_UNIX)
        remove_stale(&p);
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    mask = umask(0177);
    rc = bind(fd, &p.at.any, p.len);
    umask(mask);
    if (rc != 0 || listen(fd, 64) != 0)
        return fail(fd, address, "listen on", error, error_cap);
    return fd;
}

int admin_connect(const char *address, char *error, size_t error_cap)
{
    struct place p;
    int fd;

    if (!parse(address, &p, error, error_cap))
        return -1;
    fd = socket(p.at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, &p.at.any, p.len) != 0)
        return fail(fd, address, "reach", error, error_cap);
    return fd;
}
