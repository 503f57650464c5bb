/* SPDX-License-Identifier: Apache-2.0 */
/* One worker as all threads see it: its settings, and atomics for load and health. */
#ifndef ENGINE_BALANCE_WORKER_H
#define ENGINE_BALANCE_WORKER_H

#include "balance/room.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>

enum health {
    HEALTH_UP,
    HEALTH_SUSPECT, /* still used; the prober looks at once, then now and then */
    HEALTH_SILENT,  /* its machine lives, but nothing comes back: its sessions wait, unsent */
    HEALTH_DOWN,    /* the prober brings it back, or a request tried for want of others */
    HEALTH_PROBE,   /* answered the prober: one request at a time until three went well */
};

/* What became of a request's attempt (RELIABILITY 4.3, 4.4). */
enum worker_outcome {
    OUT_OK,      /* End Response seen, whatever the status */
    OUT_NEUTRAL, /* client gone, stale pooled connection: says nothing of the worker */
    OUT_REFUSED, /* connection refused or unreachable */
    OUT_CONNECT_TIMEOUT,
    OUT_CPING_FAILED, /* on a fresh connection: closed, or no CPong */
    OUT_CPING_SILENT, /* on a fresh connection: nothing came */
    OUT_FAILED,       /* an F of the state table */
    OUT_REPLY_TIMEOUT,
};

/* What the prober found. Silence is no refusal: docs/health.md. */
enum finding {
    FOUND_WELL,
    FOUND_BAD,       /* refused, unreachable, closed, or a wrong answer */
    FOUND_SILENT,    /* it was reached, and no CPong came */
    FOUND_SLOW_PAGE, /* a CPong came, and then no page */
};

/* Of a worker that is down. */
enum mute {
    MUTE_NO,
    MUTE_NOW,  /* it takes connections and does not answer: perhaps it is starting */
    MUTE_ONLY, /* it never did anything worse: it is what it was, when it answers */
};

enum { REASON_MAX = 96 };

struct balancer;
struct sessions;

/* What was given to a worker that counts against its share. */
struct tally {
    _Atomic uint64_t charge; /* what METHOD_REQUESTS and its like count, decaying */
    _Atomic uint32_t busy;   /* requests now */
};

/* The addresses of a worker's name, in the order in which they are tried. */
enum { ADDRESSES_MAX = 8 };
union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};
struct address_set {
    union address at[ADDRESSES_MAX];
    uint32_t count;
};

struct worker {
    /* Read by all, written hardly ever. */
    _Alignas(64) const struct worker_settings *settings;
    struct balancer *balancer;
    struct address_set addresses[2]; /* one is used, the other waits to be overwritten */
    _Atomic uint32_t address_at;     /* which of which, see address.c */
    uint32_t index;
    uint64_t name_hash;
    struct sessions *sessions; /* seen at it lately */
    struct room *room;

    /* Written by every request. */
    _Alignas(64) struct tally tally; /* busy: of all its requests; charge: of those by its weight */
    _Atomic uint64_t elected;
    _Atomic uint64_t served;     /* attempts that went well */
    _Atomic uint32_t latency_us; /* smoothed, decaying */

    /* Written when something is wrong, or changes. */
    _Alignas(64) _Atomic uint32_t health; /* enum health */
    _Atomic uint32_t activation;          /* enum activation; starts as in the settings */
    _Atomic uint32_t weight;              /* starts as in the settings */
    _Atomic uint64_t since_ms;            /* of the last change of health */
    _Atomic uint64_t recovered_ms;        /* when it was last back up; 0: it was never down */
    _Atomic uint64_t alive_ms;            /* last byte of a reply while it was silent */
    _Atomic uint32_t mute;                /* enum mute */
    _Atomic uint64_t ejected_ms;          /* until then others are preferred */
    _Atomic uint32_t bad_replies;         /* in a row */
    _Atomic uint32_t fails;               /* requests without a reply, in a row */
    _Atomic uint32_t fail_pause;          /* ms, the last one for that; 0: none yet */
    _Atomic uint64_t failed_ms;           /* last failure of any kind */
    _Atomic uint64_t errors;
    _Atomic uint64_t retries; /* attempts here that failed and were made again, here or elsewhere */
    _Atomic uint32_t refused; /* in a row */
    _Atomic uint32_t probe_ok;       /* requests that went well in HEALTH_PROBE */
    _Atomic uint32_t streak;         /* of the prober's equal findings in this state */
    _Atomic uint32_t failures;       /* F within the window */
    _Atomic uint64_t window_ms;      /* start of the window */
    _Atomic uint64_t window_request; /* first request that failed in it */

