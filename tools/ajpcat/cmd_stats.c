/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat stats: what a capture holds, in numbers. */
#include "args.h"
#include "command.h"
#include "ending.h"
#include "filter.h"
#include "histogram.h"
#include "json.h"
#include "quirks.h"
#include "reader.h"
#include "tally.h"
#include "term.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JSON, FILTER, TOP };

static const struct arg table[] = {
    [JSON] = {0, "json", NULL, "print one JSON object"},
    [FILTER] = {'f', "filter", "EXPRESSION", "count only exchanges for which it is true"},
    [TOP] = {'n', "top", "N", "rows of each table (10)"},
    [TOP + 1] = {0}};

static const struct {
    const char *name;
    double share;
} quantiles[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p99.9", .999}};

struct stats {
    bool json, colour;
    unsigned width;
    struct filter_node *filter;
    const char *path;
    uint64_t top;
    uint64_t requests, answers, cpings, cpings_unanswered, unanswered, incomplete, strays, no_ajp,
        bytes_up, bytes_down, first_ns, last_ns;
    struct tally methods, statuses, routes, servers, uris, waits, problems, quirks;
    struct tally_set connections, sessions;
    struct histogram time, first, waited;
    struct text out;
};

/* A problem's text with its numbers taken out, so that equal ones count together. */
static void add_problem(struct stats *s, const struct problem *problem)
{
    struct text t = {0};
    for (const char *p = problem->text; *p; p++) {
        if (!isdigit((unsigned char)*p))
            text_byte(&t, *p);
        else if (!isdigit((unsigned char)p[1]))
            text_byte(&t, 'N');
    }
    tally_add(&s->problems, t.at, 0, problem->at.frame);
    text_free(&t);
}

static void add_quirks(struct stats *s, const struct exchange *e)
{
    for (size_t i = 0; i < e->quirk_count; i++) {
        const struct quirk *q = &e->quirks[i];
        char name[128];
        snprintf(name, sizeof name, "Q%u %s", q->number, quirk_text(q->number));
        tally_add(&s->quirks, name, 0, q->frame);
    }
}

/* What was never answered has no time: it would make a server that hangs look fast. */
static void add_to(struct tally *t, const char *name, const struct exchange *e)
{
    if (e->kind == EXCHANGE_ANSWER)
        tally_count(t, name, e->frame);
    else if (e->complete)
        tally_add(t, name, e->end_ns > e->start_ns ? e->end_ns - e->start_ns : 0, e->frame);
    else
        tally_add_open(t, name, e->frame);
}

/* uri: NULL for what has none. */
static void add_wait(struct stats *s, const struct exchange *e, const char *uri)
{
    uint64_t waited;
    const char *ending = ending_name(e);
    struct text name = {0};
    if (e->complete)
        return;
    text_fmt(&name, "%s (%s)", uri ? uri : "CPing", ending ? ending : "open");
    if (ending_waited(e, &waited)) {
        tally_add(&s->waits, name.at, waited, e->frame);
        histogram_add(&s->waited, waited);
    } else {
        tally_add_open(&s->waits, name.at, e->frame);
    }
    text_free(&name);
}

static void add_cping(struct stats *s, const struct exchange *e)
{
    s->cpings++;
    s->cpings_unanswered += !e->complete;
    add_wait(s, e, NULL);
}

static void add_uri(struct stats *s, const struct exchange *e)
{
    char *uri = xstrdup(e->uri ? e->uri : "-");
    uri[strcspn(uri, ";")] = '\0';
    if (e->uri)
        add_to(&s->uris, uri, e);
    add_wait(s, e, uri);
    free(uri);
}

/* What an answer alone has too. */
static void add_answer(struct stats *s, const struct exchange *e)
{
    char status[8] = "none", server[PEER_TEXT];
    s->bytes_down += e->response.bytes;
    if (e->status)
        snprintf(status, sizeof status, "%u", e->status);
    peer_format(&e->server, server);
    add_to(&s->statuses, status, e);
    add_to(&s->servers, server, e);
}

static void add_request(struct stats *s, const struct exchange *e)
{
    s->requests++;
    s->unanswered += e->status == 0;
    s->incomplete += e->status != 0 && !e->complete;
    s->bytes_up += e->request.bytes;
    add_answer(s, e);
    add_to(&s->methods, e->method ? e->method : "none", e);
    add_to(&s->routes, e->route ? e->route : "none", e);
    if (e->session_hash)
        tally_set_add(&s->sessions, e->session_hash);
    add_uri(s, e);
    if (e->end_ns)
        histogram_add(&s->time, e->end_ns > e->start_ns ? e->end_ns - e->start_ns : 0);
    if (e->first_ns >= e->start_ns && e->first_ns)
        histogram_add(&s->first, e->first_ns - e->start_ns);
}

static bool on_exchange(void *user, const struct exchange *e)
{
    struct stats *s = user;
    uint64_t end = e->end_ns ? e->end_ns : e->start_ns;
    if (s->filter && !filter_accepts(s->filter, e))
        return true;
    s->first_ns = s->first_ns && s->first_ns < e->start_ns ? s->first_ns : e->start_ns;
    s->last_ns = end > s->last_ns ? end : s->last_ns;
    tally_set_add(&s->connections, e->connection + 1);
    if (e->kind == EXCHANGE_CPING)
        add_cping(s, e);
    else if (e->kind == EXCHANGE_REQUEST)
        add_request(s, e);
    else if (e->kind == EXCHANGE_CONNECTION)
        s->no_ajp++;
    else if (e->kind == EXCHANGE_STRAY)
        s->strays++;
    else {
        s->answers++;
        add_answer(s, e);
    }
    for (size_t i = 0; i < e->problem_count; i++)
        add_problem(s, &e->problems[i]);
    add_quirks(s, e);
    return true;
}

static void put_title(struct stats *s, const char *title)
{
    term_colour(&s->out, s->colour, TERM_BOLD);
    text_fmt(&s->out, "\n%s\n", title);
    term_colour(&s->out, s->colour, TERM_PLAIN);
}

static void put_more(struct stats *s, const struct tally *t)
{
    if (t->count > s->top)
        text_fmt(&s->out, "  ... and %zu more\n", t->count - (size_t)s->top);
}

/* A row's times, of those that have one. */
static void put_row_times(struct stats *s, const struct tally_row *r)
{
    if (r->valued > 0)
        text_fmt(&s->out, "mean %9.2f ms  max %9.2f ms  ", (double)r->sum / (double)r->valued / 1e6,
                 (double)r->max / 1e6);
    else
        text_fmt(&s->out, "mean %9s     max %9s     ", "-", "-");
    if (r->open > 0)
        text_fmt(&s->out, "%" PRIu64 " unanswered: ", r->open);
}

static void put_times(struct stats *s, const char *title, struct tally *t, int by_sum)
{
    if (t->count == 0)
        return;
    uint64_t all = s->requests + s->answers + (t == &s->waits ? s->cpings : 0);
    put_title(s, title);
    tally_sort(t, by_sum);
    for (size_t i = 0; i < t->count && i < s->top; i++) {
        const struct tally_row *r = &t->rows[i];
        size_t line = s->out.len;
        text_fmt(&s->out, "  %9" PRIu64 "  %5.1f%%  ", r->count,
                 100.0 * (double)r->count / (double)(all ? all : 1));
        put_row_times(s, r);
        size_t from = s->out.len;
        term_cstring(&s->out, r->name);
        term_fit(&s->out, from, from - line, s->width);
        text_byte(&s->out, '\n');
    }
    put_more(s, t);
}

static void put_places(struct stats *s, const char *title, struct tally *t)
{
    if (t->count == 0)
        return;
    put_title(s, title);
    tally_sort(t, 0);
    for (size_t i = 0; i < t->count && i < s->top; i++) {
        size_t line = s->out.len;
        text_fmt(&s->out, "  %9" PRIu64 "  first in frame %-8" PRIu64 "  ", t->rows[i].count,
                 t->rows[i].first);
        term_wrap(&s->out, t->rows[i].name, s->out.len - line, s->width);
        text_byte(&s->out, '\n');
    }
    put_more(s, t);
}

static void put_latency(struct stats *s, const char *title, const struct histogram *h)
{
    char t[24];
    if (h->count == 0)
        return;
    put_title(s, title);
    text_str(&s->out, " ");
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        histogram_format(histogram_quantile(h, quantiles[i].share), t);
        text_fmt(&s->out, " %s %s,", quantiles[i].name, t);
    }
    histogram_format(h->max, t);
    text_fmt(&s->out, " max %s\n", t);
    histogram_draw(h, &s->out, 40);
}

