/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator: N keep-alive connections, one request at a time on each, HTTP/1.1 or AJP,
 * as fast as answers come or at a given rate. Checks status and length of every answer, and
 * reads what the watched processes used in exactly the measured time. Prints one JSON object. */
#include "load.h"
#include "sock.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BATCH = 128, CHUNK = 256 * 1024, MANY_FAILURES = 1000, HOLD_AT_ONCE = 64 };

static struct {
    const struct proto *proto;
    const char *path, *pids;
    uint16_t port;
    unsigned conns, each;
    size_t upload;
    long length; /* of the answers' bodies; -1: any */
    uint64_t requests, rate;
    double seconds, warmup;
    bool hold;
} opt = {.proto = &proto_http, .path = "/bytes/100", .conns = 64, .length = -1, .seconds = 1};

#define PATIENCE_NS 3000000000u
#define STUCK_NS    20000000000u

static int loop;
static struct client *clients;
static unsigned *idle, idle_count; /* stack of clients without a request; paced mode only */
static bool stopping;
static unsigned busy;
static uint64_t asked, answered, failed, reconnected;
static uint64_t least; /* answers before the window may end: the machine may be busy with others */
static const char *first_failure;
static char status_failure[64];
static struct histogram latency;
static uint8_t fill[FILL_MAX];

static void client_fail(struct client *c, const char *why);

static bool client_send(struct client *c)
{
    while (c->seg_len || c->fill) {
        size_t part = c->fill < FILL_MAX ? c->fill : FILL_MAX;
        struct iovec iov[2] = {{(void *)c->seg, c->seg_len}, {fill, part}};
        struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
        ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0) {
            if (!c->blocked)
                sock_watch(loop, EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLOUT, c);
            c->blocked = true;
            return true;
        }
        size_t head = (size_t)n < c->seg_len ? (size_t)n : c->seg_len;
        c->seg += head;
        c->seg_len -= head;
        c->fill -= (size_t)n - head;
    }
    if (c->blocked)
        sock_watch(loop, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
    c->blocked = false;
    return true;
}

static void client_ask(struct client *c)
{
    opt.proto->ask(c);
    c->started = now_ns();
    c->busy = true;
    c->asked++;
    busy++;
    asked++;
    if (!client_send(c))
        client_fail(c, "send failed");
}

static bool more_to_ask(const struct client *c)
{
    return !stopping && (!opt.each || c->asked < opt.each) &&
           (!opt.requests || asked < opt.requests);
}

static void client_connect(struct client *c)
{
    c->fd = sock_connect(opt.port);
    c->blocked = false;
    if (c->fd < 0)
        return;
    sock_watch(loop, EPOLL_CTL_ADD, c->fd, EPOLLIN, c);
}

static void client_next(struct client *c)
{
    c->busy = false;
    busy--;
    if (opt.rate)
        idle[idle_count++] = (unsigned)(c - clients);
    else if (more_to_ask(c) && c->fd >= 0)
        client_ask(c);
}

static void client_fail(struct client *c, const char *why)
{
    if (!first_failure)
        first_failure = why;
    if (++failed >= MANY_FAILURES)
        stopping = true;
    close(c->fd);
    client_connect(c);
    if (c->busy)
        client_next(c);
}

static void client_done(struct client *c)
{
    if (c->status != 200 || (opt.length >= 0 && c->got != (size_t)opt.length)) {
        if (!first_failure)
            snprintf(status_failure, sizeof status_failure, "status %d, %zu bytes", c->status,
                     c->got);
        client_fail(c, status_failure);
        return;
    }
    answered++;
    histogram_add(&latency, now_ns() - c->started);
    client_next(c);
}

/* A kept connection that was closed before a byte of the answer: what a browser does then is to
 * ask again on a new one. That is counted apart. */
