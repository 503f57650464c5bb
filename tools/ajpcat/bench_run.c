/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of the load. With a rate, requests have due times and wait for a free connection:
 * latency counts from the due time, so that a stall shows in every request it delays (no
 * coordinated omission). Without one, each connection sends as soon as it is answered. */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256 };

/* What one thread does: its share of the connections, and of the requests every n-th. */
struct run {
    const struct bench_plan *plan;
    unsigned number;
    struct bench_result *result; /* its own, on the heap: histograms are large */
    struct bench_conn *conns;
    unsigned connections;
    struct bench_conn *idle;
    int epoll_fd;
    pthread_t thread;
    uint64_t start_ns, now_ns;
    unsigned busy;
};

static ajp_status prepare_shot(const struct bench_plan *p, const struct request *r,
                               struct bench_shot *s)
{
    ajp_frame f;
    ajp_message m;
    size_t used;
    s->packet = xmalloc(p->limits.max_packet);
    ajp_status st = request_write(r, &s->url, s->packet, p->limits.max_packet, &s->len);
    if (st == AJP_OK)
        st = ajp_frame_next(s->packet, s->len, &p->limits, &f, &used);
    if (st == AJP_OK)
        st = ajp_decode(&m, &f, false, &p->limits);
    if (st != AJP_OK)
        return st;
    s->content_length = m.u.request.content_length;
    ajp_fields it = m.u.request.headers;
    ajp_field field;
    while (!p->no_check && ajp_field_next(&it, &field)) {
        if (field.name.len == sizeof BENCH_ID_HEADER - 1 && field.value.len == BENCH_ID_DIGITS &&
            strncasecmp(field.name.ptr, BENCH_ID_HEADER, field.name.len) == 0)
            s->id_at = (size_t)((const uint8_t *)field.value.ptr - s->packet);
    }
    return AJP_OK;
}

ajp_status bench_prepare(struct bench_plan *p)
{
    static const char placeholder[] = BENCH_ID_HEADER ": 0000000000000000";
    struct request r = p->request;
    ajp_status st = AJP_OK;
    if (!p->no_check && r.header_count < REQUEST_HEADERS)
        r.headers[r.header_count++] = placeholder;
    for (unsigned i = 0; i < p->shot_count && st == AJP_OK; i++)
        st = prepare_shot(p, &r, &p->shots[i]);
    return st;
}

void bench_plan_free(struct bench_plan *p)
{
    for (unsigned i = 0; i < p->shot_count; i++)
        free(p->shots[i].packet);
    request_free(&p->request);
}

/* Number among all requests of the one that this thread starts next. */
static uint64_t next_number(const struct run *r)
{
    return r->result->started * r->plan->threads + r->number;
}

static uint64_t next_due(const struct run *r)
{
    return r->start_ns + (uint64_t)((double)next_number(r) * 1e9 / r->plan->rate);
}

/* With a rate, all requests that are due within the duration are sent, however late. */
static bool may_start(const struct run *r)
{
    const struct bench_plan *p = r->plan;
    uint64_t when = p->rate > 0 ? next_due(r) : r->now_ns;
    return (p->requests == 0 || next_number(r) < p->requests) &&
           (p->duration_ns == 0 || when - r->start_ns < p->duration_ns);
}

