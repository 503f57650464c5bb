/* SPDX-License-Identifier: Apache-2.0 */
/* uv_spawn hands each descriptor down as the next number from 3 on. */
#include "run/upgrade.h"

#include "base/log.h"
#include "net/inherit.h"
#include "run/handover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FDS_MAX = 513 }; /* sockets, and the state */

extern char **environ;

void upgrade_init(struct upgrade *u)
{
    ssize_t n = readlink("/proc/self/exe", u->path, sizeof(u->path) - 1);

    u->path[n > 0 ? n : 0] = '\0';
    u->running = false;
}

static void on_closed(uv_handle_t *h)
{
    struct upgrade *u = h->data;

    u->running = false;
}

static void on_exit_of_successor(uv_process_t *p, int64_t status, int number)
{
    log_event(LEVEL_ERROR, "upgrade_failed",
              "status=%lld signal=%d note=\"this program goes on serving\"", (long long)status,
              number);
    uv_close((uv_handle_t *)p, on_closed);
}

/* Ours, and what the successor has to know. NULL: out of memory. */
static char **environment(char *const *more, size_t count)
{
    size_t n = 0;
    char **env;

    while (environ[n] != NULL)
        n++;
    env = calloc(n + count + 1, sizeof(*env));
    if (env == NULL)
        return NULL;
    memcpy(env, environ, n * sizeof(*env));
    memcpy(env + n, more, count * sizeof(*env));
    return env;
}

/* 0 or a negative libuv error. It has our sockets, and then the state, from descriptor 3 on. */
static int spawn(struct upgrade *u, uv_loop_t *loop, char **argv, const int *fds, int count)
{
    uv_stdio_container_t stdio[3 + FDS_MAX];
    char sockets[64], from[64], state[64];
    char *const more[] = {sockets, from, state};
    uv_process_options_t how = {
        .exit_cb = on_exit_of_successor, .file = u->path, .args = argv, .stdio = stdio};
    int rc = UV_ENOMEM;

    for (int i = 0; i < 3 + count; i++) {
        stdio[i].flags = UV_INHERIT_FD;
        stdio[i].data.fd = i < 3 ? i : fds[i - 3];
    }
    how.stdio_count = 3 + count;
    snprintf(sockets, sizeof(sockets), INHERIT_COUNT "=%d", count - 1);
    snprintf(from, sizeof(from), INHERIT_FROM "=%ld", (long)getpid());
    snprintf(state, sizeof(state), INHERIT_STATE "=%d,%ld", 3 + count - 1, (long)getpid());
    how.env = environment(more, sizeof(more) / sizeof(more[0]));
    u->process.data = u;
    u->running = how.env != NULL;
    if (u->running)
        rc = uv_spawn(loop, &u->process, &how);
    free(how.env);
    return rc;
}

void upgrade_start(struct upgrade *u, uv_loop_t *loop, char **argv, const struct overlay *overlay,
                   const struct balancer *balancer)
{
    int fds[FDS_MAX];
    char error[128];
    int n, rc;

    if (u->running)
        return;
    n = inherit_list(fds, FDS_MAX - 1);
    fds[n] = handover_write(overlay, balancer, error, sizeof(error));
    if (fds[n] < 0) {
        log_event(LEVEL_ERROR, "upgrade_failed", "reason=\"%s\"", error);
        return;
    }
    rc = spawn(u, loop, argv, fds, n + 1);
    close(fds[n]);
    if (rc != 0) {
        log_event(LEVEL_ERROR, "upgrade_failed", "reason=\"%s\" program=%s", uv_strerror(rc),
                  u->path);
        if (u->running)
            uv_close((uv_handle_t *)&u->process, on_closed);
        return;
    }
    uv_unref((uv_handle_t *)&u->process);
    log_event(LEVEL_INFO, "upgrading", "successor=%d sockets=%d", u->process.pid, n);
}
