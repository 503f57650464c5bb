/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of `ajpcat serve` that does what a script says. */
#include "serve.h"

#include "term.h"

#include <stdio.h>
#include <string.h>

static void note(const struct serve_loop *l, const struct serve_conn *c, const char *event,
                 const char *what)
{
    unsigned line = c->step < c->script->count ? c->script->steps[c->step].line : 0;
    if (!l->options->quiet)
        fprintf(stderr, "event=%s script=%s line=%u what=\"%s\"\n", event, c->script->name, line,
                what);
}

static void note_request(const struct serve_loop *l, const uint8_t *packet, size_t len)
{
    ajp_frame f;
    ajp_message m;
    size_t used;
    struct text t = {0};
    if (!l->options->verbose ||
        ajp_frame_next(packet, len, &l->options->limits, &f, &used) != AJP_OK ||
        ajp_decode(&m, &f, false, &l->options->limits) != AJP_OK || m.kind != AJP_FORWARD_REQUEST)
        return;
    text_str(&t, "event=request method=");
    term_put(&t, m.u.request.method);
    text_str(&t, " uri=");
    term_put(&t, m.u.request.uri);
    fprintf(stderr, "%s\n", t.at);
    text_free(&t);
}

static bool fits(enum script_kind kind, const uint8_t *packet, size_t len)
{
    uint8_t type = len > AJP_HEADER_SIZE ? packet[AJP_HEADER_SIZE] : 0;
    if (len < AJP_HEADER_SIZE || packet[0] != 0x12 || packet[1] != 0x34)
        return false;
    if (kind == EXPECT_REQUEST)
        return type == AJP_FORWARD_REQUEST;
    if (kind == EXPECT_CPING)
        return type == AJP_CPING && len == AJP_HEADER_SIZE + 1;
    size_t body = len >= AJP_DATA_HEAD ? (size_t)packet[4] << 8 | packet[5] : 0;
    return kind == EXPECT_ANY || len == AJP_HEADER_SIZE || body + AJP_DATA_HEAD == len;
}

enum outcome { OUTCOME_NEXT, OUTCOME_LATER, OUTCOME_WRONG };

static enum outcome take_expected(struct serve_loop *l, struct serve_conn *c,
                                  const struct script_step *s)
{
    size_t want = c->in_len < AJP_HEADER_SIZE
                      ? AJP_HEADER_SIZE
                      : AJP_HEADER_SIZE + ((size_t)c->in[2] << 8 | c->in[3]);
    if (want <= l->options->limits.max_packet && c->in_len < want)
        return OUTCOME_LATER;
    if (want > c->in_len || !fits((enum script_kind)s->number, c->in, want)) {
        note(l, c, "script_broken", "another packet came than the script expects");
        return OUTCOME_WRONG;
    }
    note_request(l, c->in, want);
    c->in_len -= want;
    memmove(c->in, c->in + want, c->in_len);
    return OUTCOME_NEXT;
}

static void set_reset(const struct serve_conn *c)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(c->link.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* One step. */
static enum outcome play_step(struct serve_loop *l, struct serve_conn *c)
{
    const struct script_step *s = &c->script->steps[c->step];
    switch (s->verb) {
    case SCRIPT_SEND:
        text_put(&c->out, s->bytes.at, s->bytes.len);
        return OUTCOME_NEXT;
    case SCRIPT_EXPECT:
        c->state = CONN_IDLE;
        return take_expected(l, c, s);
    case SCRIPT_WAIT:
        loop_wait(l, c, s->number);
        return OUTCOME_NEXT;
    case SCRIPT_REPEAT:
        c->step = SIZE_MAX; /* the next is 0 */
        return OUTCOME_NEXT;
    case SCRIPT_RESET:
        if (c->out_sent < c->out.len)
            return OUTCOME_LATER;
        set_reset(c);
        note(l, c, "script_done", "reset");
        return OUTCOME_WRONG;
    default: /* close: as at the end */
        c->step = c->script->count - 1;
        return OUTCOME_NEXT;
    }
}

bool conn_play(struct serve_loop *l, struct serve_conn *c)
{
    enum outcome outcome = OUTCOME_NEXT;
    while (outcome == OUTCOME_NEXT) {
        if (!conn_flush(c))
            return false;
        if (c->state == CONN_WAIT || c->state == CONN_LINGER)
            return c->state == CONN_WAIT || c->out_sent < c->out.len || conn_linger(l, c);
        if (c->out_sent < c->out.len)
            return true;
        if (c->step >= c->script->count) {
            note(l, c, "script_done", "closed");
            return conn_linger(l, c);
        }
        outcome = play_step(l, c);
        if (outcome == OUTCOME_NEXT)
            c->step++;
    }
    return outcome == OUTCOME_LATER;
}

void conn_play_closed(const struct serve_loop *l, const struct serve_conn *c)
{
    if (c->state != CONN_LINGER)
        note(l, c, "script_broken", "the web server closed the connection");
}
