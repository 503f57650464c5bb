/* SPDX-License-Identifier: Apache-2.0 */
/* A line per exchange. */
#include "ending.h"
#include "quirks.h"
#include "term.h"
#include "view.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

enum { DETAIL_MAX = 1 << 20, COLOUR_BYTES = 9 };

double view_ms(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns >= from_ns ? (double)(to_ns - from_ns) / 1e6 : -((double)(from_ns - to_ns) / 1e6);
}

static void put_clock(struct text *out, uint64_t ns)
{
    uint64_t seconds = ns / 1000000000u % 86400;
    text_uint(out, seconds / 3600, 2, '0');
    text_byte(out, ':');
    text_uint(out, seconds / 60 % 60, 2, '0');
    text_byte(out, ':');
    text_uint(out, seconds % 60, 2, '0');
    text_byte(out, '.');
    text_uint(out, ns % 1000000000u / 1000, 6, '0');
}

static void put_ms(struct text *out, uint64_t from_ns, uint64_t to_ns)
{
    if (to_ns < from_ns) { /* not there, or clocks that go backwards */
        text_str(out, to_ns ? "       <0" : "        -");
        return;
    }
    uint64_t hundredths = (to_ns - from_ns + 5000) / 10000;
    text_byte(out, ' ');
    text_uint(out, hundredths / 100, 5, ' ');
    text_byte(out, '.');
    text_uint(out, hundredths % 100, 2, '0');
}

/* On a narrow terminal the addresses and one of the times are left out, and at 80 columns there
 * is room for a dozen characters of the URI. */
static bool is_narrow(const struct view *v)
{
    return v->width > 0 && v->width < 130;
}

static void put_title(struct view *v)
{
    if (v->width == 0) /* not for people */
        return;
    term_colour(&v->out, v->colour, TERM_BOLD);
    text_fmt(&v->out, "%-15s ", "UTC");
    if (!is_narrow(v))
        text_fmt(&v->out, "%-21s %-21s ", "CLIENT", "SERVER");
    if (is_narrow(v))
        text_fmt(&v->out, "%6s %-7s %8s %9s ", "STATUS", "METHOD", "UP", "DOWN");
    else
        text_fmt(&v->out, "%6s %-8s %9s %9s %8s ", "STATUS", "METHOD", "UP", "DOWN", "FIRST ms");
    text_fmt(&v->out, "%8s %-8s %s", "ALL ms", "ROUTE", "URI");
    term_colour(&v->out, v->colour, TERM_PLAIN);
    text_byte(&v->out, '\n');
}

static void put_padded(struct text *out, const char *s, size_t width)
{
    size_t from = out->len;
    term_cstring(out, s);
    if (out->len - from < width)
        text_pad(out, width - (out->len - from), ' ');
}

static void put_ending(struct view *v, const struct exchange *e)
{
    if (e->ending.how == ENDING_NONE)
        return;
    term_colour(&v->out, v->colour, TERM_YELLOW);
    text_str(&v->out, "    ! ");
    ending_tell(e, &v->out);
    if (e->ending.frame > 0)
        text_fmt(&v->out, ", frame %" PRIu64, e->ending.frame);
    term_colour(&v->out, v->colour, TERM_PLAIN);
    text_byte(&v->out, '\n');
}

static void put_speech(struct view *v, const struct exchange *e)
{
    if (e->kind != EXCHANGE_CONNECTION || !e->speech)
        return;
    term_colour(&v->out, v->colour, TERM_YELLOW);
    text_fmt(&v->out, "    ! %s came where AJP is spoken", e->speech);
    term_colour(&v->out, v->colour, TERM_PLAIN);
    text_byte(&v->out, '\n');
}

