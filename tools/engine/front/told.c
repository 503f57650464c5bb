/* SPDX-License-Identifier: Apache-2.0 */
/* A client that sends such a field sends it with every request: one line in ten seconds will do. */
#include "front/told.h"

#include <stdatomic.h>
#include <string.h>

enum { TOLD_EVERY_MS = 10000, NAME_ROOM = 96, PATH_ROOM = 256, CLIENT_ROOM = 64 };

void told_dropped(struct shard *sh, const struct head *head)
{
    uint64_t now = shard_now(sh);
    bool underscore = memchr(head->dropped.ptr, '_', head->dropped.len) != NULL &&
                      sh->settings->http.underscores == UNDERSCORES_DROP;
    char name[NAME_ROOM], path[PATH_ROOM], client[CLIENT_ROOM];

    sh->dropped++;
    if (sh->dropped_told != 0 && now - sh->dropped_told < TOLD_EVERY_MS)
        return;
    log_event(LEVEL_INFO, "header_dropped",
              "client=%s header=\"%s\" reason=\"%s\" requests=%llu path=%s",
              log_str(client, sizeof client, head->remote_addr),
              log_str(name, sizeof name, head->dropped),
              underscore ? "underscore in its name (http.underscores)"
                         : "it tells facts of TLS, which clients may not",
              (unsigned long long)sh->dropped, log_str(path, sizeof path, head->path));
    sh->dropped = 0;
    sh->dropped_told = now;
}

void told_upgrade(const struct head *head)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    char to[NAME_ROOM], path[PATH_ROOM], client[CLIENT_ROOM];

    if (atomic_flag_test_and_set_explicit(&told, memory_order_relaxed))
        return;
    log_event(LEVEL_WARN, "upgrade_ignored",
              "client=%s upgrade=\"%s\" path=%s reason=\"AJP cannot carry it: the request goes on "
              "without; told once\"",
              log_str(client, sizeof client, head->remote_addr),
              log_str(to, sizeof to, head->upgrade), log_str(path, sizeof path, head->path));
}
