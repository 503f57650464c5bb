/* SPDX-License-Identifier: Apache-2.0 */
/* AJP towards a worker: one request at a time on a pooled link. libajp's session
 * owns the turn-taking; this file moves bytes and tells the exchange. */
#include "back/back.h"

#include "back/ajp_head.h"
#include "back/leftover.h"
#include "back/link.h"
#include "back/odd_reply.h"
#include "back/silence.h"
#include "core/queue.h"
#include "map/ajp_to_http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- ends of an attempt --- */

/* Ports too; but where one address of a worker says so, another may be reached. */
static bool our_own_lack(int error)
{
    return link_own_lack(error) || error == EADDRNOTAVAIL;
}

/* What the kernel says when nothing comes back from another machine's. */
static bool no_way_there(int error)
{
    return error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EHOSTDOWN;
}

/* Part link and exchange, close the link, and let the exchange decide what follows. */
static RARE void fail(struct link *l, enum failure how, const char *reason)
{
    struct exchange *x = l->x;

    l->x = NULL;
    link_close(l, true);
    if (x != NULL) {
        x->link = NULL;
        exchange_failed(x, how, reason);
    }
}

/* No byte of the request went: that says nothing against the link. */
static RARE void turn_away(struct link *l)
{
    struct exchange *x = l->x;

    ajp_head_blame(l);
    l->x = NULL;
    x->link = NULL;
    link_unused(l);
    exchange_failed(x, FAIL_TOO_LARGE, "request head does not fit the worker's packet size");
}

/* Of a reply that breaks off, or is none. */
static enum failure broken(const struct link *l)
{
    return l->asked ? FAIL_ASKED : FAIL_BROKEN;
}

static void arm(struct link *l, uint32_t ms)
{
    loop_deadline(&l->shard->loop, &l->deadline, ms);
}

/* The worker's name may have another address, at which somebody takes connections. */
static void fail_connect(struct link *l, enum failure how, const char *reason)
{
    struct link *next = link_elsewhere(l);

    if (next == NULL) {
        fail(l, how, reason);
        return;
    }
    arm(next, next->pools->settings->timeouts.connect);
    stream_want(&next->stream, false, true);
}

/* The peer closed or the connection broke: what that means depends on how far we were. */
static RARE void fail_gone(struct link *l, const char *reason)
{
    switch (l->state) {
    case LINK_CONNECTING:
        fail_connect(l, FAIL_REFUSED, reason);
        break;
    case LINK_PINGING:
        fail(l, l->reused ? FAIL_CPING_STALE : FAIL_CPING_FRESH, reason);
        break;
    case LINK_SENDING:
        fail(l, l->reused ? FAIL_SEND_STALE : FAIL_SEND_FRESH, reason);
        break;
    case LINK_WAITING:
        silence_broken(l);
        if (l->x != NULL && !l->x->begun && no_way_there(l->stream.error))
            fail(l, FAIL_UNREACHABLE, reason);
        else if (l->spoke)
            fail(l, broken(l), reason);
        else
            fail(l, l->reused ? FAIL_SILENT_STALE : FAIL_SILENT_FRESH, reason);
        break;
    case LINK_LEFT:
    case LINK_IDLE:
    case LINK_CLOSED:
        link_close(l, false);
        break;
    }
}

static void back_start(struct exchange *x);
static void arm(struct link *l, uint32_t ms);

/* No CPong in time, and x is not sent. A pooled connection may have been forgotten on its way: a
 * new one is asked. But where the worker is known to be silent the CPing has its place in the
 * worker's line: the link keeps it, and x waits in ours for whatever is answered first. */
static void ping_unanswered(struct link *l)
{
    struct exchange *x = l->x;

    if (x == NULL) {
        link_close(l, true);
        return;
    }
    if (!worker_holds(l->worker) && !l->reused) {
        fail(l, FAIL_CPING_SILENT, "no CPong in time");
        return;
    }
    l->x = NULL;
    x->link = NULL;
    x->fresh_only = true;
    if (worker_holds(l->worker)) {
        arm(l, l->pools->settings->timeouts.pool_idle);
    } else {
        x->ask_first = atomic_load(&l->worker->answers_cping);
        link_close(l, true);
    }
    back_start(x);
}

