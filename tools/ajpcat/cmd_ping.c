/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat ping: CPings on one connection, like ping(8). */
#include "args.h"
#include "client.h"
#include "command.h"

#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

enum { COUNT, INTERVAL, TIMEOUT, QUIET };

static const struct arg table[] = {
    [COUNT] = {'c', "count", "N", "stop after N (0: go on until Ctrl-C, the default)"},
    [INTERVAL] = {'i', "interval", "TIME", "between two CPings (1s)"},
    [TIMEOUT] = {'W', "timeout", "TIME", "for connecting and for each CPong (5s)"},
    [QUIET] = {'q', "quiet", NULL, "print the summary only"},
    [QUIET + 1] = {0}};

struct ping {
    struct url url;
    uint64_t count, interval_ms, timeout_ms;
    bool quiet;
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
    if (!p->quiet)
        printf("CPong from %s port %s: seq=%" PRIu64 " time=%.3f ms\n", p->url.host, p->url.port,
               p->sent, ms);
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

static enum client_result once(struct ping *p, struct client *c)
{
    enum client_result r = c->fd < 0 ? client_connect(c, &p->url) : CLIENT_OK;
    uint64_t start = now_ns();
    p->sent++;
    if (r == CLIENT_OK)
        r = client_ping(c);
    if (r == CLIENT_OK) {
        note(p, (double)(now_ns() - start) / 1e6);
        return r;
    }
    if (!interrupted)
        fprintf(stderr, "ajpcat ping: %s\n", c->why.at);
    client_close(c);
    return r;
}

static int run(struct ping *p)
{
    struct client c;
    struct sigaction on = {.sa_handler = on_signal};
    enum client_result r = CLIENT_OK, last = CLIENT_OK;
    sigaction(SIGINT, &on, NULL);
    sigaction(SIGTERM, &on, NULL);
    client_init(&c, AJP_PACKET_DEFAULT, (int)p->timeout_ms);
    while (!interrupted && (p->count == 0 || p->sent < p->count)) {
        r = once(p, &c);
        if (r != CLIENT_OK)
            last = r;
        if (p->count == 0 || p->sent < p->count)
            poll(NULL, 0, (int)p->interval_ms);
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
        case TIMEOUT:
            ok = args_duration_ms(a, &p->timeout_ms);
            break;
        case QUIET:
            p->quiet = true;
            break;
        case ARGS_OPERAND:
            if (!url_parse(a->value, &p->url, &why))
                return args_wrong(a, "%s: %s", a->value, why);
            break;
        default: /* help or an error that was told */
            return args_exit(row);
        }
    }
    if (ok && !p->url.path)
        return args_wrong(a, "expected HOST:PORT");
    return ok ? -1 : EXIT_USAGE;
}

int cmd_ping(int argc, char **argv)
{
    struct args a;
    struct ping p = {.interval_ms = 1000, .timeout_ms = 5000};
    args_init(&a, argc, argv, "HOST:PORT", "Times CPings to an AJP connector.", table);
    int code = read_options(&a, &p);
    return code >= 0 ? code : run(&p);
}
