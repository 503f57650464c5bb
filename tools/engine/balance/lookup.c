/* SPDX-License-Identifier: Apache-2.0 */
/* What a look-up finds goes to the worker in the prober's thread. */
#include "balance/lookup.h"

#include "balance/address.h"

/* No address that is in use and still the name's is turned away from: whether it answers is the
 * prober's to say, and who connects to it. */
static void use(struct worker *worker, const struct addrinfo *found)
{
    char name[80], from[64], to[64];
    address_text(worker_address(worker), from, sizeof from);
    if (!address_set(worker, found))
        return;
    address_text(worker_address(worker), to, sizeof to);
    log_event(LEVEL_INFO, "worker_address", "worker=%s from=%s to=%s",
              log_str(name, sizeof name, worker->settings->name), from, to);
}

static void on_found(uv_async_t *found)
{
    struct lookup *lookup = found->data;
    const struct addrinfo *addresses = NULL;
    char name[80], host[128];
    if (!lookup->query)
        return;
    int rc = name_query_result(lookup->query, &addresses);
    if (rc == 0)
        use(lookup->worker, addresses);
    else
        log_event(LEVEL_WARN, "worker_lookup_failed", "worker=%s host=%s reason=\"%s\"",
                  log_str(name, sizeof name, lookup->worker->settings->name),
                  log_str(host, sizeof host, lookup->worker->settings->host), gai_strerror(rc));
    name_query_leave(lookup->query);
    lookup->query = NULL;
}

static void tell(void *ctx)
{
    uv_async_send(ctx);
}

void lookup_init(struct lookup *lookup, struct worker *worker, uv_loop_t *loop, uint64_t now_ms)
{
    *lookup = (struct lookup){.worker = worker};
    lookup->due_ms = now_ms + worker->balancer->settings->health.resolve;
    lookup->never = !name_is_looked_up(worker->settings->host.ptr) ||
                    uv_async_init(loop, &lookup->found, on_found) != 0;
    if (!lookup->never)
        lookup->found.data = lookup;
}

void lookup_tick(struct lookup *lookup, uint64_t now_ms)
{
    struct worker *worker = lookup->worker;
    uint32_t interval = worker->balancer->settings->health.resolve;
    bool due = worker_health(worker) == HEALTH_DOWN || (interval != 0 && now_ms >= lookup->due_ms);
    if (lookup->never || lookup->query || !due)
        return;
    struct addrinfo hints;
    char port[8];
    address_hints(worker, &hints, port, sizeof port);
    lookup->due_ms = now_ms + interval;
    lookup->query =
        name_query_start(worker->settings->host.ptr, port, &hints, tell, &lookup->found);
}

static void on_closed(uv_handle_t *found)
{
    struct lookup *lookup = found->data;
    lookup->ended(lookup);
}

bool lookup_drop(struct lookup *lookup)
{
    if (lookup->never)
        return false;
    name_query_leave(lookup->query);
    lookup->query = NULL;
    uv_close((uv_handle_t *)&lookup->found, on_closed);
    return true;
}