static void on_deadline(struct deadline *d)
{
    struct link *l = CONTAINER_OF(d, struct link, deadline);

    switch (l->state) {
    case LINK_CONNECTING:
        fail_connect(l, FAIL_CONNECT_TIMEOUT,
                     l->stream.tls != NULL ? "connect or TLS handshake timed out"
                                           : "connect timed out");
        break;
    case LINK_PINGING:
        ping_unanswered(l);
        break;
    case LINK_SENDING:
        fail(l, l->reused ? FAIL_SEND_STALE : FAIL_SEND_FRESH, "worker does not read");
        break;
    case LINK_WAITING:
        if (!silence_ask(l))
            fail(l, FAIL_REPLY_TIMEOUT, "no reply in time");
        break;
    case LINK_IDLE:
        link_expired(l);
        break;
    case LINK_LEFT:
    case LINK_CLOSED:
        link_close(l, false);
        break;
    }
}

/* --- sending --- */

/* Body bytes that one DATA packet to this worker holds. */
static uint32_t data_max(const struct link *l)
{
    return l->worker->settings->packet_size - AJP_DATA_HEAD;
}

/* It holds several Content-Lengths: how long it is, is anybody's guess. None of its body goes on,
 * and neither connection carries anything after it. */
static bool is_unsure(const struct link *l)
{
    return l->x->head.content_length == AJP_LENGTH_UNSURE;
}

static void want_body(struct link *l, uint32_t max)
{
    if (is_unsure(l)) {
        fail(l, FAIL_UNSURE, "several Content-Lengths, and the worker wants the body");
        return;
    }
    deadline_clear(&l->deadline); /* it is the client's turn: the front has its own */
    exchange_want(l->x, max);
}

/* The worker's time to go on with its reply; while the client keeps us from reading it, and while
 * the client owes a part of the body, it has no part in that. */
static void arm_reply(struct link *l)
{
    bool reads = (l->stream.wanted & STREAM_READABLE) != 0;

    arm(l, reads && !l->x->wanted ? l->patience : 0);
}

static void await_reply(struct link *l)
{
    l->patience = silence_patience(l);
    arm_reply(l);
}

/* All of the Forward Request has left. */
static void request_sent(struct link *l)
{
    l->state = LINK_WAITING;
    await_reply(l);
    if (l->x->head.content_length > 0)
        want_body(l, data_max(l));
}

static void send_request(struct link *l)
{
    struct exchange *x = l->x;
    int64_t length = ajp_head_length(&x->head);
    struct buf *b = buf_take(&l->shard->loop.bufs);
    ajp_status st = AJP_ERR_ARG;

    l->state = LINK_SENDING;
    l->spoke = l->asked = false;
    if (b != NULL) {
        st = ajp_session_send_request(&l->session, length);
        if (st == AJP_OK)
            st = ajp_head_send(l, b->data);
        buf_give(&l->shard->loop.bufs, b);
    }
    if (st == AJP_ERR_SPACE) {
        turn_away(l);
    } else if (st != AJP_OK) {
        fail(l, FAIL_INTERNAL, b != NULL ? ajp_strerror(st) : "out of memory");
    } else if (l->out.failed) {
        fail_gone(l, stream_why(&l->stream));
    } else if (out_backlog(&l->out) > 0) {
        arm(l, l->pools->settings->timeouts.write_stall);
    } else {
        request_sent(l);
    }
}

/* The worker has taken the connection: on with the request, or into the pool without one. */
static void link_ready(struct link *l)
{
    if (l->x != NULL)
        send_request(l);
    else
        link_put_idle(l);
}