static void watch(struct run *r, struct bench_conn *c, int op)
{
    struct epoll_event e = {.events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(r->epoll_fd, op, c->link.fd, &e);
}

static bool connect_one(struct run *r, struct bench_conn *c)
{
    struct text why = {0};
    c->wants_write = false;
    bool open = bench_conn_open(c, r->plan, &why);
    if (!open) {
        r->result->connect_errors++;
        if (!r->result->first_error[0])
            snprintf(r->result->first_error, sizeof r->result->first_error, "cannot connect: %s",
                     why.at ? why.at : "out of memory");
    }
    text_free(&why);
    if (!open)
        return false;
    r->result->connects++;
    watch(r, c, EPOLL_CTL_ADD);
    return true;
}

static void go_idle(struct run *r, struct bench_conn *c)
{
    c->next = r->idle;
    r->idle = c;
}

/* After an exchange ended one way or the other. */
static void settle(struct run *r, struct bench_conn *c, enum bench_event e, bool was_busy)
{
    if (e == BENCH_WAITING) {
        bool wants = c->out_sent < c->out.len;
        if (wants != c->wants_write) {
            c->wants_write = wants;
            watch(r, c, EPOLL_CTL_MOD);
        }
        return;
    }
    if (was_busy) {
        r->busy--;
        if (e != BENCH_BROKEN)
            histogram_add(&r->result->latency, now_ns() - c->due_ns);
    }
    c->busy = false;
    if (e == BENCH_BROKEN && !was_busy) { /* closed while idle: it is on the idle list */
        bench_conn_close(c);
        return;
    }
    if (e != BENCH_ANSWERED)
        bench_conn_close(c);
    go_idle(r, c);
}

static void start_due(struct run *r)
{
    while (r->idle && may_start(r)) {
        uint64_t when = r->now_ns, number = next_number(r);
        struct bench_conn *c = r->idle;
        if (r->plan->rate > 0 && (when = next_due(r)) > r->now_ns)
            return;
        r->idle = c->next;
        if (c->link.fd < 0 && !connect_one(r, c)) {
            r->result->started++; /* this request failed */
            go_idle(r, c);
            if (r->result->connect_errors > r->connections + 1000u)
                return;
            continue;
        }
        r->busy++;
        settle(r, c, bench_conn_start(c, r->plan, r->result, number, when), true);
    }
}

/* Until the next due time or, when nothing is due, until something happens. */
static struct timespec next_wait(const struct run *r)
{
    uint64_t ns = 100000000u;
    if (r->plan->rate > 0 && r->idle && may_start(r)) {
        uint64_t when = next_due(r);
        ns = when <= r->now_ns ? 0 : when - r->now_ns < ns ? when - r->now_ns : ns;
    }
    return (struct timespec){.tv_sec = 0, .tv_nsec = (long)ns};
}

static void expire(struct run *r)
{
    uint64_t patience = r->plan->timeout_ms * 1000000u;
    for (unsigned i = 0; i < r->connections; i++) {
        struct bench_conn *c = &r->conns[i];
        if (c->busy && r->now_ns > c->due_ns && r->now_ns - c->due_ns > patience) {
            r->result->timeouts++;
            settle(r, c, BENCH_BROKEN, true);
        }
    }
}

static void handle(struct run *r, struct bench_conn *c, uint32_t events)
{
    bool was_busy = c->busy;
    enum bench_event e = BENCH_WAITING;
    if (c->link.fd < 0)
        return;
    if (events & EPOLLOUT)
        e = bench_conn_flush(c, r->result);
    if (e == BENCH_WAITING && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        e = bench_conn_readable(c, r->plan, r->result);
    settle(r, c, e, was_busy);
}

static void loop(struct run *r)
{
    struct epoll_event events[EVENTS];
    uint64_t last_expiry = r->start_ns;
    start_due(r);
    while (r->busy > 0 || (may_start(r) && r->result->connect_errors <= r->connections)) {
        struct timespec wait = next_wait(r);
        int n = epoll_pwait2(r->epoll_fd, events, EVENTS, &wait, NULL);
        r->now_ns = now_ns();
        for (int i = 0; i < n; i++)
            handle(r, events[i].data.ptr, events[i].events);
        start_due(r);
        if (r->now_ns - last_expiry > 1000000000u) {
            last_expiry = r->now_ns;
            expire(r);
        }
    }
}

static void *thread_main(void *run)
{
    loop(run);
    return NULL;
}

/* Makes its connections. False: one failed. */
static bool run_open(struct run *r, const struct bench_plan *p, unsigned number)
{
    *r = (struct run){.plan = p,
                      .number = number,
                      .result = xmalloc(sizeof *r->result),
                      .connections =
                          p->connections / p->threads + (number < p->connections % p->threads),
                      .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    memset(r->result, 0, sizeof *r->result);
    r->conns = xmalloc(r->connections * sizeof *r->conns);
    memset(r->conns, 0, r->connections * sizeof *r->conns);
    for (unsigned i = 0; i < r->connections; i++)
        r->conns[i].link.fd = -1;
    for (unsigned i = 0; i < r->connections; i++) {
        if (!connect_one(r, &r->conns[i]))
            return false;
        go_idle(r, &r->conns[i]);
    }
    return true;
}

static void add_result(struct bench_result *all, const struct bench_result *r)
{
    histogram_merge(&all->latency, &r->latency);
    all->started += r->started;
    all->done += r->done;
    all->connects += r->connects;
    all->connect_errors += r->connect_errors;
    all->protocol_errors += r->protocol_errors;
    all->truncated += r->truncated;
    all->timeouts += r->timeouts;
    all->mismatched += r->mismatched;
    all->verified += r->verified;
    all->bytes_down += r->bytes_down;
    all->bytes_up += r->bytes_up;
    for (size_t i = 0; i < sizeof all->status_class / sizeof *all->status_class; i++)
        all->status_class[i] += r->status_class[i];
    if (!all->first_error[0])
        memcpy(all->first_error, r->first_error, sizeof all->first_error);
}

static void run_close(struct run *r, struct bench_result *all)
{
    add_result(all, r->result);
    for (unsigned i = 0; i < r->connections; i++) {
        bench_conn_close(&r->conns[i]);
        free(r->conns[i].in);
        text_free(&r->conns[i].out);
    }
    free(r->conns);
    free(r->result);
    close(r->epoll_fd);
}

/* All begin at one time; the first thread is the one we are in. */
static void run_all(struct run *runs, unsigned threads)
{
    uint64_t start = now_ns();
    bool started[BENCH_THREADS] = {false};
    for (unsigned i = 0; i < threads; i++)
        runs[i].start_ns = runs[i].now_ns = start;
    for (unsigned i = 1; i < threads; i++)
        started[i] = pthread_create(&runs[i].thread, NULL, thread_main, &runs[i]) == 0;
    loop(&runs[0]);
    for (unsigned i = 1; i < threads; i++) {
        if (started[i])
            pthread_join(runs[i].thread, NULL);
        else
            loop(&runs[i]); /* late, but its share is not lost */
    }
}

bool bench_run(const struct bench_plan *p, struct bench_result *result)
{
    struct run runs[BENCH_THREADS];
    unsigned opened = 0;
    bool connected = true;
    for (; connected && opened < p->threads; opened++)
        connected = run_open(&runs[opened], p, opened);
    uint64_t start = now_ns();
    if (connected)
        run_all(runs, p->threads);
    result->elapsed_ns = now_ns() - start;
    for (unsigned i = 0; i < opened; i++)
        run_close(&runs[i], result);
    return connected;
}
