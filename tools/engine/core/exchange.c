/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing a worker, passing bodies both ways, checking what the worker says against
 * what it announced, and deciding what a failure leads to. */
#include "core/exchange.h"

#include "balance/explain.h"
#include "balance/routes.h"
#include "balance/sticky.h"
#include "core/queue.h"

#include <stdlib.h>
#include <string.h>

enum { UNUSABLE_PAUSE = 1000 /* ms between two lines of that */ };

struct exchange *exchange_take(struct shard *sh, const struct front_ops *front, void *conn)
{
    struct exchange *x = sh->free_exchanges;

    if (x != NULL)
        sh->free_exchanges = x->next_free;
    else if ((x = malloc(sizeof(*x))) == NULL)
        return NULL;
    memset(x, 0, offsetof(struct exchange, queue));
    x->shard = sh;
    x->began = pools_enter(sh->pools);
    x->front = front;
    x->conn = conn;
    x->reply_left = -1;
    return x;
}

bool exchange_parse_room(struct shard *sh, uint32_t fields)
{
    struct field *parsed;

    if (sh->parsed_room >= fields)
        return true;
    parsed = realloc(sh->parsed, fields * sizeof(*parsed));
    if (parsed == NULL)
        return false;
    sh->parsed = parsed;
    sh->parsed_room = fields;
    return true;
}

bool exchange_keep_fields(struct exchange *x)
{
    size_t size = x->head.field_count * sizeof(*x->fields);
    struct field *to = x->fields;

    if (x->head.field_count > EXCHANGE_FIELDS && (to = x->more_fields = malloc(size)) == NULL)
        return false;
    memcpy(to, x->head.fields, size);
    x->head.fields = to;
    return true;
}

void exchange_give(struct exchange *x)
{
    free(x->more_fields);
    replay_drop(x);
    pools_leave(x->pools);
    pools_leave(x->began);
    x->next_free = x->shard->free_exchanges;
    x->shard->free_exchanges = x;
}

void exchange_pool_clear(struct shard *sh)
{
    while (sh->free_exchanges != NULL) {
        struct exchange *x = sh->free_exchanges;

        sh->free_exchanges = x->next_free;
        free(x);
    }
    free(sh->parsed);
    sh->parsed = NULL;
    sh->parsed_room = 0;
}

/* The clock of the access log; not read when there is none. */
static uint64_t now_us(const struct exchange *x)
{
    return x->shard->access_log != NULL ? uv_hrtime() / 1000 : 0;
}

static void give_up(struct exchange *x, uint16_t status, const char *reason)
{
    x->reason = reason;
    x->front->fail(x, status);
}

static void attempt_at(struct exchange *x, struct worker *w)
{
    x->worker = w;
    x->attempts++;
    worker_begin(w, x->pick.weighting);
    x->back = x->shard->backs[w->settings->proto];
    x->back->start(x);
}

/* No route has x's path, or more than one might. */
static RARE void refuse_path(struct exchange *x, uint16_t status)
{
    char client[64], path[256];

    if (status == 404) {
        give_up(x, status, "no route");
        return;
    }
    log_event(LEVEL_INFO, "bad_request", "client=%s status=%u reason=\"%s\" path=%s",
              log_str(client, sizeof(client), x->head.remote_addr), status,
              "servers read the path in different ways (http.encoded_slash, http.non_ascii)",
              log_str(path, sizeof(path), x->head.path));
    give_up(x, status, "path is ambiguous");
}

/* By the generation that x begins under. False: answered. */
static bool find_route(struct exchange *x)
{
    const struct settings *set = x->pools->settings;
    uint16_t status;

    x->pick.outside = 0;
    x->pick.weighting = 0;
    x->pick.mapping = NULL;
    x->reply_timeout = set->timeouts.reply;
    if (set->route_count == 0)
        return true;
    status = routes_find(set, &x->head, &x->pick);
    if (status == 0)
        x->reply_timeout = x->pick.mapping->reply_timeout;
    else
        refuse_path(x, status);
    return status == 0;
}

static struct worker *pick(struct exchange *x)
{
    x->pick.now_ms = shard_now(x->shard);
    return balancer_pick(x->pools->balancer, &x->pick);
}