static RARE void send_ping(struct link *l)
{
    uint8_t ping[AJP_SMALL_MAX];

    l->state = LINK_PINGING;
    arm(l, l->pools->settings->timeouts.cping);
    if (ajp_session_send(&l->session, AJP_CPING, 0) != AJP_OK) {
        fail_gone(l, "session is not idle");
        return;
    }
    out_copy(&l->out, &l->stream, ping, ajp_make_cping(ping));
    if (!out_flush(&l->out, &l->stream))
        fail_gone(l, stream_why(&l->stream));
}

/* --- receiving --- */

static bool is_interim(uint16_t status)
{
    return status >= 100 && status < 200 && status != 101;
}

/* For a front that speaks another protocol. */
static void reply_mapped(struct link *l, struct reply *reply)
{
    size_t count = reply->raw->headers.count;
    struct field usual[HEAD_FIELDS_USUAL], *many = NULL;
    const char *why;
    enum map_result r;

    if (count > HEAD_FIELDS_USUAL && (many = malloc(count * sizeof(*many))) == NULL) {
        fail(l, FAIL_INTERNAL, "out of memory");
        return;
    }
    reply->fields = many != NULL ? many : usual;
    r = map_ajp_to_http(reply->raw, reply, &why);
    if (r == MAP_OK)
        exchange_reply(l->x, reply);
    else if (r == MAP_INTERIM)
        exchange_interim(l->x, reply);
    else if (!is_interim(reply->raw->status)) /* the final one is what counts */
        fail(l, FAIL_BAD_REPLY, why);
    free(many);
}

static void on_headers(struct link *l, const ajp_response *r)
{
    struct reply reply = {.status = r->status, .content_length = r->content_length, .raw = r};

    if (is_interim(r->status) && (r->status == 100 || l->x->front->interim == NULL))
        return; /* 100 is for us to say, when the worker asks for the body */
    if (!r->canonical)
        odd_reply_clean(l, r);
    if (r->status < 200 && !is_interim(r->status)) /* no more than 999, says libajp */
        fail(l, FAIL_BAD_REPLY,
             r->status == 101 ? "status 101: AJP cannot carry an upgrade"
                              : "status is out of range");
    else if (l->x->wants_fields)
        reply_mapped(l, &reply);
    else
        exchange_reply(l->x, &reply);
}

/* in[0..used) is the message, if all of it came in one part. */
static bool chunk_is_canonical(const ajp_body *b, const uint8_t *in, size_t used)
{
    uint8_t head[AJP_CHUNK_HEAD];
    const size_t n = ajp_chunk_head(head, b->packet);

    return b->first && b->complete && used == AJP_CHUNK_HEAD + (size_t)b->packet + 1 &&
           memcmp(in, head, n) == 0 && in[used - 1] == 0;
}

static void on_chunk(struct link *l, const ajp_body *b, const uint8_t *in, size_t used)
{
    struct part p = {.data = b->data,
                     .len = b->len,
                     .packet = b->packet,
                     .first = b->first,
                     .last = b->complete};

    if (chunk_is_canonical(b, in, used)) {
        p.frame = in;
        p.frame_len = used;
    }
    if (b->packet == 0)
        exchange_flush(l->x);
    else
        exchange_part(l->x, &p);
}

enum { END_SIZE = AJP_HEADER_SIZE + 2, CONN_FETCH = 384 /* bytes of a client connection */ };

/* in[0..used): END_RESPONSE as it came. rest: bytes behind it, none but a CPong that is owed. */
static void on_end(struct link *l, const uint8_t *in, size_t used, size_t rest)
{
    struct exchange *x = l->x;
    bool idle = ajp_session_idle(&l->session), owes = !idle && ajp_session_pinged(&l->session);
    bool reuse = (idle || owes) && out_backlog(&l->out) == 0 && l->data_left == 0 && !is_unsure(l);

    l->x = NULL;
    x->link = NULL;
    x->worker_closes = !idle && !owes;
    if (owes)
        silence_ended(l, reuse, in + used, rest);
    else
        link_done(l, reuse, rest);
    x->end_frame = used == END_SIZE ? in : NULL;
    exchange_end(x);
}

