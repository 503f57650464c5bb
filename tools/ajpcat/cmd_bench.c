/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat bench: options of the load, and its report. */
#include "bench.h"
#include "command.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CONNECTIONS = REQ_OPTIONS,
    THREADS,
    REQUESTS,
    DURATION,
    RATE,
    TIMEOUT,
    NO_CHECK,
    PACKET_SIZE,
    JSON,
    TLS
};

static const struct arg table[] = {
    REQUEST_ARGS,
    [CONNECTIONS] = {'c', "connections", "N", "connections at once (1)"},
    [THREADS] = {0, "threads", "N", "threads that they are shared out to (1)"},
    [REQUESTS] = {'n', "requests", "N", "stop after N requests"},
    [DURATION] = {'t', "duration", "TIME", "stop after TIME (10s, if --requests is not given)"},
    [RATE] = {'r', "rate", "N", "requests per second in all (as fast as answers come)"},
    [TIMEOUT] = {'m', "timeout", "TIME", "for connecting and for an answer (30s)"},
    [NO_CHECK] = {0, "no-check", NULL, "send no " BENCH_ID_HEADER " to know answers by"},
    [PACKET_SIZE] = {0, "packet-size", "BYTES", "largest packet, 8192 to 65536 (8192)"},
    [JSON] = {0, "json", NULL, "print one JSON object"},
    SECURE_ARGS(TLS),
    [TLS + SECURE_OPTIONS] = {0}};

static const struct {
    const char *name;
    double share;
} quantiles[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p99.9", .999}, {"p99.99", .9999}};

static uint64_t failures(const struct bench_result *r)
{
    return r->connect_errors + r->protocol_errors + r->truncated + r->timeouts + r->mismatched;
}

static void report(const struct bench_plan *p, const struct bench_result *r)
{
    struct text t = {0};
    char s[24];
    double seconds = (double)r->elapsed_ns / 1e9;
    text_fmt(&t, "%" PRIu64 " answers in %.2f s: %.0f a second, %.1f MB/s down, %.1f MB/s up\n",
             r->done, seconds, (double)r->done / seconds, (double)r->bytes_down / seconds / 1e6,
             (double)r->bytes_up / seconds / 1e6);
    text_fmt(&t, "status: %" PRIu64 " 2xx, %" PRIu64 " 3xx, %" PRIu64 " 4xx, %" PRIu64 " 5xx\n",
             r->status_class[2], r->status_class[3], r->status_class[4], r->status_class[5]);
    text_fmt(&t,
             "failed: %" PRIu64 " (%" PRIu64 " connecting, %" PRIu64 " protocol, %" PRIu64
             " cut off, %" PRIu64 " timed out, %" PRIu64 " not our answer)\n",
             failures(r), r->connect_errors, r->protocol_errors, r->truncated, r->timeouts,
             r->mismatched);
    if (r->first_error[0])
        text_fmt(&t, "first failure: %s\n", r->first_error);
    text_fmt(&t, "%" PRIu64 " answers named their request; %" PRIu64 " connections made\n",
             r->verified, r->connects);
    text_fmt(&t, "latency from the %s:", p->rate > 0 ? "time each was due" : "sending of each");
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        histogram_format(histogram_quantile(&r->latency, quantiles[i].share), s);
        text_fmt(&t, " %s %s,", quantiles[i].name, s);
    }
    histogram_format(r->latency.max, s);
    text_fmt(&t, " max %s\n", s);
    histogram_draw(&r->latency, &t, 50);
    fwrite(t.at, 1, t.len, stdout);
    text_free(&t);
}

static void report_json(const struct bench_plan *p, const struct bench_result *r)
{
    struct text t = {0};
    struct json j = {.out = &t};
    double seconds = (double)r->elapsed_ns / 1e9;
    json_open(&j, NULL, '{');
    json_int(&j, "connections", p->connections);
    json_int(&j, "threads", p->threads);
    json_real(&j, "rate", p->rate, 3);
    json_real(&j, "seconds", seconds, 6);
    json_int(&j, "started", (int64_t)r->started);
    json_int(&j, "answers", (int64_t)r->done);
    json_real(&j, "answers_per_second", seconds > 0 ? (double)r->done / seconds : 0, 1);
    json_int(&j, "bytes_down", (int64_t)r->bytes_down);
    json_int(&j, "bytes_up", (int64_t)r->bytes_up);
    json_open(&j, "status", '{');
    json_int(&j, "2xx", (int64_t)r->status_class[2]);
    json_int(&j, "3xx", (int64_t)r->status_class[3]);
    json_int(&j, "4xx", (int64_t)r->status_class[4]);
    json_int(&j, "5xx", (int64_t)r->status_class[5]);
    json_close(&j, '}');
    json_open(&j, "failed", '{');
    json_int(&j, "all", (int64_t)failures(r));
    json_int(&j, "connecting", (int64_t)r->connect_errors);
    json_int(&j, "protocol", (int64_t)r->protocol_errors);
    json_int(&j, "cut_off", (int64_t)r->truncated);
    json_int(&j, "timed_out", (int64_t)r->timeouts);
    json_int(&j, "mismatched", (int64_t)r->mismatched);
    json_close(&j, '}');
    json_int(&j, "verified", (int64_t)r->verified);
    json_int(&j, "connects", (int64_t)r->connects);
    json_open(&j, "latency_us", '{');
    json_real(&j, "min", (double)r->latency.min / 1e3, 1);
    json_real(&j, "mean",
              r->latency.count ? (double)r->latency.sum / (double)r->latency.count / 1e3 : 0, 1);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        json_real(&j, quantiles[i].name,
                  (double)histogram_quantile(&r->latency, quantiles[i].share) / 1e3, 1);
    json_real(&j, "max", (double)r->latency.max / 1e3, 1);
    json_close(&j, '}');
    json_close(&j, '}');
    puts(t.at);
    text_free(&t);
}