static void put_problems(struct view *v, const struct exchange *e)
{
    for (size_t i = 0; i < e->problem_count; i++) {
        const struct problem *p = &e->problems[i];
        term_colour(&v->out, v->colour, TERM_YELLOW);
        text_fmt(&v->out, "    ! %s at byte %" PRIu64 " from the %s", p->text, p->at.offset,
                 p->at.from_client ? "client" : "server");
        if (p->at.frame > 0)
            text_fmt(&v->out, ", frame %" PRIu64, p->at.frame);
        term_colour(&v->out, v->colour, TERM_PLAIN);
        text_byte(&v->out, '\n');
    }
}

static void put_quirks(struct view *v, const struct exchange *e)
{
    for (size_t i = 0; i < e->quirk_count; i++) {
        const struct quirk *q = &e->quirks[i];
        text_fmt(&v->out, "    ~ Q%u %s", q->number, quirk_text(q->number));
        if (q->frame > 0)
            text_fmt(&v->out, ", frame %" PRIu64, q->frame);
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
        text_str(&v->out, e->complete ? "  pong" : "     -");
    else if (e->status)
        text_uint(&v->out, e->status, 5, ' ');
    else
        text_str(&v->out, "     -");
    if (exchange_is_http(e) && e->status)
        text_byte(&v->out, e->complete ? ' ' : '+');
    term_colour(&v->out, v->colour, TERM_PLAIN);
    text_byte(&v->out, ' ');
}

/* Cut off at the terminal's edge: it comes last. */
static void put_uri(struct view *v, const struct exchange *e, size_t used)
{
    size_t from = v->out.len;
    term_cstring(&v->out, e->kind == EXCHANGE_REQUEST || e->uri ? e->uri : "");
    if (e->query) {
        text_byte(&v->out, '?');
        term_cstring(&v->out, e->query);
    }
    term_fit(&v->out, from, used, v->width);
}

static void put_line(struct view *v, const struct exchange *e)
{
    size_t from = v->out.len;
    char client[PEER_TEXT], server[PEER_TEXT];
    peer_format(&e->client, client);
    peer_format(&e->server, server);
    put_clock(&v->out, e->start_ns);
    if (!is_narrow(v)) {
        text_byte(&v->out, ' ');
        put_padded(&v->out, client, 21);
        text_byte(&v->out, ' ');
        put_padded(&v->out, server, 21);
    }
    put_status(v, e);
    put_padded(&v->out,
               e->kind == EXCHANGE_CPING        ? "(CPing)"
               : e->kind == EXCHANGE_STRAY      ? "(stray)"
               : e->kind == EXCHANGE_CONNECTION ? "(none)"
               : e->kind == EXCHANGE_ANSWER     ? "(answer)"
                                                : e->method,
               is_narrow(v) ? 7 : 8);
    text_byte(&v->out, ' ');
    text_uint(&v->out, e->request.bytes, is_narrow(v) ? 8 : 9, ' ');
    text_byte(&v->out, ' ');
    text_uint(&v->out, e->response.bytes, 9, ' ');
    if (!is_narrow(v))
        put_ms(&v->out, e->start_ns, e->first_ns);
    put_ms(&v->out, e->start_ns, e->end_ns);
    text_byte(&v->out, ' ');
    put_padded(&v->out, e->route, 8);
    text_byte(&v->out, ' ');
    put_uri(v, e, v->out.len - from - (v->colour ? COLOUR_BYTES : 0));
    text_byte(&v->out, '\n');
    put_speech(v, e);
    put_ending(v, e);
    put_problems(v, e);
    if (v->quirks)
        put_quirks(v, e);
    if (e->detail.len > 0)
        text_put(&v->out, e->detail.at, e->detail.len);
}

static void put_tree(struct view *v, const struct exchange *e)
{
    v->quirks = true;
    put_line(v, e);
}

static void put_message(struct view *v, struct exchange *e, const struct packet *p,
                        const ajp_message *m)
{
    if (e->detail.len < DETAIL_MAX)
        view_message(&e->detail, v->colour, v->show_secrets, p, m, e->start_ns);
}

const struct view_kind view_lines = {.begin = put_title, .show = put_line};
const struct view_kind view_trees = {.begin = put_title, .show = put_tree, .message = put_message};