static void on_message(struct link *l, const ajp_message *m, const uint8_t *in, size_t used,
                       size_t rest)
{
    if (l->state == LINK_PINGING) {
        /* The session lets nothing but a CPong through. */
        worker_answered(l->worker, shard_now(l->shard));
        worker_answered_cping(l->worker);
        if (rest > 0)
            fail_gone(l, "bytes behind the CPong");
        else
            link_ready(l);
        return;
    }
    l->asked = m->kind == AJP_GET_BODY && (l->asked || !l->spoke);
    l->spoke = true;
    switch (m->kind) {
    case AJP_SEND_HEADERS:
        on_headers(l, &m->u.response);
        break;
    case AJP_BODY_CHUNK:
        on_chunk(l, &m->u.body, in, used);
        break;
    case AJP_GET_BODY:
        want_body(l, m->u.wanted == 0 || m->u.wanted > data_max(l) ? data_max(l) : m->u.wanted);
        break;
    case AJP_END_RESPONSE:
        on_end(l, in, used, rest);
        break;
    case AJP_CPONG: /* to silence_ask, and the session expects no more */
        fail(l, FAIL_LOST, "worker ended the request without an answer");
        break;
    default: /* the session refuses every other kind from a container */
        fail(l, FAIL_BROKEN, "message out of turn");
        break;
    }
}

/* A reply that is framed well, but whose contents may not be passed on: a client can bring an
 * app to that, so it says nothing of the worker. */
static bool app_at_fault(ajp_status st)
{
    return st == AJP_ERR_TEXT || st == AJP_ERR_HEADER || st == AJP_ERR_HEADER_LIMIT ||
           st == AJP_ERR_LENGTH || st == AJP_ERR_STATUS;
}

/* True while x goes on. */
static bool take_bytes(struct link *l, const uint8_t *in, size_t len)
{
    struct exchange *x = l->x;

    while (len > 0) {
        ajp_message m;
        size_t used;
        ajp_status st = ajp_session_recv(&l->session, in, len, &used, &m);

        if (st == AJP_MORE)
            break;
        if (st != AJP_OK) {
            odd_reply_tell(l, in, len, &m, st);
            if (l->state == LINK_PINGING) /* the request is still ours to send elsewhere */
                fail_gone(l, ajp_strerror(st));
            else
                fail(l, app_at_fault(st) ? FAIL_BAD_REPLY : broken(l), ajp_strerror(st));
            return false;
        }
        len -= used;
        on_message(l, &m, in, used, len);
        in += used;
        /* ended (and perhaps at work for the same client again), failed, cancelled; or there was
         * none */
        if (l->x != x || x == NULL || m.kind == AJP_END_RESPONSE)
            return false;
        if (x->begun && !x->wanted) /* until then one deadline holds, whatever trickles in */
            arm(l, l->patience);
    }
    if (!link_keep_rest(l, in, len)) {
        fail(l, FAIL_INTERNAL, "out of memory");
        return false;
    }
    return x != NULL;
}

static void on_bytes(struct link *l, const uint8_t *in, size_t len)
{
    bool goes_on;

    l->taking = true;
    goes_on = take_bytes(l, in, len);
    l->taking = false;
    if (goes_on)
        exchange_settle(l->x);
}

