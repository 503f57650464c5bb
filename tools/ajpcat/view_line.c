/* SPDX-License-Identifier: Apache-2.0 */
/* A line per exchange, and its JSON. */
#include "json.h"
#include "term.h"
#include "view.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static double ms_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns >= from_ns ? (double)(to_ns - from_ns) / 1e6 : -((double)(from_ns - to_ns) / 1e6);
}

static void put_clock(struct text *out, uint64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    text_fmt(out, "%02d:%02d:%02d.%06u", tm.tm_hour, tm.tm_min, tm.tm_sec,
             (unsigned)(ns % 1000000000u / 1000));
}

static void put_ms(struct text *out, uint64_t from_ns, uint64_t to_ns)
{
    if (to_ns)
        text_fmt(out, " %8.2f", ms_between(from_ns, to_ns));
    else
        text_str(out, "        -");
}

void view_title(struct view *v)
{
    term_colour(&v->out, v->colour, TERM_BOLD);
    text_fmt(&v->out, "%-15s %-21s %-21s %6s %-8s %9s %9s %8s %8s %-8s %s", "UTC", "CLIENT",
             "SERVER", "STATUS", "METHOD", "UP", "DOWN", "FIRST ms", "ALL ms", "ROUTE", "URI");
    term_colour(&v->out, v->colour, TERM_PLAIN);
    text_byte(&v->out, '\n');
}

static void put_padded(struct text *out, const char *s, size_t width)
{
    size_t from = out->len;
    term_cstring(out, s);
    while (out->len - from < width)
        text_byte(out, ' ');
}

static void put_problems(struct view *v, const struct exchange *e)
{
    for (size_t i = 0; i < e->problem_count; i++) {
        const struct problem *p = &e->problems[i];
        term_colour(&v->out, v->colour, TERM_YELLOW);
        text_fmt(&v->out, "    ! %s at byte %" PRIu64 " from the %s", p->text, p->offset,
                 p->from_client ? "client" : "server");
        term_colour(&v->out, v->colour, TERM_PLAIN);
        text_byte(&v->out, '\n');
    }
}

static void put_status(struct view *v, const struct exchange *e)
{
    enum term_colour c = term_status_colour(e->complete ? e->status : 0);
    if (e->kind == EXCHANGE_CPING)
        c = e->complete ? TERM_GREEN : TERM_RED;
    text_byte(&v->out, ' ');
    term_colour(&v->out, v->colour, c);
    if (e->kind == EXCHANGE_CPING)
        text_fmt(&v->out, "%6s", e->complete ? "pong" : "-");
    else if (e->status)
        text_fmt(&v->out, "%5u%c", e->status, e->complete ? ' ' : '+');
    else
        text_fmt(&v->out, "%6s", "-");
    term_colour(&v->out, v->colour, TERM_PLAIN);
    text_byte(&v->out, ' ');
}

void view_line(struct view *v, const struct exchange *e)
{
    char client[PEER_TEXT], server[PEER_TEXT];
    peer_format(&e->client, client);
    peer_format(&e->server, server);
    put_clock(&v->out, e->start_ns);
    text_fmt(&v->out, " %-21s %-21s", client, server);
    put_status(v, e);
    put_padded(&v->out, e->kind == EXCHANGE_CPING ? "(CPing)" : e->method, 8);
    text_fmt(&v->out, " %9" PRIu64 " %9" PRIu64, e->request.bytes, e->response.bytes);
    put_ms(&v->out, e->start_ns, e->first_ns);
    put_ms(&v->out, e->start_ns, e->end_ns);
    text_byte(&v->out, ' ');
    put_padded(&v->out, e->route, 8);
    text_byte(&v->out, ' ');
    term_cstring(&v->out, e->kind == EXCHANGE_CPING ? "" : e->uri);
    if (e->query) {
        text_byte(&v->out, '?');
        term_cstring(&v->out, e->query);
    }
    text_byte(&v->out, '\n');
    put_problems(v, e);
    if (e->detail.len > 0)
        text_put(&v->out, e->detail.at, e->detail.len);
}

static void json_body(struct json *j, const char *bytes_key, const char *crc_key,
                      const struct body_sum *b)
{
    json_int(j, bytes_key, (int64_t)b->bytes);
    json_int(j, crc_key, b->crc32);
}

static void json_ms(struct json *j, const char *key, uint64_t from_ns, uint64_t to_ns)
{
    if (to_ns)
        json_real(j, key, ms_between(from_ns, to_ns), 6);
    else
        json_null(j, key);
}

static void json_problems(struct json *j, const struct exchange *e)
{
    json_open(j, "problems", '[');
    for (size_t i = 0; i < e->problem_count; i++) {
        json_open(j, NULL, '{');
        json_int(j, "offset", (int64_t)e->problems[i].offset);
        json_cstring(j, "text", e->problems[i].text);
        json_cstring(j, "from", e->problems[i].from_client ? "client" : "server");
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void json_request(struct json *j, const struct exchange *e)
{
    json_cstring(j, "method", e->method);
    json_cstring(j, "uri", e->uri);
    json_cstring(j, "query", e->query);
    json_cstring(j, "protocol", e->protocol);
    json_cstring(j, "route", e->route);
    if (e->status)
        json_int(j, "status", e->status);
    else
        json_null(j, "status");
    json_body(j, "request_bytes", "request_crc32", &e->request);
    json_body(j, "response_bytes", "response_crc32", &e->response);
}

void view_json(struct view *v, const struct exchange *e)
{
    struct json j = {.out = &v->out};
    char client[PEER_TEXT], server[PEER_TEXT];
    peer_format(&e->client, client);
    peer_format(&e->server, server);
    json_open(&j, NULL, '{');
    json_cstring(&j, "kind", e->kind == EXCHANGE_CPING ? "cping" : "request");
    json_int(&j, "connection", (int64_t)e->connection);
    json_cstring(&j, "client", client);
    json_cstring(&j, "server", server);
    json_int(&j, "index", (int64_t)e->index);
    if (e->kind == EXCHANGE_REQUEST)
        json_request(&j, e);
    json_bool(&j, "complete", e->complete);
    if (e->kind == EXCHANGE_REQUEST)
        json_bool(&j, "reuse", e->reuse);
    json_real(&j, "start", (double)e->start_ns / 1e9, 6);
    json_ms(&j, "first_packet_ms", e->start_ns, e->first_ns);
    json_ms(&j, "total_ms", e->start_ns, e->end_ns);
    json_int(&j, "frame", (int64_t)e->frame);
    json_problems(&j, e);
    json_close(&j, '}');
    text_byte(&v->out, '\n');
}