/* At most once a second and thread, with the number of requests that it is said for. */
static RARE void tell_unusable(const struct exchange *x)
{
    struct shard *sh = x->shard;
    uint64_t now = shard_now(sh);
    char path[256], workers[EXPLAIN_ROOM];

    sh->unusable++;
    if (sh->unusable_told != 0 && now - sh->unusable_told < UNUSABLE_PAUSE)
        return;
    log_event(LEVEL_WARN, "no_usable_worker", "requests=%llu path=%s workers=\"%s\"",
              (unsigned long long)sh->unusable, log_str(path, sizeof(path), x->head.path),
              balancer_explain(x->pools->balancer, &x->pick, workers));
    sh->unusable = 0;
    sh->unusable_told = now;
}

static void attempt(struct exchange *x)
{
    struct worker *w = pick(x);

    if (w != NULL) {
        attempt_at(x, w);
        return;
    }
    tell_unusable(x);
    give_up(x, 503, "no usable worker");
}

void exchange_start(struct exchange *x)
{
    x->number = ((uint64_t)x->shard->index << 48) | ++x->shard->requests;
    x->start_us = now_us(x);
    x->pools = pools_enter(x->began);
    x->pick.key = x->head.remote_addr;
    if (exchange_ends_here(x) || !find_route(x))
        return;
    if (pick_is_sticky(x->pools->settings, &x->pick))
        sticky_find(x->pools->balancer, &x->head, &x->pick);
    attempt(x);
}

void exchange_move(struct exchange *x)
{
    struct pools *old = x->pools;

    queue_leave(x);
    worker_end(x->worker, x->pick.weighting);
    x->worker = NULL;
    x->pick.tried = 0; /* its bits are places among the old workers */
    x->attempts--;
    x->pools = pools_enter(x->shard->pools);
    pools_leave(old);
    if (find_route(x))
        attempt(x);
}

void exchange_move_to(struct exchange *x, struct worker *w)
{
    log_event(LEVEL_DEBUG, "moved", "from=%s to=%s", x->worker->settings->name.ptr,
              w->settings->name.ptr);
    worker_end(x->worker, x->pick.weighting);
    x->attempts--;
    attempt_at(x, w);
}

/* The attempt at x->worker is over. */
static void leave_worker(struct exchange *x, enum worker_outcome outcome)
{
    if (x->worker == NULL)
        return;
    worker_end(x->worker, x->pick.weighting);
    worker_report(x->worker, outcome, x->number, shard_now(x->shard));
}

/* One line of why an attempt failed, and what follows. note: more fields, or none. */
static void tell(const struct exchange *x, const char *event, const char *reason, const char *note)
{
    char method[32], path[256];

    log_event(LEVEL_WARN, event, "worker=%s reason=\"%s\" attempt=%u method=%s path=%s%s",
              x->worker->settings->name.ptr, reason, x->attempts,
              log_str(method, sizeof(method), x->head.method),
              log_str(path, sizeof(path), x->head.path), note);
}

static bool stays(const struct failure_rule *rule)
{
    return rule->action == RETRY_FRESH || rule->action == RETRY_SAFE;
}

/* Whom the attempt may be made again at; NULL: nobody. */
static struct worker *successor(struct exchange *x, const struct failure_rule *rule)
{
    if (stays(rule))
        return x->worker;
    x->pick.tried |= UINT64_C(1) << x->worker->index;
    return pick(x);
}

/* Its worker does not answer, and x, which was not sent, is held there: since it is of its session,
 * or since there is no other worker that is well. No retry: nothing was tried. */
static RARE bool waits_on(struct exchange *x, const struct failure_rule *rule)
{
    struct worker *w = x->worker;

    if (rule->action != RETRY_OTHER || x->attempts >= x->pools->settings->limits.max_attempts ||
        !worker_holds(w))
        return false;
    if (!x->pick.sticky) {
        uint64_t tried = x->pick.tried;
        struct worker *other;

        x->pick.tried |= UINT64_C(1) << w->index;
        other = pick(x);
        x->pick.tried = tried;
        if (other != NULL && !worker_holds(other))
            return false;
    }
    log_event(LEVEL_DEBUG, "held", "worker=%s", w->settings->name.ptr);
    attempt_at(x, w);
    return true;
}

