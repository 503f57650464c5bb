/* SPDX-License-Identifier: Apache-2.0 */
/* Name look-up in libuv's thread pool; what it finds goes to the worker in the prober's thread. */
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

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = request->data;
    char name[80];
    lookup->running = false;
    if (lookup->dropped) {
        uv_freeaddrinfo(found);
        lookup->ended(lookup);
        return;
    }
    if (status == 0 && found)
        use(lookup->worker, found);
    else
        log_event(LEVEL_WARN, "worker_lookup_failed", "worker=%s reason=\"%s\"",
                  log_str(name, sizeof name, lookup->worker->settings->name), uv_strerror(status));
    uv_freeaddrinfo(found);
}

void lookup_init(struct lookup *lookup, struct worker *worker, uint64_t now_ms)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    const char *host = worker->settings->host.ptr;
    *lookup = (struct lookup){.worker = worker};
    lookup->never = uv_ip4_addr(host, 0, &in) == 0 || uv_ip6_addr(host, 0, &in6) == 0;
    lookup->due_ms = now_ms + worker->balancer->settings->health.resolve;
}

void lookup_tick(struct lookup *lookup, uv_loop_t *loop, uint64_t now_ms)
{
    struct worker *worker = lookup->worker;
    uint32_t interval = worker->balancer->settings->health.resolve;
    bool due = worker_health(worker) == HEALTH_DOWN || (interval != 0 && now_ms >= lookup->due_ms);
    if (lookup->never || lookup->running || !due)
        return;
    struct addrinfo hints;
    char port[8];
    address_hints(worker, &hints, port, sizeof port);
    lookup->due_ms = now_ms + interval;
    lookup->request.data = lookup;
    lookup->running = uv_getaddrinfo(loop, &lookup->request, on_found, worker->settings->host.ptr,
                                     port, &hints) == 0;
}

bool lookup_drop(struct lookup *lookup)
{
    lookup->dropped = true;
    if (lookup->running)
        uv_cancel((uv_req_t *)&lookup->request);
    return lookup->running;
}