static void report(struct stats *s, uint64_t frames)
{
    double seconds = (double)(s->last_ns - s->first_ns) / 1e9;
    text_fmt(&s->out, "%" PRIu64 " requests and %" PRIu64 " CPings", s->requests, s->cpings);
    if (s->cpings_unanswered > 0)
        text_fmt(&s->out, " (%" PRIu64 " unanswered)", s->cpings_unanswered);
    text_fmt(&s->out, " on %zu connections, in %.3f s and %" PRIu64 " frames\n",
             s->connections.count, seconds, frames);
    text_fmt(&s->out,
             "%" PRIu64 " bytes of body up, %" PRIu64 " down; %zu sessions; %" PRIu64
             " unanswered, %" PRIu64 " cut off, %" PRIu64 " strays",
             s->bytes_up, s->bytes_down, s->sessions.count, s->unanswered, s->incomplete,
             s->strays);
    if (s->answers > 0)
        text_fmt(&s->out, ", %" PRIu64 " answers without their requests", s->answers);
    if (s->no_ajp > 0)
        text_fmt(&s->out, ", %" PRIu64 " connections without AJP", s->no_ajp);
    text_byte(&s->out, '\n');
    put_times(s, "METHODS", &s->methods, 0);
    put_times(s, "STATUSES", &s->statuses, 0);
    put_times(s, "SERVERS", &s->servers, 0);
    put_times(s, "ROUTES IN SESSION IDS", &s->routes, 0);
    put_times(s, "URIS, BY TIME IN ALL", &s->uris, 1);
    put_times(s, "NOT ANSWERED, BY TIME WAITED IN ALL", &s->waits, 1);
    put_latency(s, "TIME WAITED WITHOUT AN ANSWER", &s->waited);
    put_latency(s, "TIME TO THE END OF THE ANSWER", &s->time);
    put_latency(s, "TIME TO THE FIRST PACKET OF THE ANSWER", &s->first);
    put_places(s, "PROBLEMS", &s->problems);
    put_places(s, "QUIRKS", &s->quirks);
}