    _Atomic bool answers_cping;        /* it has, once */
    _Atomic uint64_t unasked_until_ms; /* none goes to it within a request until then */
    _Atomic uint32_t replies_broken;   /* in a row, at once after one that went to it so */
    char reason[REASON_MAX];           /* of its health; under the balancer's wake_lock */

    /* Of the prober's thread alone. */
    uint64_t drain_ms, drain_told_ms; /* since when it is drained; last line of the log */
    uint64_t owing_ms, owing_served;  /* since when requests were at it at each check and none came
                                         back, 0: they do; served at the last of these checks */
};

/* Around every attempt at a worker that balancer_pick gave, by the pick's weighting. */
void worker_begin(struct worker *worker, uint32_t weighting);
void worker_end(struct worker *worker, uint32_t weighting);

/* now_ms is the monotonic clock in milliseconds, as uv_now gives it, here and in all of balance.
 * request_no tells requests apart (any number unique in the process). */
void worker_report(struct worker *worker, enum worker_outcome outcome, uint64_t request_no,
                   uint64_t now_ms);

/* A reply of its has ended, or a CPong came over a connection for requests: it answers. */
void worker_answered(struct worker *worker, uint64_t now_ms);
/* Bytes came from it while it is silent: it does not go down as long as they do. */
void worker_breathed(struct worker *worker, uint64_t now_ms);

/* The status of a reply that began; for outlier ejection. */
void worker_replied(struct worker *worker, uint16_t status, uint64_t now_ms);

/* What some balancing methods look at: bytes of an exchange that is over, in both directions, and
 * the time that a reply took to begin. */
void worker_measure_traffic(struct worker *worker, uint32_t weighting, uint64_t bytes);
void worker_measure_latency(struct worker *worker, uint64_t ms);

/* For the prober: what its own connection said. reason: what is wrong; NULL: all is well. */
void worker_probed(struct worker *worker, enum finding found, const char *reason, uint64_t now_ms);

/* Why its health is what it is; "" after the start. */
void worker_reason(const struct worker *worker, char out[REASON_MAX]);

/* At run time. A worker that becomes active starts slowly: it may just have been restarted. */
void worker_set_activation(struct worker *worker, enum activation activation, uint64_t now_ms);

static inline enum activation worker_activation(const struct worker *worker)
{
    return (enum activation)atomic_load_explicit(&worker->activation, memory_order_relaxed);
}

static inline void worker_answered_cping(struct worker *worker)
{
    if (!atomic_load_explicit(&worker->answers_cping, memory_order_relaxed))
        atomic_store_explicit(&worker->answers_cping, true, memory_order_relaxed);
}

static inline uint32_t worker_weight(const struct worker *worker)
{
    return atomic_load_explicit(&worker->weight, memory_order_relaxed);
}

/* At run time. */
void worker_set_weight(struct worker *worker, uint32_t weight);

/* A worker that is new to us. */
void worker_start_slowly(struct worker *worker, uint64_t now_ms);

/* Of workers, hosts and domains: both are given, and they are equal. */
static inline bool same_name(ajp_str a, ajp_str b)
{
    return a.len == b.len && a.len > 0 && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static inline enum health worker_health(const struct worker *worker)
{
    return (enum health)atomic_load_explicit(&worker->health, memory_order_relaxed);
}

/* Requests for it wait until it answers: they are not sent. But who has never answered a CPing
 * perhaps never does, and serves requests all the same. */
static inline bool worker_holds(const struct worker *worker)
{
    enum health health = (enum health)atomic_load(&worker->health);
    if (health != HEALTH_SILENT && (health != HEALTH_DOWN || atomic_load(&worker->mute) == MUTE_NO))
        return false;
    return atomic_load_explicit(&worker->answers_cping, memory_order_relaxed);
}

const char *health_name(enum health health);

#endif