static int add_url(const struct args *a, struct bench_plan *p)
{
    const char *why;
    struct bench_shot *s = &p->shots[p->shot_count];
    const struct url *first = &p->shots[0].url;
    if (p->shot_count == BENCH_SHOTS)
        return args_wrong(a, "expected at most %d URLs", BENCH_SHOTS);
    if (!url_parse(a->value, &s->url, &why))
        return args_wrong(a, "%s: %s", a->value, why);
    if (strcmp(s->url.host, first->host) != 0 || strcmp(s->url.port, first->port) != 0 ||
        s->url.tls != first->tls)
        return args_wrong(a, "%s: expected the server of the first URL", a->value);
    if (p->shot_count++ == 0 && !url_find(&s->url, &p->address, &why))
        return args_wrong(a, "%s: %s", a->value, why);
    return 0;
}

static int set_option(struct args *a, struct bench_plan *p, int row, bool *json)
{
    uint64_t n = 0;
    if (row >= TLS) {
        secure_option(&p->tls, (enum secure_option)(row - TLS), a->value);
        return 0;
    }
    if (row >= 0 && row < REQ_OPTIONS)
        return request_option(&p->request, a, (enum request_option)row);
    switch (row) {
    case CONNECTIONS:
        if (!args_uint(a, 1, 20000, &n))
            return EXIT_USAGE;
        p->connections = (unsigned)n;
        return 0;
    case THREADS:
        if (!args_uint(a, 1, BENCH_THREADS, &n))
            return EXIT_USAGE;
        p->threads = (unsigned)n;
        return 0;
    case REQUESTS:
        return args_uint(a, 1, UINT64_MAX / 2, &p->requests) ? 0 : EXIT_USAGE;
    case DURATION:
        if (!args_duration_ms(a, &n))
            return EXIT_USAGE;
        p->duration_ns = n * 1000000u;
        return 0;
    case RATE:
        if (!args_uint(a, 1, 10000000, &n))
            return EXIT_USAGE;
        p->rate = (double)n;
        return 0;
    case TIMEOUT:
        return args_duration_ms(a, &p->timeout_ms) ? 0 : EXIT_USAGE;
    case NO_CHECK:
        p->no_check = true;
        return 0;
    case PACKET_SIZE:
        if (!args_uint(a, AJP_PACKET_DEFAULT, AJP_PACKET_MAX, &n))
            return EXIT_USAGE;
        p->limits.max_packet = (uint32_t)n;
        return 0;
    case JSON:
        *json = true;
        return 0;
    default: /* the operand */
        return add_url(a, p);
    }
}

static int read_options(struct args *a, struct bench_plan *p, bool *json)
{
    int row, code;
    while ((row = args_next(a)) != ARGS_END) {
        if (row == ARGS_ERROR || row == ARGS_HELP)
            return args_exit(row);
        if ((code = set_option(a, p, row, json)) != 0)
            return code;
    }
    if (p->shot_count == 0)
        return args_wrong(a, "expected a URL: ajp://HOST:PORT/PATH");
    if (p->threads > p->connections)
        return args_wrong(a, "expected no more --threads than --connections");
    if (p->requests == 0 && p->duration_ns == 0)
        p->duration_ns = 10000000000u;
    request_body_end(&p->request);
    ajp_status st = bench_prepare(p);
    if (st != AJP_OK)
        return args_wrong(a, "this request cannot be sent: %s", ajp_strerror(st));
    return -1;
}

/* What TLS needs. False after the user was told. */
static bool secure_side(struct bench_plan *p)
{
    struct text why = {0};
    const struct url *u = &p->shots[0].url;
    if (u->tls)
        p->side = secure_client(&p->tls, u->host, &why);
    bool ok = !u->tls || p->side;
    if (!ok)
        fprintf(stderr, "ajpcat bench: %s\n", why.at);
    text_free(&why);
    return ok;
}

static int run(struct bench_plan *p, bool json)
{
    static struct bench_result r;
    if (!secure_side(p))
        return EXIT_FAILED;
    if (!bench_run(p, &r)) {
        fprintf(stderr, "ajpcat bench: %s\n", r.first_error);
        return 3;
    }
    if (json)
        report_json(p, &r);
    else
        report(p, &r);
    return failures(&r) > 0 ? EXIT_FAILED : 0;
}

int cmd_bench(int argc, char **argv)
{
    static struct bench_plan p;
    struct args a;
    bool json = false;
    p = (struct bench_plan){
        .connections = 1, .threads = 1, .timeout_ms = 30000, .limits = ajp_limits_relay};
    p.limits.max_packet = AJP_PACKET_DEFAULT;
    p.limits.max_headers = UINT16_MAX;
    request_init(&p.request);
    args_init(&a, argc, argv, "ajp://HOST:PORT/PATH...",
              "Loads an app server and measures it. Several URLs are requested in turn.", table);
    int code = read_options(&a, &p, &json);
    if (code < 0)
        code = run(&p, json);
    secure_leave(p.side);
    bench_plan_free(&p);
    return code;
}