static void json_tally(struct json *j, const char *key, struct tally *t, int by_sum, uint64_t top)
{
    tally_sort(t, by_sum);
    json_open(j, key, '[');
    for (size_t i = 0; i < t->count && i < top; i++) {
        json_open(j, NULL, '{');
        json_cstring(j, "name", t->rows[i].name);
        json_int(j, "count", (int64_t)t->rows[i].count);
        json_int(j, "open", (int64_t)t->rows[i].open);
        json_real(j, "total_ms", (double)t->rows[i].sum / 1e6, 3);
        json_real(j, "max_ms", (double)t->rows[i].max / 1e6, 3);
        json_int(j, "first_frame", (int64_t)t->rows[i].first);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void json_latency(struct json *j, const char *key, const struct histogram *h)
{
    json_open(j, key, '{');
    json_real(j, "min", (double)h->min / 1e6, 4);
    json_real(j, "mean", h->count ? (double)h->sum / (double)h->count / 1e6 : 0, 4);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        json_real(j, quantiles[i].name, (double)histogram_quantile(h, quantiles[i].share) / 1e6, 4);
    json_real(j, "max", (double)h->max / 1e6, 4);
    json_close(j, '}');
}

static void report_json(struct stats *s, uint64_t frames)
{
    struct json j = {.out = &s->out};
    json_open(&j, NULL, '{');
    json_int(&j, "frames", (int64_t)frames);
    json_int(&j, "connections", (int64_t)s->connections.count);
    json_int(&j, "requests", (int64_t)s->requests);
    json_int(&j, "cpings", (int64_t)s->cpings);
    json_int(&j, "cpings_unanswered", (int64_t)s->cpings_unanswered);
    json_int(&j, "unanswered", (int64_t)s->unanswered);
    json_int(&j, "cut_off", (int64_t)s->incomplete);
    json_int(&j, "strays", (int64_t)s->strays);
    json_int(&j, "answers_alone", (int64_t)s->answers);
    json_int(&j, "connections_without_ajp", (int64_t)s->no_ajp);
    json_int(&j, "sessions", (int64_t)s->sessions.count);
    json_int(&j, "bytes_up", (int64_t)s->bytes_up);
    json_int(&j, "bytes_down", (int64_t)s->bytes_down);
    json_real(&j, "seconds", (double)(s->last_ns - s->first_ns) / 1e9, 6);
    json_tally(&j, "methods", &s->methods, 0, s->top);
    json_tally(&j, "statuses", &s->statuses, 0, s->top);
    json_tally(&j, "servers", &s->servers, 0, s->top);
    json_tally(&j, "routes", &s->routes, 0, s->top);
    json_tally(&j, "uris", &s->uris, 1, s->top);
    json_tally(&j, "waits", &s->waits, 1, s->top);
    json_latency(&j, "waited_ms", &s->waited);
    json_latency(&j, "time_ms", &s->time);
    json_latency(&j, "first_packet_ms", &s->first);
    json_tally(&j, "problems", &s->problems, 0, s->top);
    json_tally(&j, "quirks", &s->quirks, 0, s->top);
    json_close(&j, '}');
    text_byte(&s->out, '\n');
}

static int read_options(struct args *a, struct stats *s)
{
    int row;
    while ((row = args_next(a)) != ARGS_END) {
        switch (row) {
        case JSON:
            s->json = true;
            break;
        case FILTER:
            filter_free(s->filter);
            s->filter = filter_option(a);
            if (!s->filter)
                return EXIT_USAGE;
            break;
        case TOP:
            if (!args_uint(a, 1, 10000, &s->top))
                return EXIT_USAGE;
            break;
        case ARGS_OPERAND:
            if (s->path)
                return args_wrong(a, "expected one file, not also \"%s\"", a->value);
            s->path = a->value;
            break;
        default: /* help or an error that was told */
            return args_exit(row);
        }
    }
    if (!s->path)
        return args_wrong(a, "expected a pcap, pcapng or hex file, or - for standard input");
    return -1;
}

static void stats_free(struct stats *s)
{
    struct tally *const all[] = {&s->methods, &s->statuses, &s->routes, &s->servers, &s->uris,
                                 &s->waits,   &s->problems, &s->quirks, NULL};
    for (size_t i = 0; all[i]; i++)
        tally_free(all[i]);
    tally_set_free(&s->connections);
    tally_set_free(&s->sessions);
    filter_free(s->filter);
    text_free(&s->out);
}

int cmd_stats(int argc, char **argv)
{
    static struct stats s; /* histograms are large for a stack */
    struct args a;
    struct reader r = {.command = "stats",
                       .user = &s,
                       .show = on_exchange,
                       .reports_at_end = true,
                       .tells_none = true};
    s.top = 10;
    s.colour = term_has_colour(STDOUT_FILENO);
    s.width = term_width(STDOUT_FILENO);
    args_init(&a, argc, argv, "FILE|-", "Counts what a capture holds.", table);
    int code = read_options(&a, &s);
    if (code < 0 && (code = reader_run(&r, s.path)) == 0) {
        if (s.json)
            report_json(&s, r.frames);
        else
            report(&s, r.frames);
        fwrite(s.out.at, 1, s.out.len, stdout);
        if (fflush(stdout) != 0)
            code = EXIT_FAILED;
    }
    stats_free(&s);
    return code;
}
