/* SPDX-License-Identifier: Apache-2.0 */
/* A check: a connection, a CPing over it, the page if there is one, and what all that takes too
 * long means. docs/health.md has the whole. */
#include "balance/probe.h"

#include "balance/balancer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    SILENT_TICK = 250,  /* ms between looks at a check that is not answered */
    CHECK_AGAIN = 5000, /* ms until it is made anew beside it */
    ALIVE_S = 1,        /* between questions of our kernel to the worker's, */
    ALIVE_MS = 3000,    /* which is gone when it says nothing for so long */
    WITNESS_MS = 500,   /* for its kernel to take a CPing */
};

static void connect_to(struct probe *probe, const struct sockaddr *addr);

static const struct health_settings *settings_of(const struct probe *probe)
{
    return &probe->worker->balancer->settings->health;
}

static struct line *check_of(struct probe *probe)
{
    return &probe->lines[probe->at];
}

static struct line *witness_of(struct probe *probe)
{
    return &probe->lines[1 - probe->at];
}

static bool in_use(const struct line *line)
{
    return line->open && !line->closing;
}

bool probe_has_witness(const struct probe *probe)
{
    return in_use(&probe->lines[1 - probe->at]);
}

static void on_line_closed(struct stream *stream)
{
    struct line *line = CONTAINER_OF(stream, struct line, stream);
    struct probe *probe = line->probe;
    line->open = line->closing = false;
    if (!probe_line_closed(probe) || line != check_of(probe))
        return;
    if (probe->goes_on) {
        connect_to(probe, address_now(probe->worker, &probe->walk));
    } else if (probe->pending) {
        probe->pending = false;
        probe_begin(probe);
    }
}

static void close_line(struct line *line)
{
    if (!in_use(line))
        return;
    line->closing = true;
    stream_close(&line->stream, false);
}

/* The check's connection is the witness from now on. */
static void keep_as_witness(struct probe *probe, bool asked)
{
    close_line(witness_of(probe));
    probe->at = 1 - probe->at;
    probe->witness_asked = asked;
}

/* The check is over. reason: NULL: the worker is well. */
static void finish(struct probe *probe, enum finding found, const char *reason)
{
    if (!probe->running)
        return;
    bool here = in_use(check_of(probe)), well = found == FOUND_WELL;
    bool idle = here && probe->worker->settings->proto == PROTO_AJP && probe->stage == STAGE_TALK &&
                ajp_session_idle(&probe->talk.session);
    probe->running = false;
    probe->ill = !well;
    uv_timer_stop(&probe->timer);
    if (well && here)
        address_keep(probe->worker, &probe->walk); /* before requests go there */
    if (well && probe->worker->settings->proto == PROTO_AJP)
        worker_answered_cping(probe->worker);
    worker_probed(probe->worker, found, reason, loop_now(probe->loop));
    if (well)
        probe->pace.began_ms = 0; /* who is suspected after this is looked at at once */
    if (well && idle)
        keep_as_witness(probe, false);
    else
        close_line(check_of(probe));
    probe_over(probe, false);
}

static void finish_late(struct probe *probe, enum finding found, const char *what)
{
    char reason[REASON_MAX];
    snprintf(reason, sizeof reason, "%s within %u ms", what, settings_of(probe)->timeout);
    finish(probe, found, reason);
}

/* What is asked is not answered, though it came to the worker's machine. The check stays as it is:
 * nobody else is answered sooner. */
static void be_silent(struct probe *probe)
{
    uint64_t now = loop_now(probe->loop);
    char reason[REASON_MAX];
    if (probe->stage != STAGE_SILENT)
        probe->silent_ms = now;
    probe->stage = STAGE_SILENT;
    snprintf(reason, sizeof reason, "no CPong within %u ms", settings_of(probe)->timeout);
    worker_probed(probe->worker, FOUND_SILENT, reason, now);
    uv_timer_start(&probe->timer, probe_on_timer, SILENT_TICK, 0);
}

/* --- connecting --- */

/* Perhaps the worker's backlog is full: its machine takes bytes then over a connection that it has.
 * False: there is none. */
static bool ask_witness(struct probe *probe)
{
    struct line *line = witness_of(probe);
    uint8_t ping[AJP_SMALL_MAX];
    struct iovec out = {.iov_base = ping, .iov_len = ajp_make_cping(ping)};
    if (!in_use(line))
        return false;
    if (!probe->witness_asked && stream_send(&line->stream, &out, 1) != (long)out.iov_len)
        return false;
    probe->witness_asked = true;
    probe->stage = STAGE_WITNESS;
    close_line(check_of(probe));
    uv_timer_start(&probe->timer, probe_on_timer, WITNESS_MS, 0);
    return true;
}

