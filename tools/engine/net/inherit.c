/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that waits on a shared socket while the programs change is lost by neither. */
#include "net/inherit.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 3, MOST = 1024 };

static bool untaken[MOST];
static int count, state = -1;

static bool listens(int fd)
{
    int on = 0;
    socklen_t len = sizeof(on);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on != 0;
}

/* A program between, too old to know of it, may have passed another one's on. */
static int state_of(const char *text)
{
    const char *from = getenv(INHERIT_FROM);
    int fd, end = 0;
    long pid;

    if (text == NULL || from == NULL || sscanf(text, "%d,%ld%n", &fd, &pid, &end) != 2 ||
        text[end] != '\0' || fd < FIRST || pid != atol(from))
        return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

void inherit_init(void)
{
    const char *text = getenv(INHERIT_COUNT);

    count = text != NULL ? atoi(text) : 0;
    if (count < 0 || count > MOST)
        count = 0;
    for (int i = 0; i < count; i++) {
        untaken[i] = listens(FIRST + i);
        if (untaken[i])
            fcntl(FIRST + i, F_SETFD, FD_CLOEXEC);
    }
    unsetenv(INHERIT_COUNT);
    state = state_of(getenv(INHERIT_STATE));
    unsetenv(INHERIT_STATE);
}

bool inherit_any(void)
{
    for (int i = 0; i < count; i++)
        if (untaken[i])
            return true;
    return false;
}

static bool same(const struct sockaddr *want, socklen_t len, const struct sockaddr_storage *have)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)want;
    const struct sockaddr_in *four_have = (const struct sockaddr_in *)have;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)want;
    const struct sockaddr_in6 *six_have = (const struct sockaddr_in6 *)have;

    if (want->sa_family != have->ss_family)
        return false;
    if (want->sa_family == AF_INET)
        return four->sin_addr.s_addr == four_have->sin_addr.s_addr &&
               (four->sin_port == 0 || four->sin_port == four_have->sin_port);
    if (want->sa_family == AF_INET6)
        return memcmp(&six->sin6_addr, &six_have->sin6_addr, sizeof(six->sin6_addr)) == 0 &&
               (six->sin6_port == 0 || six->sin6_port == six_have->sin6_port);
    return strncmp(want->sa_data, ((const struct sockaddr *)have)->sa_data,
                   len - offsetof(struct sockaddr, sa_data)) == 0;
}

int inherit_take(const struct sockaddr *addr, socklen_t len)
{
    for (int i = 0; i < count; i++) {
        struct sockaddr_storage have = {0};
        socklen_t have_len = sizeof(have);

        if (!untaken[i] || getsockname(FIRST + i, (struct sockaddr *)&have, &have_len) != 0 ||
            !same(addr, len, &have))
            continue;
        untaken[i] = false;
        return FIRST + i;
    }
    return -1;
}

int inherit_take_state(void)
{
    int fd = state;

    state = -1;
    return fd;
}

void inherit_done(void)
{
    const char *text = getenv(INHERIT_FROM);
    pid_t from = text != NULL ? (pid_t)atoi(text) : 0;

    for (int i = 0; i < count; i++)
        if (untaken[i])
            close(FIRST + i);
    count = 0;
    if (from > 1 && from == getppid())
        kill(from, SIGTERM);
    unsetenv(INHERIT_FROM);
}

int inherit_list(int *fds, int cap)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;
    int n = 0;

    if (d == NULL)
        return 0;
    while (n < cap && (e = readdir(d)) != NULL) {
        int fd = atoi(e->d_name);

        if (fd > 2 && listens(fd))
            fds[n++] = fd;
    }
    closedir(d);
    return n;
}
