/* SPDX-License-Identifier: Apache-2.0 */
/* One CPing for each request is enough: it lies in the worker's socket and is answered as soon as
 * the request is over, whenever that is. */
#include "back/silence.h"

enum { AT_ONCE_MS = 1000, OFF_MS = 10 * 60 * 1000, BROKEN_MAX = 3 };

uint32_t silence_patience(const struct link *l)
{
    uint32_t ask = l->pools->settings->timeouts.cping_silent, reply = l->x->reply_timeout;

    /* The shorter one, where 0 is for ever. */
    return ask - 1 < reply - 1 ? ask : reply;
}

/* One that never answered a CPing may not know what it is. It may be known to by the next time: its
 * first one may be under way. */
static bool may_be_asked(const struct worker *w, uint64_t now)
{
    return atomic_load_explicit(&w->answers_cping, memory_order_relaxed) &&
           atomic_load_explicit(&w->unasked_until_ms, memory_order_relaxed) <= now;
}

bool silence_ask(struct link *l)
{
    uint32_t ask = l->pools->settings->timeouts.cping_silent;
    uint32_t passed = l->patience, reply = l->x->reply_timeout;
    uint64_t now = shard_now(l->shard);
    uint8_t ping[AJP_SMALL_MAX];
    bool asked;

    if (passed == reply)
        return false;
    asked = may_be_asked(l->worker, now);
    l->patience = asked || (reply != 0 && reply - passed <= ask) ? reply : passed + ask;
    loop_deadline(&l->shard->loop, &l->deadline, l->patience != 0 ? l->patience - passed : 0);
    if (!asked || ajp_session_send(&l->session, AJP_CPING, 0) != AJP_OK)
        return true; /* the latter: it may want more of the body, and take the CPing for that */
    l->asked_ms = now;
    log_event(LEVEL_DEBUG, "cping_silent", "worker=%s", l->worker->settings->name.ptr);
    out_copy(&l->out, &l->stream, ping, ajp_make_cping(ping));
    if (!out_flush(&l->out, &l->stream)) /* it may have answered: reading tells */
        stream_want_write(&l->stream, false);
    return true;
}

void silence_ended(struct link *l, bool reuse, const uint8_t *in, size_t len)
{
    ajp_message m;
    size_t used = 0;
    ajp_status st = AJP_MORE;

    atomic_store_explicit(&l->worker->replies_broken, 0, memory_order_relaxed);
    if (!link_await_pong(l, reuse))
        return;
    if (len > 0)
        st = ajp_session_recv(&l->session, in, len, &used, &m);
    if (st == AJP_MORE && link_keep_rest(l, in, len))
        return;
    if (st == AJP_OK && used == len)
        link_put_idle(l);
    else
        link_close(l, false);
}

/* A forwarder that finds out in that moment that its own worker will not go on breaks off a reply,
 * too: only where that comes again and again it is the CPing. */
static bool is_chance(const struct link *l)
{
    return l->x != NULL && l->x->begun &&
           atomic_fetch_add_explicit(&l->worker->replies_broken, 1, memory_order_relaxed) + 1 <
               BROKEN_MAX;
}

void silence_broken(const struct link *l)
{
    uint64_t now = shard_now(l->shard);

    if (!ajp_session_pinged(&l->session) || now - l->asked_ms > AT_ONCE_MS || is_chance(l))
        return;
    atomic_store_explicit(&l->worker->unasked_until_ms, now + OFF_MS, memory_order_relaxed);
    log_event(LEVEL_WARN, "cping_silent_off",
              "worker=%s reason=\"it broke off when asked by CPing within a request\" for_s=%d",
              l->worker->settings->name.ptr, OFF_MS / 1000);
}