static void again(struct exchange *x, const struct failure_rule *rule, struct worker *w,
                  const char *reason)
{
    tell(x, "retry", reason, "");
    retry_count(x->shard, x->worker);
    x->wanted = false;
    x->reason = reason;
    x->replayed |= rule->action >= RETRY_SAFE;
    x->fresh_only |= stays(rule);
    replay_rewind(x);
    attempt_at(x, w);
}

void exchange_failed(struct exchange *x, enum failure how, const char *reason)
{
    const struct failure_rule *rule = failure_rule_of(how);
    uint16_t status = rule->status;
    const char *note = "";
    struct worker *w;

    leave_worker(x, rule->outcome);
    if (waits_on(x, rule))
        return;
    if (retry_allowed(x, rule)) {
        bool affordable = retry_affordable(x->shard);

        w = affordable ? successor(x, rule) : NULL;
        if (w != NULL) {
            again(x, rule, w, reason);
            return;
        }
        note = affordable ? " no_retry=\"no other worker\"" : " no_retry=\"over budget\"";
        if (affordable && rule->action == RETRY_OTHER)
            tell_unusable(x);
        if (!affordable || rule->action == RETRY_OTHER) /* it can be had later: so says a 503 */
            status = 503;
    }
    x->wanted = false;
    tell(x, "request_failed", reason, note);
    give_up(x, status, reason);
}

/* --- the reply --- */

static bool passes_503_over(const struct exchange *x)
{
    const struct route *mapping = x->pick.mapping;

    return mapping != NULL ? mapping->retry_on_503 : x->pools->settings->retry.on_503;
}

/* The app says that it can not now: another worker is asked, if there is one that may be. */
static bool passed_over(struct exchange *x, const struct reply *r)
{
    const struct failure_rule *rule = failure_rule_of(FAIL_APP_503);
    struct worker *w;

    if (r->status != 503 || !passes_503_over(x) || !retry_allowed(x, rule) ||
        !retry_affordable(x->shard) || (w = successor(x, rule)) == NULL)
        return false;
    x->back->cancel(x);
    leave_worker(x, rule->outcome);
    again(x, rule, w, "the app answered 503");
    return true;
}

/* The worker's packets are larger than the web server's, and so is this head. */
static bool too_large(struct exchange *x, const struct reply *r)
{
    size_t size = r->raw != NULL ? r->raw->payload_len + (size_t)AJP_HEADER_SIZE : 0;

    if (x->max_reply_head == 0 || size <= x->max_reply_head)
        return false;
    log_event(LEVEL_WARN, "reply_head_too_large", "worker=%s bytes=%zu packet_size=%u",
              x->worker->settings->name.ptr, size, x->max_reply_head);
    x->back->cancel(x);
    exchange_failed(x, FAIL_BAD_REPLY, "reply head does not fit the listener's packet size");
    return true;
}

/* No content, whatever the worker sends. */
static bool never_a_body(uint16_t status)
{
    return status == 204 || status == 205 || status == 304;
}

/* A 205 is told to be empty (RFC 9110 15.3.6). A 304 tells the length of the page that it stands
 * for (8.6), or nothing: Tomcat's AJP says 0 of any, and caches would believe it. */
static bool wrong_length(const struct reply *r)
{
    return r->status == 205 ? r->content_length != 0 : r->status == 304 && r->content_length == 0;
}

void exchange_reply(struct exchange *x, const struct reply *r)
{
    struct reply right;

    if (passed_over(x, r))
        return;
    if (too_large(x, r))
        return;
    replay_drop(x);
    x->begun = true;
    x->reason = NULL;
    x->status = r->status;
    x->first_us = now_us(x);
    worker_replied(x->worker, r->status, shard_now(x->shard));
    if (r->raw != NULL && x->pools->settings->session.sticky)
        sticky_begun(x->worker->balancer, x->worker, r->raw, shard_now(x->shard));
    worker_measure_latency(x->worker, shard_now(x->shard) - x->pick.now_ms);
    x->bodyless = never_a_body(r->status) ||
                  (x->head.method.len == 4 && memcmp(x->head.method.ptr, "HEAD", 4) == 0);
    x->reply_left = x->bodyless ? -1 : r->content_length;
    if (x->bodyless && wrong_length(r)) {
        right = *r;
        right.relength = r->content_length >= 0;
        right.content_length = r->status == 205 ? 0 : -1;
        r = &right;
    }
    x->front->reply(x, r);
}

