/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat ping: CPings, or requests, on one connection, like ping(8). */
#include "args.h"
#include "command.h"
#include "fetch.h"
#include "request.h"

#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

enum { COUNT, INTERVAL, FLOOD, GET, SECRET_FILE, TIMEOUT, QUIET, TLS };

static const struct arg table[] = {
    [COUNT] = {'c', "count", "N", "stop after N (0: go on until Ctrl-C, the default)"},
    [INTERVAL] = {'i', "interval", "TIME", "between two CPings (1s)"},
    [FLOOD] = {'f', "flood", NULL, "each as soon as the one before is answered; no lines"},
    [GET] = {0, "get", "PATH", "time GET requests instead; a status of 400 or more is a loss"},
    [SECRET_FILE] = {0, "secret-file", "FILE", "secret to send with these; else AJP_SECRET"},
    [TIMEOUT] = {'W', "timeout", "TIME", "for connecting and for each CPong (5s)"},
    [QUIET] = {'q', "quiet", NULL, "print the summary only"},
    SECURE_ARGS(TLS),
    [TLS + SECURE_OPTIONS] = {0}};

struct ping {
    struct url url;
    uint64_t count, interval_ms, timeout_ms;
    bool quiet, flood;
    struct request request; /* for --get */
    struct secure_options tls;
    const char *path; /* NULL: CPings */
    uint64_t sent, answered;
    double min, max, sum, squares; /* milliseconds */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static void note(struct ping *p, double ms)
{
    p->min = p->answered == 0 || ms < p->min ? ms : p->min;
    p->max = ms > p->max ? ms : p->max;
    p->sum += ms;
    p->squares += ms * ms;
    p->answered++;
    if (!p->quiet && !p->flood)
        printf("%s from %s port %s: seq=%" PRIu64 " time=%.3f ms\n", p->path ? "answer" : "CPong",
               p->url.host, p->url.port, p->sent, ms);
    fflush(stdout);
}

static void summary(const struct ping *p)
{
    double n = p->answered ? (double)p->answered : 1;
    double average = p->sum / n;
    double variance = p->squares / n - average * average;
    printf("--- %s port %s: %" PRIu64 " sent, %" PRIu64 " answered, %.0f%% lost\n", p->url.host,
           p->url.port, p->sent, p->answered,
           p->sent ? 100.0 * (double)(p->sent - p->answered) / (double)p->sent : 0.0);
    if (p->answered)
        printf("min/avg/max/stddev = %.3f/%.3f/%.3f/%.3f ms\n", p->min, average, p->max,
               sqrt(variance > 0 ? variance : 0));
}

/* A GET of the path. */
static enum client_result ask(struct ping *p, struct client *c)
{
    uint8_t packet[AJP_PACKET_DEFAULT];
    size_t len;
    struct fetch f = {.client = c};
    ajp_status st = request_write(&p->request, &p->url, packet, sizeof packet, &len);
    text_clear(&c->why);
    if (st != AJP_OK) {
        text_str(&c->why, ajp_strerror(st));
        return CLIENT_FAILED;
    }
    enum client_result r = fetch_run(&f, packet, len);
    if (r == CLIENT_OK && f.status >= 400) {
        text_fmt(&c->why, "status %u", f.status);
        return CLIENT_FAILED;
    }
    return r;
}

static enum client_result once(struct ping *p, struct client *c)
{
    enum client_result r = CLIENT_OK;
    if (c->link.fd < 0 || !ajp_session_idle(&c->session)) {
        client_close(c);
        r = client_connect(c, &p->url);
    }
    uint64_t start = now_ns();
    p->sent++;
    if (r == CLIENT_OK)
        r = p->path ? ask(p, c) : client_ping(c);
    if (r == CLIENT_OK) {
        note(p, (double)(now_ns() - start) / 1e6);
        return r;
    }
    if (interrupted) { /* it was not waited for long enough to be lost */
        p->sent--;
        return CLIENT_OK;
    }
    fprintf(stderr, "ajpcat ping: seq=%" PRIu64 " %s\n", p->sent, c->why.at);
    if (!ajp_session_idle(&c->session))
        client_close(c);
    return r;
}

static void pause_between(const struct ping *p, const sigset_t *mask)
{
    struct timespec t = {.tv_sec = (time_t)(p->interval_ms / 1000),
                         .tv_nsec = (long)(p->interval_ms % 1000) * 1000000L};
    ppoll(NULL, 0, &t, mask);
}

static int run(struct ping *p)
{
    struct client c;
    struct sigaction on = {.sa_handler = on_signal};
    sigset_t ends, before;
    enum client_result r = CLIENT_OK, last = CLIENT_OK;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &before); /* but in waits */
    sigaction(SIGINT, &on, NULL);
    sigaction(SIGTERM, &on, NULL);
    client_init(&c, AJP_PACKET_DEFAULT, (int)p->timeout_ms);
    c.tls = p->tls;
    c.waiting_mask = &before;
    c.stop = &interrupted;
    while (!interrupted && (p->count == 0 || p->sent < p->count)) {
        r = once(p, &c);
        if (r != CLIENT_OK)
            last = r;
        if (interrupted || (p->count > 0 && p->sent == p->count))
            break;
        if (!p->flood || r != CLIENT_OK) /* no storm of connections to who refuses them */
            pause_between(p, &before);
    }
    summary(p);
    client_free(&c);
    return p->answered == p->sent ? 0 : (int)last;
}