static void on_readable(struct link *l)
{
    struct loop *loop = &l->shard->loop;
    size_t have = l->rest != NULL ? buf_len(l->rest) : 0;
    long n;

    if (l->x != NULL) {
        fetch_ahead(l->x, offsetof(struct exchange, message));
        fetch_ahead(l->client, CONN_FETCH);
    }
    n = stream_recv(&l->stream, loop->scratch + have, loop_scratch_room(loop, have));

    if (n == STREAM_AGAIN)
        return;
    link_take_rest(l, loop->scratch);
    if (l->state == LINK_IDLE && n > 0)
        log_event(LEVEL_WARN, "idle_dirty", "worker=%s bytes=%ld", l->worker->settings->name.ptr,
                  n);
    if (l->state == LINK_IDLE) {
        link_close(l, false);
        return;
    }
    if (n <= 0) {
        if (have > 0) { /* the beginning of some message, who knows of which */
            l->spoke = true;
            l->asked = false;
        }
        fail_gone(l, n == 0 ? "worker closed the connection" : stream_why(&l->stream));
        return;
    }
    if (worker_health(l->worker) == HEALTH_SILENT)
        worker_breathed(l->worker, shard_now(l->shard));
    on_bytes(l, loop->scratch, have + (size_t)n);
}

static void on_connected(struct link *l)
{
    int error = stream_connect_error(&l->stream);

    if (error != 0) {
        fail_gone(l, stream_why(&l->stream));
        return;
    }
    address_keep(l->worker, &l->walk);
    stream_want(&l->stream, true, false);
    link_connected(l);
    if (l->worker->settings->tls != NULL || (l->x != NULL && l->x->ask_first))
        send_ping(l); /* in TLS 1.3 a refused certificate shows only now: not at the cost of x */
    else
        link_ready(l);
}

static void on_event(struct stream *s, bool readable, bool writable)
{
    struct link *l = CONTAINER_OF(s, struct link, stream);

    if (l->state == LINK_CONNECTING) {
        on_connected(l);
        return;
    }
    if (l->state == LINK_LEFT) {
        leftover_readable(l);
        return;
    }
    if (readable) {
        on_readable(l);
        if (l->state == LINK_CLOSED)
            return;
    }
    if (writable && out_backlog(&l->out) > 0) {
        if (!out_flush(&l->out, &l->stream)) {
            if (l->state == LINK_WAITING) /* it may have answered: reading tells */
                stream_want_write(&l->stream, false);
            else
                fail_gone(l, stream_why(&l->stream));
        } else if (l->state == LINK_SENDING && out_backlog(&l->out) == 0) {
            request_sent(l);
        }
    }
}

/* --- what the exchange asks for --- */

static void back_start(struct exchange *x)
{
    struct shard *sh = x->shard;
    struct link *l = x->fresh_only ? NULL : link_take_idle(x->pools, x->worker);
    const struct timeouts *t = &x->pools->settings->timeouts;
    bool held = queue_holds(sh, x->pools, x->worker);

    if (l != NULL) {
        l->x = x;
        l->client = x->conn;
        x->link = l;
        if (held || (t->cping_idle != 0 && shard_now(sh) - l->idle_since > t->cping_idle))
            send_ping(l);
        else
            send_request(l);
        return;
    }
    if (held && !queue_hold(x))
        return;
    if (!capacity_take(x->worker, shard_now(sh)) && !queue_wait(x))
        return;
    l = link_new(sh, x->pools, x->worker, on_event, on_deadline);
    if (l == NULL) {
        exchange_failed(x, our_own_lack(errno) ? FAIL_INTERNAL : FAIL_REFUSED, strerror(errno));
        return;
    }
    l->x = x;
    l->client = x->conn;
    x->link = l;
    arm(l, t->connect);
    stream_want(&l->stream, false, true);
}

static void back_part(struct exchange *x, const struct part *p)
{
    struct link *l = x->link;
    uint8_t head[AJP_DATA_HEAD];

    if (p->first) {
        ajp_status st = ajp_session_send(&l->session, AJP_DATA, p->packet);

        if (st != AJP_OK) {
            fail(l, FAIL_BODY, ajp_strerror(st));
            return;
        }
        if (p->frame == NULL)
            out_copy(&l->out, &l->stream, head, ajp_data_head(head, p->packet));
        l->data_left = p->packet;
    }
    l->data_left = (uint16_t)(l->data_left - p->len);
    if (p->frame != NULL)
        out_borrow(&l->out, &l->stream, p->frame, p->frame_len);
    else
        out_borrow(&l->out, &l->stream, p->data, p->len);
    if (p->last)
        arm_reply(l);
}