static bool client_again(struct client *c)
{
    if (!c->busy || c->asked < 2 || c->status || c->head_len || c->got)
        return false;
    close(c->fd);
    client_connect(c);
    if (c->fd < 0)
        return false;
    reconnected++;
    busy--;
    asked--;
    c->asked = 0;
    client_ask(c);
    return true;
}

static void client_read(struct client *c)
{
    static uint8_t chunk[CHUNK];
    bool done = false;
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        if (client_again(c))
            return;
        client_fail(c, n ? "connection reset" : "connection closed");
        return;
    }
    const char *why = c->busy ? opt.proto->feed(c, chunk, (size_t)n, &done) : "unasked bytes";
    if (!why && !done && (c->seg_len || c->fill) && !c->blocked && !client_send(c))
        why = "send failed";
    if (why)
        client_fail(c, why);
    else if (done)
        client_done(c);
}

static void poll_once(int wait_ms)
{
    struct epoll_event events[BATCH];
    int n = epoll_wait(loop, events, BATCH, wait_ms);
    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        if ((events[i].events & EPOLLOUT) && c->blocked && !client_send(c))
            client_fail(c, "send failed");
        else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            client_read(c);
    }
}

/* Asks as many as are due since start; skips what no connection is free for. */
static void ask_paced(uint64_t start)
{
    static uint64_t due_before;
    uint64_t due = (now_ns() - start) * opt.rate / 1000000000u;
    for (; due_before < due && idle_count && !stopping; due_before++)
        client_ask(&clients[idle[--idle_count]]);
    due_before = due;
}

static unsigned count_open(void)
{
    unsigned open = 0;
    for (unsigned i = 0; i < opt.conns; i++)
        open += clients[i].fd >= 0;
    return open;
}

static bool finished(uint64_t end)
{
    if (stopping)
        return true;
    if (opt.requests)
        return !busy && (asked >= opt.requests || !count_open());
    if (opt.each)
        return !busy;
    uint64_t now = end ? now_ns() : 0;
    return end && now >= end && (answered >= least || now >= end + PATIENCE_NS);
}

/* Nothing comes any more: the server hangs, or has gone. */
static void give_up_if_stuck(void)
{
    static uint64_t seen, since;
    uint64_t now = now_ns();
    if (answered != seen || since == 0) {
        seen = answered;
        since = now;
    } else if (now - since > STUCK_NS) {
        failed++;
        if (!first_failure)
            first_failure = "no answer for 20 s";
        stopping = true;
    }
}

static void run_until(uint64_t start, uint64_t end)
{
    while (!finished(end)) {
        give_up_if_stuck();
        if (opt.rate)
            ask_paced(start);
        poll_once(opt.rate ? 1 : 100);
    }
}

static void drain(void)
{
    uint64_t deadline = now_ns() + 3000000000u;
    stopping = true;
    while (busy && now_ns() < deadline)
        poll_once(100);
}

static void start_all(void)
{
    for (unsigned i = 0; i < opt.conns; i++) {
        while (opt.hold && busy >= HOLD_AT_ONCE)
            poll_once(100);
        client_connect(&clients[i]);
        if (clients[i].fd < 0) {
            first_failure = "cannot connect";
            failed++;
        } else if (opt.rate) {
            idle[idle_count++] = i;
        } else if (more_to_ask(&clients[i])) {
            client_ask(&clients[i]);
        }
    }
}

