/* SPDX-License-Identifier: Apache-2.0 */
/* uv_spawn hands each descriptor down as the next number from 3 on. */
#include "run/upgrade.h"

#include "base/log.h"
#include "net/inherit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOCKETS_MAX = 512, EXTRA_ENV = 3 };

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
static char **environment(char *count, char *from)
{
    size_t n = 0;
    char **env;

    while (environ[n] != NULL)
        n++;
    env = calloc(n + EXTRA_ENV, sizeof(*env));
    if (env == NULL)
        return NULL;
    memcpy(env, environ, n * sizeof(*env));
    env[n] = count;
    env[n + 1] = from;
    return env;
}

void upgrade_start(struct upgrade *u, uv_loop_t *loop, char **argv)
{
    uv_stdio_container_t stdio[3 + SOCKETS_MAX];
    int fds[SOCKETS_MAX];
    int n = inherit_list(fds, SOCKETS_MAX);
    char count[64], from[64];
    uv_process_options_t how = {
        .exit_cb = on_exit_of_successor, .file = u->path, .args = argv, .stdio = stdio};
    int rc = UV_ENOMEM;

    if (u->running)
        return;
    for (int i = 0; i < 3 + n; i++) {
        stdio[i].flags = UV_INHERIT_FD;
        stdio[i].data.fd = i < 3 ? i : fds[i - 3];
    }
    how.stdio_count = 3 + n;
    snprintf(count, sizeof(count), INHERIT_COUNT "=%d", n);
    snprintf(from, sizeof(from), INHERIT_FROM "=%ld", (long)getpid());
    how.env = environment(count, from);
    u->process.data = u;
    if (how.env != NULL)
        rc = uv_spawn(loop, &u->process, &how);
    free(how.env);
    u->running = true;
    if (rc != 0) {
        log_event(LEVEL_ERROR, "upgrade_failed", "reason=\"%s\" program=%s", uv_strerror(rc),
                  u->path);
        uv_close((uv_handle_t *)&u->process, on_closed);
        return;
    }
    uv_unref((uv_handle_t *)&u->process);
    log_event(LEVEL_INFO, "upgrading", "successor=%d sockets=%d", u->process.pid, n);
}