static void back_body_end(struct exchange *x)
{
    struct link *l = x->link;
    uint8_t end[AJP_SMALL_MAX];
    ajp_status st = ajp_session_send(&l->session, AJP_DATA, 0);

    if (st != AJP_OK) {
        fail(l, FAIL_BODY, ajp_strerror(st));
        return;
    }
    out_copy(&l->out, &l->stream, end, ajp_make_body_end(end));
    await_reply(l);
}

/* A worker that takes no more has perhaps answered, and then closed: what it said is worth more
 * than the failed write, and reading tells the rest. Only our own lack of memory ends it here. */
static void back_settle(struct exchange *x)
{
    struct link *l = x->link;

    if (out_flush(&l->out, &l->stream))
        return;
    if (l->stream.error == 0 || our_own_lack(l->stream.error))
        fail(l, FAIL_INTERNAL, "out of memory");
    else
        arm(l, l->patience);
}

static void back_pause(struct exchange *x, bool paused)
{
    struct link *l = x->link;

    if (l->state == LINK_CONNECTING || l->state == LINK_PINGING) /* another attempt: no reply yet */
        return;
    stream_want_read(&l->stream, !paused);
    if (l->state == LINK_WAITING)
        arm_reply(l);
}

static void back_cancel(struct exchange *x)
{
    struct link *l = x->link;

    x->link = NULL;
    l->x = NULL;
    if (!leftover_begin(l, x))
        link_close(l, true);
}

const struct back_ops back_ajp = {
    .start = back_start,
    .part = back_part,
    .body_end = back_body_end,
    .settle = back_settle,
    .pause = back_pause,
    .cancel = back_cancel,
};

/* One link more for the pool. False: there is no room, or something is wrong with the worker. */
static bool open_idle(struct shard *sh, struct worker *w)
{
    struct link *l;

    if (atomic_load(&w->room->waiting) > 0 || !capacity_take(w, shard_now(sh)))
        return false;
    l = link_new(sh, sh->pools, w, on_event, on_deadline);
    if (l == NULL)
        return false;
    l->opening = true;
    sh->pools->counts[w->index].opening++;
    arm(l, l->pools->settings->timeouts.connect);
    stream_want(&l->stream, false, true);
    return true;
}

void links_warm(struct shard *sh)
{
    struct pools *p = sh->pools;

    for (size_t i = 0; p->any_min && !sh->draining && i < p->balancer->count; i++) {
        struct worker *w = &p->balancer->workers[i];
        const struct idle_count *count = &p->counts[i];

        if (worker_health(w) != HEALTH_UP || atomic_load(&w->activation) == ACTIVATION_STOP)
            continue;
        while (count->now + count->opening < count->min && open_idle(sh, w)) {
        }
    }
}

/* One tried for want of others has begun later. */
static bool began_before_down(const struct link *l)
{
    return worker_health(l->worker) == HEALTH_DOWN &&
           l->x->pick.now_ms <= atomic_load(&l->worker->since_ms);
}

static struct link *left_at_down(struct shard *sh)
{
    for (struct list *at = sh->links.next; at != &sh->links; at = at->next) {
        struct link *l = CONTAINER_OF(at, struct link, node);

        if ((l->state == LINK_SENDING || l->state == LINK_WAITING) && l->x != NULL &&
            !l->x->begun && began_before_down(l))
            return l;
    }
    return NULL;
}

void links_give_up(struct shard *sh)
{
    struct link *l;

    while ((l = left_at_down(sh)) != NULL) /* each may close or open others */
        fail(l, FAIL_DOWN, "the worker was found down");
}

void links_close_all(struct shard *sh)
{
    while (!list_empty(&sh->links))
        fail(CONTAINER_OF(sh->links.next, struct link, node), FAIL_INTERNAL, "shutting down");
}