static void measure(void)
{
    uint64_t start = now_ns();
    start_all();
    if (opt.warmup > 0)
        run_until(start, now_ns() + (uint64_t)(opt.warmup * 1e9));
    memset(&latency, 0, sizeof latency);
    uint64_t before_count = answered, t0 = now_ns();
    least = answered + 2 * opt.conns;
    struct usage u0 = watch_read(opt.pids);
    run_until(start, t0 + (uint64_t)(opt.seconds * 1e9));
    struct usage u1 = watch_read(opt.pids);
    uint64_t t1 = now_ns(), count = answered - before_count;
    struct histogram measured = latency;
    drain();
    printf("{\"requests\": %llu, \"all_requests\": %llu, \"failed\": %llu, "
           "\"first_failure\": \"%s\", \"reconnected\": %llu, \"seconds\": %.6f, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f, \"cpu_ns\": %llu, \"waits\": %llu, "
           "\"preempted\": %llu, \"open\": %u}\n",
           (unsigned long long)count, (unsigned long long)answered, (unsigned long long)failed,
           first_failure ? first_failure : "", (unsigned long long)reconnected,
           (double)(t1 - t0) / 1e9, histogram_us(&measured, 0.5), histogram_us(&measured, 0.99),
           (unsigned long long)(u1.cpu_ns - u0.cpu_ns), (unsigned long long)(u1.waits - u0.waits),
           (unsigned long long)(u1.preempted - u0.preempted), count_open());
    fflush(stdout);
}

static const char usage[] =
    "usage: load --port P [--proto http|ajp] [--path /bytes/N] [--length N] [--upload BYTES]\n"
    "            [--conns N] [--seconds S] [--warmup S] [--requests N] [--each N] [--rate R]\n"
    "            [--packet BYTES] [--watch PID,PID] [--hold]\n"
    "  --length N    each answer's body must have N bytes\n"
    "  --requests N  stop after N answers; --each N: after N on each connection\n"
    "  --rate R      R requests a second instead of one after the other\n"
    "  --watch       report the CPU time and context switches of these processes\n"
    "  --hold        keep the connections open until standard input ends\n";

static void set_option(int key, const char *value)
{
    switch (key) {
    case 'p':
        opt.port = (uint16_t)atoi(value);
        return;
    case 'P':
        opt.proto = strcmp(value, "ajp") ? &proto_http : &proto_ajp;
        return;
    case 'a':
        opt.path = value;
        return;
    case 'l':
        opt.length = atol(value);
        return;
    case 'u':
        opt.upload = (size_t)atol(value);
        return;
    case 'c':
        opt.conns = (unsigned)atoi(value);
        return;
    case 's':
        opt.seconds = atof(value);
        return;
    case 'w':
        opt.warmup = atof(value);
        return;
    case 'n':
        opt.requests = (uint64_t)atol(value);
        return;
    case 'e':
        opt.each = (unsigned)atoi(value);
        return;
    case 'r':
        opt.rate = (uint64_t)atol(value);
        return;
    case 'k':
        load_packet_size = (size_t)atol(value);
        return;
    case 'W':
        opt.pids = value;
        return;
    case 'h':
        opt.hold = true;
        return;
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", 1, NULL, 'p'},    {"proto", 1, NULL, 'P'},  {"path", 1, NULL, 'a'},
        {"length", 1, NULL, 'l'},  {"upload", 1, NULL, 'u'}, {"conns", 1, NULL, 'c'},
        {"seconds", 1, NULL, 's'}, {"warmup", 1, NULL, 'w'}, {"requests", 1, NULL, 'n'},
        {"each", 1, NULL, 'e'},    {"rate", 1, NULL, 'r'},   {"packet", 1, NULL, 'k'},
        {"watch", 1, NULL, 'W'},   {"hold", 0, NULL, 'h'},   {NULL, 0, NULL, 0},
    };
    for (int key; (key = getopt_long(argc, argv, "", options, NULL)) != -1;)
        set_option(key, optarg);
    if (!opt.port || !opt.conns || optind != argc)
        set_option('?', NULL);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    raise_fd_limit();
    signal(SIGPIPE, SIG_IGN);
    memset(fill, 'x', sizeof fill);
    opt.proto->prepare(opt.path, opt.upload);
    clients = calloc(opt.conns, sizeof *clients);
    idle = calloc(opt.conns, sizeof *idle);
    if (!clients || !idle)
        die("memory");
    loop = epoll_create1(EPOLL_CLOEXEC);
    measure();
    if (opt.hold)
        while (getchar() != EOF)
            continue;
    return failed ? 1 : 0;
}
