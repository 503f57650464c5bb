/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange as HTTP text. Nothing unescaped reaches the output. */
#include "ending.h"
#include "term.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>

enum { BODY_SHOWN = 64 * 1024 };

bool view_decode(const struct text *head, ajp_dir dir, ajp_message *m)
{
    ajp_frame f = {
        .payload = (const uint8_t *)head->at, .len = (uint16_t)head->len, .dir = (uint8_t)dir};
    return head->len > 0 && head->len <= UINT16_MAX &&
           ajp_decode(m, &f, false, &talk_limits) == AJP_OK;
}

static void put_headers(struct view *v, ajp_fields fields)
{
    ajp_field f;
    while (ajp_field_next(&fields, &f)) {
        term_colour(&v->out, v->colour, TERM_CYAN);
        term_put(&v->out, f.name);
        term_colour(&v->out, v->colour, TERM_PLAIN);
        text_str(&v->out, ": ");
        if (view_is_secret(f.name) && !v->show_secrets)
            text_fmt(&v->out, "(%zu bytes, hidden)", f.value.len);
        else
            term_put(&v->out, f.value);
        text_byte(&v->out, '\n');
    }
    text_byte(&v->out, '\n');
}

static void put_body(struct view *v, const struct body_sum *b)
{
    const char *at = b->kept.at;
    size_t len = b->kept.len;
    while (len > 0) { /* line by line, so that line ends stay */
        const char *end = memchr(at, '\n', len);
        size_t line = end ? (size_t)(end - at) : len;
        term_put(&v->out, ajp_str_of(at, line));
        text_byte(&v->out, '\n');
        line += line < len;
        at += line;
        len -= line;
    }
    if (b->bytes > b->kept.len)
        text_fmt(&v->out, "(%" PRIu64 " more bytes)\n", b->bytes - b->kept.len);
    if (b->bytes > 0)
        text_byte(&v->out, '\n');
}

static void put_request(struct view *v, const struct exchange *e)
{
    ajp_message m;
    term_colour(&v->out, v->colour, TERM_BOLD);
    term_cstring(&v->out, e->method);
    text_byte(&v->out, ' ');
    term_cstring(&v->out, e->uri);
    if (e->query) {
        text_byte(&v->out, '?');
        term_cstring(&v->out, e->query);
    }
    text_byte(&v->out, ' ');
    term_cstring(&v->out, e->protocol);
    term_colour(&v->out, v->colour, TERM_PLAIN);
    text_byte(&v->out, '\n');
    if (view_decode(&e->request_head, AJP_TO_CONTAINER, &m))
        put_headers(v, m.u.request.headers);
    else
        text_str(&v->out, "(headers not understood)\n\n");
    put_body(v, &e->request);
}

static void put_ending(struct view *v, const struct exchange *e, const char *else_say)
{
    text_byte(&v->out, '(');
    if (e->ending.how != ENDING_NONE)
        ending_tell(e, &v->out);
    else
        text_str(&v->out, else_say);
    text_str(&v->out, ")\n\n");
}

static void put_response(struct view *v, const struct exchange *e)
{
    ajp_message m;
    if (e->status == 0) {
        put_ending(v, e, "no answer");
        return;
    }
    bool decoded = view_decode(&e->response_head, AJP_TO_SERVER, &m);
    term_colour(&v->out, v->colour, term_status_colour(e->status));
    text_fmt(&v->out, "HTTP/1.1 %u ", e->status);
    if (decoded)
        term_put(&v->out, m.u.response.reason);
    term_colour(&v->out, v->colour, TERM_PLAIN);
    text_byte(&v->out, '\n');
    if (decoded)
        put_headers(v, m.u.response.headers);
    else
        text_str(&v->out, "(headers not understood)\n\n");
    put_body(v, &e->response);
    if (!e->complete)
        put_ending(v, e, "the answer does not end");
}

static void put_exchange(struct view *v, const struct exchange *e)
{
    if (!exchange_is_http(e))
        return;
    if (e->kind == EXCHANGE_ANSWER)
        text_str(&v->out, "(the request was not captured)\n\n");
    else
        put_request(v, e);
    put_response(v, e);
}

const struct view_kind view_https = {
    .show = put_exchange, .heads = true, .body = {.keep = BODY_SHOWN}};