/* At this address nobody takes connections: its name may have another. problem: NULL: it was not in
 * time. */
static void not_connected(struct probe *probe, const char *problem)
{
    probe->slow |= !problem;
    probe->goes_on = address_next(probe->worker, &probe->walk) != NULL;
    if (probe->goes_on) {
        uv_timer_stop(&probe->timer);
        close_line(check_of(probe));
    } else if (probe->slow && ask_witness(probe)) {
        return;
    } else if (problem) {
        finish(probe, FOUND_BAD, problem);
    } else {
        finish_late(probe, FOUND_BAD, "no connection");
    }
}

/* Sends what the talk wants said, or ends the probe. */
static void go_on(struct probe *probe, enum talk_result result)
{
    struct talk *talk = &probe->talk;
    char reason[REASON_MAX];
    if (probe->stage == STAGE_SILENT) { /* no more */
        uv_timer_start(&probe->timer, probe_on_timer, settings_of(probe)->timeout, 0);
        if (talk->pinged)
            worker_answered(probe->worker, loop_now(probe->loop));
    }
    probe->stage = STAGE_TALK;
    if (result == TALK_WELL) {
        finish(probe, FOUND_WELL, NULL);
        return;
    }
    if (result == TALK_ILL) {
        if (talk->status)
            snprintf(reason, sizeof reason, "%s: %u", talk->problem, talk->status);
        finish(probe, FOUND_BAD, talk->status ? reason : talk->problem);
        return;
    }
    if (talk->out_len == 0)
        return;
    /* At most 2 KiB to a connection that has nothing under way: it takes them at once. */
    struct iovec out = {.iov_base = talk->out, .iov_len = talk->out_len};
    talk->out_len = 0;
    if (stream_send(&check_of(probe)->stream, &out, 1) != (long)out.iov_len)
        finish(probe, FOUND_BAD, "write failed");
}

static void read_on(struct probe *probe)
{
    struct line *line = check_of(probe);
    while (probe->running && in_use(line) && line == check_of(probe)) {
        size_t size;
        uint8_t *space = talk_space(&probe->talk, &size);
        long n = stream_recv(&line->stream, space, size);
        if (n == STREAM_AGAIN)
            return;
        if (n == STREAM_FAILED)
            finish(probe, FOUND_BAD, stream_why(&line->stream));
        else
            go_on(probe, n == 0 ? talk_end(&probe->talk) : talk_got(&probe->talk, (size_t)n));
    }
}

/* The witness answers, or has gone. */
static void read_witness(struct probe *probe)
{
    struct line *line = witness_of(probe);
    uint8_t bytes[16];
    long n = stream_recv(&line->stream, bytes, sizeof bytes);
    bool at_stake = probe->running && !in_use(check_of(probe));
    if (n == STREAM_AGAIN)
        return;
    if (n == 5 && probe->witness_asked && bytes[0] == 'A' && bytes[4] == AJP_CPONG) {
        probe->witness_asked = false;
        worker_answered(probe->worker, loop_now(probe->loop));
        if (at_stake)
            finish(probe, FOUND_WELL, NULL);
        return;
    }
    close_line(line);
    if (at_stake)
        finish_late(probe, FOUND_BAD, "no connection");
}

static void on_event(struct stream *stream, bool readable, bool writable)
{
    struct line *line = CONTAINER_OF(stream, struct line, stream);
    struct probe *probe = line->probe;
    if (line->closing)
        return;
    if (line != check_of(probe) || !probe->running) {
        if (readable)
            read_witness(probe);
        return;
    }
    if (!line->connected && (readable || writable)) {
        if (stream_connect_error(stream) != 0) {
            not_connected(probe, stream_why(stream));
            return;
        }
        line->connected = true;
        stream_want(stream, true, false);
        go_on(probe, talk_begin(&probe->talk, probe->worker->settings, settings_of(probe)));
    }
    if (readable && probe->running && line == check_of(probe))
        read_on(probe);
}

/* Out of descriptors is our own trouble, not the worker's. */
static bool our_own(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM;
}

