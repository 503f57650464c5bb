/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, sockets, clock, secrets. */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char url_shape[] = "expected ajp://HOST:PORT/PATH";

static bool copy_part(char *out, size_t cap, const char *from, size_t len)
{
    if (len == 0 || len >= cap)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

bool url_parse(const char *s, struct url *out, const char **why)
{
    *why = url_shape;
    const char *scheme = strstr(s, "://");
    out->tls = strncmp(s, "ajps://", 7) == 0;
    if (scheme && !out->tls && strncmp(s, "ajp://", 6) != 0) {
        *why = "expected the scheme ajp:// or ajps://";
        return false;
    }
    const char *p = scheme ? scheme + 3 : s;
    size_t host_len;
    if (*p == '[') {
        p++;
        host_len = strcspn(p, "]");
        if (p[host_len] != ']' || !copy_part(out->host, sizeof out->host, p, host_len))
            return false;
        p += host_len + 1;
    } else {
        host_len = strcspn(p, ":/?");
        if (!copy_part(out->host, sizeof out->host, p, host_len))
            return false;
        p += host_len;
    }
    memcpy(out->port, "8009", sizeof "8009");
    if (*p == ':') {
        size_t len = strspn(++p, "0123456789");
        if (!copy_part(out->port, 6, p, len) || strtoul(out->port, NULL, 10) > 65535) {
            *why = "expected a port from 0 to 65535";
            return false;
        }
        p += len;
    }
    if (*p && *p != '/')
        return false;
    out->path = *p ? p : "/";
    return true;
}

void address_format(const struct address *a, char out[ADDRESS_TEXT])
{
    char host[48] = "?", port[8] = "?";
    getnameinfo((const struct sockaddr *)&a->at, a->len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(out, ADDRESS_TEXT, a->at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

size_t url_addresses(const struct url *u, bool passive, struct address out[ADDRESSES],
                     const char **why)
{
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = passive ? AI_PASSIVE : 0};
    struct addrinfo *found;
    const char *host = passive && strcmp(u->host, "*") == 0 ? NULL : u->host;
    int rc = getaddrinfo(host, u->port, &want, &found);
    size_t n = 0;
    if (rc != 0) {
        *why = gai_strerror(rc);
        return 0;
    }
    for (struct addrinfo *at = found; at && n < ADDRESSES; at = at->ai_next, n++) {
        memcpy(&out[n].at, at->ai_addr, at->ai_addrlen);
        out[n].len = at->ai_addrlen;
    }
    freeaddrinfo(found);
    return n;
}

bool url_resolve(const struct url *u, bool passive, struct address *out, const char **why)
{
    struct address all[ADDRESSES];
    if (url_addresses(u, passive, all, why) == 0)
        return false;
    *out = all[0];
    return true;
}

int net_listen(struct address *a)
{
    int one = 1;
    int fd = socket(a->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&a->at, a->len) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&a->at, &a->len) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static int finish_connect(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n;
    do {
        n = poll(&p, 1, ms);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        errno = ETIMEDOUT;
    if (n <= 0)
        return -1;
    int err = 0;
    socklen_t len = sizeof err;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
    errno = err;
    return err ? -1 : 0;
}

int net_connect(const struct address *a, int ms)
{
    int one = 1;
    int fd = socket(a->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int rc = connect(fd, (const struct sockaddr *)&a->at, a->len);
    if (rc < 0 && errno == EINPROGRESS)
        rc = finish_connect(fd, ms);
    if (rc < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

int url_connect(const struct url *u, int ms, const char **why)
{
    struct address all[ADDRESSES];
    *why = NULL;
    size_t n = url_addresses(u, false, all, why);
    int fd = -1;
    for (size_t i = 0; i < n && fd < 0; i++)
        fd = net_connect(&all[i], ms);
    return fd;
}

bool url_find(const struct url *u, struct address *out, const char **why)
{
    enum { PATIENCE_MS = 1000 };
    struct address all[ADDRESSES];
    size_t n = url_addresses(u, false, all, why);
    if (n == 0)
        return false;
    *out = all[0];
    for (size_t i = 0; i < n && n > 1; i++) {
        int fd = net_connect(&all[i], PATIENCE_MS);
        if (fd < 0)
            continue;
        close(fd);
        *out = all[i];
        break;
    }
    return true;
}

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double now_seconds(void)
{
    return (double)now_ns() / 1e9;
}

bool secret_load(const char *file, struct text *out, const char **why)
{
    const char *environment = getenv("AJP_SECRET");
    text_clear(out);
    if (!file) {
        text_str(out, environment ? environment : "");
        return true;
    }
    FILE *f = fopen(file, "re");
    if (!f) {
        *why = strerror(errno);
        return false;
    }
    char buf[1024];
    size_t n = fread(buf, 1, sizeof buf, f);
    bool bad = ferror(f) || n == sizeof buf;
    fclose(f);
    while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
        n--;
    *why = bad ? "expected one short line" : "the file is empty";
    if (bad || n == 0)
        return false;
    text_put(out, buf, n);
    return true;
}