void exchange_interim(struct exchange *x, const struct reply *r)
{
    if (!x->begun)
        x->front->interim(x, r);
}

/* Bytes beyond Content-Length are cut off; bodies that must not be are dropped. */
void exchange_part(struct exchange *x, const struct part *p)
{
    struct part pass = *p;

    if (x->bodyless)
        return;
    if (p->first) {
        x->packet_left = p->packet;
        if (x->reply_left >= 0 && x->reply_left < p->packet) {
            x->packet_left = (uint16_t)x->reply_left;
            x->excess = true;
        }
        pass.packet = x->packet_left;
    }
    if (pass.len > x->packet_left)
        pass.len = x->packet_left;
    if (pass.len == 0)
        return;
    if (pass.len != p->len || pass.packet != p->packet)
        pass.frame = NULL;
    x->packet_left = (uint16_t)(x->packet_left - pass.len);
    pass.last = x->packet_left == 0;
    if (x->reply_left >= 0)
        x->reply_left -= (int64_t)pass.len;
    x->bytes_down += pass.len;
    x->front->part(x, &pass);
}

void exchange_flush(struct exchange *x)
{
    if (x->begun)
        x->front->flush(x);
}

void exchange_settle(struct exchange *x)
{
    x->front->settle(x);
}

void exchange_end(struct exchange *x)
{
    bool cut = x->reply_left > 0;

    worker_measure_traffic(x->worker, x->pick.weighting, x->bytes_up + x->bytes_down);
    leave_worker(x, cut ? OUT_NEUTRAL : OUT_OK);
    if (cut || x->excess) {
        x->reason = cut ? "reply is shorter than its Content-Length"
                        : "reply is longer than its Content-Length";
        log_event(LEVEL_WARN, "bad_length", "worker=%s reason=\"%s\"",
                  x->worker->settings->name.ptr, x->reason);
    }
    if (cut)
        x->front->fail(x, 502);
    else
        x->front->end(x);
}

/* --- the request's body --- */

void exchange_want(struct exchange *x, uint32_t max)
{
    x->wanted = true;
    if (x->replay_at != NULL && replay_send(x, max))
        return;
    x->front->want(x, max);
}

void exchange_body(struct exchange *x, const struct part *p)
{
    x->taking_body = true;
    x->packet_open = !p->last;
    x->bytes_up += p->len;
    if (!x->begun)
        replay_keep(x, p);
    if (p->last)
        x->wanted = false;
    x->back->part(x, p);
}

void exchange_body_end(struct exchange *x)
{
    x->wanted = false;
    x->back->body_end(x);
}

void exchange_body_settle(struct exchange *x)
{
    if (x->link != NULL)
        x->back->settle(x);
}

void exchange_pause(struct exchange *x, bool paused)
{
    if (x->link != NULL)
        x->back->pause(x, paused);
}

void exchange_cancel(struct exchange *x, const char *reason)
{
    x->reason = reason;
    if (x->queued)
        queue_leave(x);
    else if (x->link != NULL)
        x->back->cancel(x);
    else
        return;
    leave_worker(x, OUT_NEUTRAL);
}

void exchange_log(struct exchange *x, uint16_t status)
{
    struct access_entry e;
    uint64_t now;

    if (x->shard->access_log == NULL)
        return;
    now = now_us(x);
    e = (struct access_entry){
        .client = x->head.remote_addr,
        .method = x->head.method,
        .path = x->head.path,
        .query = x->head.query,
        .protocol = x->head.protocol,
        .status = status,
        .bytes_up = x->bytes_up,
        .bytes_down = x->bytes_down,
        .worker = x->worker != NULL ? x->worker->settings->name.ptr : NULL,
        .route = x->pick.route,
        .total_us = x->start_us != 0 ? now - x->start_us : 0,
        .first_us = x->first_us != 0 ? x->first_us - x->start_us : 0,
        .retries = x->attempts > 0 ? x->attempts - 1 : 0,
        .reason = x->reason,
    };
    access_log_write(x->shard->access_log, &e);
}