static int read_options(struct args *a, struct ping *p)
{
    int row;
    const char *why;
    bool ok = true;
    while (ok && (row = args_next(a)) != ARGS_END) {
        switch (row) {
        case COUNT:
            ok = args_uint(a, 0, UINT32_MAX, &p->count);
            break;
        case INTERVAL:
            ok = args_duration_ms(a, &p->interval_ms);
            break;
        case FLOOD:
            p->flood = true;
            break;
        case GET:
            p->path = a->value;
            break;
        case SECRET_FILE:
            if (!secret_load(a->value, &p->request.secret, &why))
                return args_wrong(a, "--secret-file %s: %s", a->value, why);
            break;
        case TIMEOUT:
            ok = args_duration_ms(a, &p->timeout_ms);
            break;
        case QUIET:
            p->quiet = true;
            break;
        case ARGS_OPERAND:
            if (p->url.path)
                return args_wrong(a, "expected one server, not also \"%s\"", a->value);
            if (!url_parse(a->value, &p->url, &why))
                return args_wrong(a, "%s: %s", a->value, why);
            break;
        default: /* of TLS, or help, or an error that was told */
            if (row < TLS)
                return args_exit(row);
            secure_option(&p->tls, (enum secure_option)(row - TLS), a->value);
            break;
        }
    }
    if (ok && !p->url.path)
        return args_wrong(a, "expected HOST:PORT");
    if (ok && p->path && *p->path != '/')
        return args_wrong(a, "--get: expected a path such as /health, not \"%s\"", p->path);
    if (p->path)
        p->url.path = p->path;
    return ok ? -1 : EXIT_USAGE;
}

/* Who has no such name will have none in a second. */
static bool is_known(const struct ping *p)
{
    struct address at;
    const char *why;
    bool known = url_resolve(&p->url, false, &at, &why);
    if (!known)
        fprintf(stderr, "ajpcat ping: %s: %s\n", p->url.host, why);
    return known;
}

int cmd_ping(int argc, char **argv)
{
    struct args a;
    struct ping p = {.interval_ms = 1000, .timeout_ms = 5000};
    args_init(&a, argc, argv, "HOST:PORT", "Times CPings to an AJP connector.", table);
    request_init(&p.request);
    int code = read_options(&a, &p);
    if (code < 0)
        code = is_known(&p) ? run(&p) : CLIENT_CONNECT;
    request_free(&p.request);
    return code;
}
