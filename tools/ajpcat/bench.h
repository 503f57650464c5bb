/* SPDX-License-Identifier: Apache-2.0 */
/* The load of `ajpcat bench`: bench_conn.c is one connection, bench_run.c the loop over all,
 * cmd_bench.c options and report. */
#ifndef AJPCAT_BENCH_H
#define AJPCAT_BENCH_H

#include "histogram.h"
#include "link.h"
#include "net.h"
#include "request.h"

#include <ajp/ajp.h>

enum { BENCH_ID_DIGITS = 16 };
/* The header by which a response is known to belong to its request; `ajpcat serve` sends it back.
 */
#define BENCH_ID_HEADER "X-Request-Id"

enum { BENCH_SHOTS = 64, BENCH_THREADS = 64 };

/* A request, ready to be sent. */
struct bench_shot {
    struct url url;
    uint8_t *packet;
    size_t len;
    size_t id_at; /* where the id's digits are in packet, 0: nowhere */
    int64_t content_length;
};

struct bench_plan {
    struct bench_shot shots[BENCH_SHOTS]; /* sent in turn */
    unsigned shot_count;
    struct address address;
    struct secure_options tls;
    struct tls_context *side; /* NULL: plain */
    struct request request;
    ajp_limits limits;
    unsigned connections, threads;
    uint64_t requests;    /* 0: no limit */
    uint64_t duration_ns; /* 0: no limit */
    double rate;          /* requests per second, 0: each connection as fast as it can */
    uint64_t timeout_ms;
    bool no_check;
};

struct bench_result {
    struct histogram latency;
    uint64_t started, done;
    uint64_t connects, connect_errors, protocol_errors, truncated, timeouts;
    uint64_t mismatched; /* answers that belong to another request */
    uint64_t verified;   /* answers that named their request */
    uint64_t bytes_down, bytes_up;
    uint64_t status_class[6];
    uint64_t elapsed_ns;
    char first_error[128];
};

struct bench_conn {
    struct link link;
    bool busy, wants_write;
    ajp_session session;
    uint8_t *in;
    size_t in_len;
    struct text out;
    size_t out_sent, body_sent;
    const struct bench_shot *shot;
    uint64_t id, due_ns; /* when the request should have started */
    uint16_t status;
    int64_t announced;
    uint64_t received;
    bool bad_id;
    struct bench_conn *next; /* idle */
};

enum bench_event { BENCH_WAITING, BENCH_ANSWERED, BENCH_ANSWERED_CLOSE, BENCH_BROKEN };

/* False: *why says why, if it is not NULL. */
bool bench_conn_open(struct bench_conn *c, const struct bench_plan *p, struct text *why);
void bench_conn_close(struct bench_conn *c);
enum bench_event bench_conn_start(struct bench_conn *c, const struct bench_plan *p,
                                  struct bench_result *r, uint64_t id, uint64_t due_ns);
enum bench_event bench_conn_readable(struct bench_conn *c, const struct bench_plan *p,
                                     struct bench_result *r);
enum bench_event bench_conn_flush(struct bench_conn *c, struct bench_result *r);

/* Builds the packets of all shots. */
ajp_status bench_prepare(struct bench_plan *p);
void bench_plan_free(struct bench_plan *p);
/* False: no connection could be made at all. */
bool bench_run(const struct bench_plan *p, struct bench_result *r);

#endif
