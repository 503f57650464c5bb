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

const char *admin_path(const char *address)
{
    return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

static bool parse(const char *address, struct place *p, char *error, size_t error_cap)
{
    memset(p, 0, sizeof(*p));
    if (admin_path(address) != NULL) {
        size_t n = strlen(admin_path(address));

        p->at.local.sun_family = AF_UNIX;
        p->len = sizeof(p->at.local);
        if (n > 0 && n < sizeof(p->at.local.sun_path)) {
            memcpy(p->at.local.sun_path, admin_path(address), n + 1);
            return true;
        }
    } else if (parse_tcp(address, p)) {
        return true;
    }
    snprintf(error, error_cap, "admin address %s: expected unix:PATH or a loopback HOST:PORT",
             address);
    return false;
}

bool admin_is_address(const char *address)
{
    struct place p;
    char error[128];

    return parse(address, &p, error, sizeof(error));
}

static int fail(int fd, const char *address, const char *doing, char *error, size_t error_cap)
{
    snprintf(error, error_cap, "cannot %s admin address %s: %s", doing, address, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int admin_listen(const char *address, const struct local_access *access, struct local_socket *local,
                 char *error, size_t error_cap)
{
    const char *path = admin_path(address);
    char where[160];
    struct place p;
    int fd, on = 1;

    if (!parse(address, &p, error, error_cap))
        return -1;
    fd = inherit_take(&p.at.any, p.len);
    if (fd >= 0 && path != NULL)
        local_adopt(local, path);
    if (fd >= 0)
        return fd;
    if (path != NULL) {
        snprintf(where, sizeof(where), "admin address %s", address);
        return local_listen(local, path, access, false, where, error, error_cap);
    }
    fd = socket(p.at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(fd, address, "open", error, error_cap);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, &p.at.any, p.len) != 0 || listen(fd, 64) != 0)
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
