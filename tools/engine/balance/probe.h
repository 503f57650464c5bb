/* SPDX-License-Identifier: Apache-2.0 */
/* One check of a worker, over a connection of its own. */
#ifndef ENGINE_BALANCE_PROBE_H
#define ENGINE_BALANCE_PROBE_H

#include "balance/address.h"
#include "balance/lookup.h"
#include "balance/pace.h"
#include "balance/talk.h"

#include "net/stream.h"

struct health_prober;
struct probe;

/* One connection to the worker. */
struct line {
    struct stream stream;
    struct probe *probe;
    bool open;      /* or being closed */
    bool connected; /* its handshake, if any, is over */
    bool closing;
};

enum stage {
    STAGE_CONNECT, /* with the handshake, if any */
    STAGE_TALK,
    STAGE_WITNESS, /* connecting took too long: does anything come to the witness? */
    STAGE_SILENT,  /* whatever was asked last is not answered */
};

/* The connection of a check that went well stays open as the witness: when connections are not
 * taken any more, it tells whether the machine has gone or its backlog is full. And a CPing that
 * was not answered goes on waiting over it: it is the first to be answered. */
struct probe {
    struct health_prober *prober;
    struct loop *loop;
    struct worker *worker;
    uv_timer_t timer;
    struct line lines[2];
    unsigned at;        /* lines[at] is the check's, the other one the witness */
    bool witness_asked; /* and has not answered */
    bool running;       /* a check is under way */
    bool pending;       /* one begins when its line has closed */
    bool goes_on;       /* the check does, at another address, when its line has closed */
    bool slow;          /* some address did not connect in time */
    bool ill;           /* so the last check found it */
    struct address_walk walk;
    enum stage stage;
    enum health armed; /* what the worker was when the timer was set */
    struct pace pace;
    uint32_t stuck_ticks;
    uint64_t due_ms;    /* a worker without requests is probed then */
    uint64_t silent_ms; /* STAGE_SILENT: since then */
    uint64_t served;    /* at the last tick */
    struct lookup lookup;
    struct talk talk;
};

/* Begins a check, if none is under way: at the address in use; of a worker that is down, and not
 * well there, at the one behind it. */
void probe_begin(struct probe *probe);
/* The timer's time has come, with a check under way. */
void probe_late(struct probe *probe);
/* The end of all checks: how many probe_line_closed are to follow. */
size_t probe_close(struct probe *probe);
/* The worker's connection of before is there, to tell full from gone. */
bool probe_has_witness(const struct probe *probe);

/* --- the prober's (health.c) --- */

void probe_on_timer(uv_timer_t *timer);
/* A check is over. later: the next one not at once. */
void probe_over(struct probe *probe, bool later);
/* True while there are to be checks. */
bool probe_line_closed(struct probe *probe);

#endif