static void connect_to(struct probe *probe, const struct sockaddr *addr)
{
    struct line *line = check_of(probe);
    int rc;
    probe->goes_on = false;
    do
        rc = stream_connect(&line->stream, probe->loop, addr, probe->worker->settings->tls);
    while (rc != 0 && !our_own(rc) && (addr = address_next(probe->worker, &probe->walk)));
    probe->running = rc == 0;
    if (rc != 0) {
        probe->ill = true;
        if (!our_own(rc))
            worker_probed(probe->worker, FOUND_BAD,
                          address_known(probe->worker) ? strerror(-rc) : ADDRESS_NOT_KNOWN,
                          loop_now(probe->loop));
        probe_over(probe, true);
        return;
    }
    stream_watch_peer(&line->stream, ALIVE_S, ALIVE_MS);
    line->stream.on_event = on_event;
    line->stream.on_closed = on_line_closed;
    line->probe = probe;
    line->open = true;
    line->connected = false;
    probe->stage = STAGE_CONNECT;
    uv_timer_start(&probe->timer, probe_on_timer, settings_of(probe)->timeout, 0);
    stream_want(&line->stream, true, true);
}

/* At this address nobody has ever answered: perhaps at another of its name. */
static bool never_answered(const struct probe *probe)
{
    return worker_health(probe->worker) == HEALTH_SILENT &&
           !atomic_load_explicit(&probe->worker->answers_cping, memory_order_relaxed);
}

void probe_begin(struct probe *probe)
{
    bool turn =
        probe->ill && (worker_health(probe->worker) == HEALTH_DOWN || never_answered(probe));
    if (probe->running)
        return;
    uv_timer_stop(&probe->timer);
    probe->pending = check_of(probe)->open; /* being closed */
    if (probe->pending)
        return;
    probe->slow = false;
    probe->stuck_ticks = 0;
    probe->pace.began_ms = loop_now(probe->loop);
    probe->due_ms = probe->pace.began_ms + settings_of(probe)->interval;
    connect_to(probe, turn ? address_resume(probe->worker, &probe->walk)
                           : address_begin(probe->worker, &probe->walk));
}

size_t probe_close(struct probe *probe)
{
    size_t open = 0;
    for (size_t i = 0; i < 2; i++) {
        open += probe->lines[i].open;
        close_line(&probe->lines[i]);
    }
    return open;
}

/* --- what takes too long --- */

/* A request was answered: so will be what was asked here, or else it is silent again. */
static void wait_anew(struct probe *probe)
{
    if (!in_use(check_of(probe)))
        probe->stage = STAGE_WITNESS;
    else
        probe->stage = check_of(probe)->connected ? STAGE_TALK : STAGE_CONNECT;
    uv_timer_start(&probe->timer, probe_on_timer, settings_of(probe)->timeout, 0);
}

/* It waits on, and now and then another check begins beside it: that connection may be lost. */
static void on_silent_tick(struct probe *probe)
{
    uint64_t now = loop_now(probe->loop);
    enum health health = worker_health(probe->worker);
    bool down = health == HEALTH_DOWN;
    if (health == HEALTH_UP) {
        wait_anew(probe);
        return;
    }
    if (down)
        lookup_tick(&probe->lookup, now);
    be_silent(probe);
    if (now - probe->silent_ms < CHECK_AGAIN)
        return;
    probe->running = false;
    probe->ill = down || never_answered(probe);
    if (in_use(check_of(probe)) && check_of(probe)->connected)
        keep_as_witness(probe, true);
    else
        close_line(check_of(probe));
    probe_begin(probe);
}

void probe_late(struct probe *probe)
{
    const struct line *line = probe->stage == STAGE_WITNESS ? witness_of(probe) : check_of(probe);
    bool arrived = in_use(line) && stream_arrived(&line->stream);
    switch (probe->stage) {
    case STAGE_CONNECT:
        if (arrived) /* it is TLS that takes long */
            be_silent(probe);
        else
            not_connected(probe, NULL);
        break;
    case STAGE_TALK:
        if (probe->talk.pinged || probe->worker->settings->proto != PROTO_AJP)
            finish_late(probe, FOUND_SLOW_PAGE, "no health page");
        else if (arrived)
            be_silent(probe);
        else
            finish_late(probe, FOUND_BAD, "nothing of a CPing arrived");
        break;
    case STAGE_WITNESS:
        if (arrived)
            be_silent(probe);
        else
            finish_late(probe, FOUND_BAD, "no connection");
        break;
    case STAGE_SILENT:
        on_silent_tick(probe);
        break;
    }
}
