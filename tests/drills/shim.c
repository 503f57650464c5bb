/* SPDX-License-Identifier: Apache-2.0 */
/* LD_PRELOAD: makes the n-th call of a function fail, moves the wall clock, answers look-ups
 * of names, and shortens backlogs. Told by a file that is mapped shared, named in DRILL_SHIM: see
 * shim.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum call {
    MALLOC,
    CALLOC,
    REALLOC,
    ACCEPT,
    CONNECT,
    RECV,
    SEND,
    SENDMSG,
    EPOLL_CTL,
    EPOLL_WAIT,
    SOCKET,
    SETSOCKOPT,
    WRITE,
    OPEN,
    CALLS
};
/* As shim.py has it. */
struct control {
    _Atomic int64_t call, from, count, error; /* fail calls [from, from + count), counted from 1 */
    _Atomic int64_t clock_offset;             /* seconds, of CLOCK_REALTIME */
    _Atomic int64_t failed;                   /* how many were made to fail */
    _Atomic int64_t backlog;                  /* of listening sockets, at most; 0: as they say */
    _Atomic int64_t seen[CALLS];
    char name[64]; /* getaddrinfo of it gives addresses, a space between; none: EAI_NONAME */
    char addresses[192];
};

static struct control *ctl;

__attribute__((constructor)) static void map_control(void)
{
    const char *path = getenv("DRILL_SHIM");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = MAP_FAILED;

    if (fd >= 0) {
        at = mmap(NULL, sizeof(*ctl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    if (at != MAP_FAILED)
        ctl = at;
}

/* 0: go on; else what to fail with. */
static int fails(enum call call)
{
    int64_t n, from;

    if (ctl == NULL || ctl->call != (int64_t)call)
        return 0;
    n = ++ctl->seen[call];
    from = ctl->from;
    if (from == 0 || n < from || n >= from + ctl->count)
        return 0;
    ctl->failed++;
    return (int)ctl->error;
}

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    return fails(MALLOC) ? (errno = ENOMEM, NULL) : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails(CALLOC) ? (errno = ENOMEM, NULL) : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails(REALLOC) ? (errno = ENOMEM, NULL) : __libc_realloc(p, n);
}

#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (real == NULL)                                                                              \
    *(void **)&real = dlsym(RTLD_NEXT, name)
#define FAIL_HERE(call)                                                                            \
    do {                                                                                           \
        int e_ = fails(call);                                                                      \
        if (e_ > 0) {                                                                              \
            errno = e_;                                                                            \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    REAL(int, "accept4", int, struct sockaddr *, socklen_t *, int);
    FAIL_HERE(ACCEPT);
    return real(fd, addr, len, flags);
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    REAL(int, "connect", int, const struct sockaddr *, socklen_t);
    FAIL_HERE(CONNECT);
    return real(fd, addr, len);
}

ssize_t recv(int fd, void *to, size_t n, int flags)
{
    REAL(ssize_t, "recv", int, void *, size_t, int);
    FAIL_HERE(RECV);
    return real(fd, to, n, flags);
}

ssize_t send(int fd, const void *from, size_t n, int flags)
{
    REAL(ssize_t, "send", int, const void *, size_t, int);
    FAIL_HERE(SEND);
    return real(fd, from, n, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    REAL(ssize_t, "sendmsg", int, const struct msghdr *, int);
    FAIL_HERE(SENDMSG);
    return real(fd, m, flags);
}

int listen(int fd, int backlog)
{
    REAL(int, "listen", int, int);
    if (ctl != NULL && ctl->backlog != 0)
        backlog = (int)ctl->backlog;
    return real(fd, backlog);
}

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    REAL(int, "epoll_ctl", int, int, int, struct epoll_event *);
    if (op == EPOLL_CTL_ADD)
        FAIL_HERE(EPOLL_CTL);
    return real(epfd, op, fd, event);
}

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
    REAL(int, "epoll_wait", int, struct epoll_event *, int, int);
    FAIL_HERE(EPOLL_WAIT);
    return real(epfd, events, max, timeout);
}

/* The data path's calls go around libc's functions (net/call.h). */
long syscall(long number, ...)
{
    REAL(long, "syscall", long, ...);
    long a[6];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_recvfrom)
        FAIL_HERE(RECV);
    else if (number == SYS_sendto)
        FAIL_HERE(SEND);
    else if (number == SYS_sendmsg)
        FAIL_HERE(SENDMSG);
    else if (number == SYS_epoll_wait)
        FAIL_HERE(EPOLL_WAIT);
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int socket(int domain, int type, int protocol)
{
    REAL(int, "socket", int, int, int);
    FAIL_HERE(SOCKET);
    return real(domain, type, protocol);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    REAL(int, "setsockopt", int, int, int, const void *, socklen_t);
    FAIL_HERE(SETSOCKOPT);
    return real(fd, level, name, value, len);
}

ssize_t write(int fd, const void *from, size_t n)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    FAIL_HERE(WRITE);
    return real(fd, from, n);
}

int open64(const char *path, int flags, ...)
{
    REAL(int, "open64", const char *, int, int);
    FAIL_HERE(OPEN);
    return real(path, flags, 0600);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int rc = real(id, t);

    if (rc == 0 && ctl != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        t->tv_sec += (time_t)ctl->clock_offset;
    return rc;
}

time_t time(time_t *to)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (to != NULL)
        *to = t.tv_sec;
    return t.tv_sec;
}

/* What the real one makes of each address, in a row. freeaddrinfo takes such rows. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    REAL(int, "getaddrinfo", const char *, const char *, const struct addrinfo *,
         struct addrinfo **);
    struct addrinfo want = hints != NULL ? *hints : (struct addrinfo){0};
    struct addrinfo **at = out;
    char text[sizeof(ctl->addresses)], *rest = text, *one;

    if (ctl == NULL || node == NULL || ctl->name[0] == '\0' || strcmp(node, ctl->name) != 0)
        return real(node, service, hints, out);
    want.ai_flags |= AI_NUMERICHOST;
    want.ai_flags &= ~AI_ADDRCONFIG;
    *out = NULL;
    memcpy(text, ctl->addresses, sizeof(text));
    while ((one = strsep(&rest, " ")) != NULL) {
        if (*one != '\0' && real(one, service, &want, at) == 0)
            while (*at != NULL)
                at = &(*at)->ai_next;
    }
    return *out != NULL ? 0 : EAI_NONAME;
}
