/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as an annotated dump: a line per field with its bytes and its meaning, coloured by
 * what it is. */
#include "term.h"
#include "view.h"

#include <stdio.h>
#include <string.h>

enum { ROW = 16, BODY_SHOWN = 64, DUMP_MAX = 1 << 20 };

struct dump {
    struct text *out;
    bool colour, show_secrets;
    const uint8_t *p; /* the payload */
    size_t at, len;
    bool hide_next; /* the next string is a secret */
};

/* The columns of a row; what has spaces at its end loses them in put_row. */
static size_t render(char *to, const struct dump *d, size_t from, size_t n, bool hide)
{
    const uint8_t *p = d->p + from;
    memset(to, ' ', ROW * 4);
    for (size_t i = 0; i < n; i++) {
        if (hide)
            memset(to + 3 * i, '*', 2);
        else
            text_hex_at(to + 3 * i, p[i]);
        if (!hide)
            to[3 * ROW + i] = p[i] >= ' ' && p[i] < 127 ? (char)p[i] : '.';
    }
    return ROW * 4;
}

static void put_row(struct dump *d, size_t from, size_t n, enum term_colour c, bool hide,
                    const char *label)
{
    char row[ROW * 4], number[] = "      ....  ";
    text_hex_at(number + 6, (uint8_t)((from + AJP_HEADER_SIZE) >> 8));
    text_hex_at(number + 8, (uint8_t)(from + AJP_HEADER_SIZE));
    text_put(d->out, number, sizeof number - 1);
    term_colour(d->out, d->colour, c);
    text_put(d->out, row, render(row, d, from, n, hide));
    term_colour(d->out, d->colour, TERM_PLAIN);
    text_str(d->out, "  ");
    text_str(d->out, label);
    while (d->out->len > 0 && d->out->at[d->out->len - 1] == ' ')
        d->out->len--;
    text_byte(d->out, '\n');
}

/* The next n bytes under a label. */
static void put(struct dump *d, size_t n, enum term_colour c, bool hide, const char *label)
{
    size_t end = n > d->len - d->at ? d->len : d->at + n;
    while (d->at < end) {
        size_t row = end - d->at < ROW ? end - d->at : ROW;
        put_row(d, d->at, row, c, hide, label);
        d->at += row;
        label = "";
    }
}

static unsigned peek16(const struct dump *d)
{
    return d->len - d->at < 2 ? 0 : (unsigned)d->p[d->at] << 8 | d->p[d->at + 1];
}

static unsigned peek8(const struct dump *d)
{
    return d->at < d->len ? d->p[d->at] : 0;
}

static void put_string(struct dump *d, enum term_colour c, const char *label)
{
    char name[80];
    unsigned len = peek16(d);
    bool hide = d->hide_next && !d->show_secrets && len != 0xffff;
    snprintf(name, sizeof name, len == 0xffff ? "%s: null" : "%s: length", label);
    put(d, 2, TERM_DIM, false, name);
    if (len != 0xffff)
        put(d, len + 1u, c, hide, label);
    d->hide_next = false;
}

static void put_number(struct dump *d, size_t n, const char *label)
{
    char text[80];
    snprintf(text, sizeof text, "%s: %u", label, n == 1 ? peek8(d) : peek16(d));
    put(d, n, TERM_YELLOW, false, text);
}

static void put_name(struct dump *d, bool request)
{
    unsigned word = peek16(d);
    if (word >= 0xa000 && word != 0xffff) {
        char label[64];
        ajp_str name = request ? ajp_req_header_name((ajp_req_header)(word & 0xff))
                               : ajp_res_header_name((ajp_res_header)(word & 0xff));
        snprintf(label, sizeof label, "header %.*s", (int)name.len, name.ptr ? name.ptr : "");
        d->hide_next = name.ptr && view_is_secret(name);
        put(d, 2, TERM_CYAN, false, label);
        return;
    }
    bool hide =
        word < d->len - d->at && view_is_secret(ajp_str_of((const char *)d->p + d->at + 2, word));
    put_string(d, TERM_CYAN, "header name");
    d->hide_next = hide;
}

static void put_headers(struct dump *d, bool request)
{
    unsigned count = peek16(d);
    put_number(d, 2, "headers");
    for (; count > 0 && d->at < d->len; count--) {
        put_name(d, request);
        put_string(d, TERM_GREEN, "header value");
    }
}

static void put_attributes(struct dump *d)
{
    while (d->at < d->len) {
        unsigned code = peek8(d);
        char label[64];
        ajp_str name = ajp_attr_name((ajp_attr)code);
        snprintf(label, sizeof label, "attribute %.*s", (int)name.len, name.ptr ? name.ptr : "");
        put(d, 1, TERM_CYAN, false, code == AJP_ATTR_END ? "end of attributes" : label);
        if (code == AJP_ATTR_END)
            return;
        if (!name.ptr)
            continue;
        if (code == AJP_ATTR_SSL_KEY_SIZE) {
            put_number(d, 2, "key size");
            continue;
        }
        d->hide_next = code == AJP_ATTR_SECRET || code == AJP_ATTR_SSL_SESSION;
        put_string(d, TERM_GREEN, code == AJP_ATTR_NAMED ? "attribute name" : "attribute value");
        if (code == AJP_ATTR_NAMED)
            put_string(d, TERM_GREEN, "attribute value");
    }
}

static void put_request(struct dump *d)
{
    static const char *const texts[] = {"protocol", "URI", "remote address", "remote host",
                                        "server name"};
    char label[48];
    ajp_str name = ajp_method_name((uint8_t)peek8(d));
    snprintf(label, sizeof label, "method %.*s", (int)name.len, name.ptr ? name.ptr : "");
    put(d, 1, TERM_BOLD, false, label);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_string(d, TERM_GREEN, texts[i]);
    put_number(d, 2, "server port");
    put_number(d, 1, "is SSL");
    put_headers(d, true);
    put_attributes(d);
}

static void put_body(struct dump *d)
{
    char label[64];
    size_t n = peek16(d), left;
    put_number(d, 2, "body length");
    left = d->len - d->at;
    n = n < left ? n : left;
    put(d, n < BODY_SHOWN ? n : BODY_SHOWN, TERM_PLAIN, false, "body");
    if (n > BODY_SHOWN) {
        snprintf(label, sizeof label, "            ... %zu more bytes of body\n", n - BODY_SHOWN);
        text_str(d->out, label);
        d->at += n - BODY_SHOWN;
    }
}

static void put_payload(struct dump *d, ajp_kind kind)
{
    char label[64];
    ajp_str name = ajp_kind_name(kind);
    snprintf(label, sizeof label, "type %.*s", (int)name.len, name.ptr ? name.ptr : "");
    if (kind != AJP_DATA)
        put(d, 1, TERM_BOLD, false, label);
    switch (kind) {
    case AJP_FORWARD_REQUEST:
        put_request(d);
        break;
    case AJP_SEND_HEADERS:
        put_number(d, 2, "status");
        put_string(d, TERM_GREEN, "reason");
        put_headers(d, false);
        break;
    case AJP_DATA:
    case AJP_BODY_CHUNK:
        if (d->len > d->at)
            put_body(d);
        if (kind == AJP_BODY_CHUNK && d->len - d->at == 1)
            put(d, 1, TERM_DIM, false, "pad");
        break;
    case AJP_GET_BODY:
        put_number(d, 2, "wanted");
        break;
    case AJP_END_RESPONSE:
        put_number(d, 1, "reuse");
        break;
    default: /* a type and no more */
        break;
    }
    put(d, d->len - d->at, TERM_RED, false, "bytes behind the message");
}

static void put_message(struct view *v, struct exchange *e, const struct packet *p,
                        const ajp_message *m)
{
    struct dump d = {.out = &e->detail,
                     .colour = v->colour,
                     .show_secrets = v->show_secrets,
                     .p = p->payload,
                     .len = p->len};
    if (e->detail.len > DUMP_MAX)
        return;
    view_message_head(&e->detail, v->colour, p, m, e->start_ns);
    text_byte(&e->detail, '\n');
    if (m)
        put_payload(&d, m->kind);
    else if (v->show_secrets || p->len < 5)
        put(&d, p->len, TERM_RED, false, "not understood");
    else
        text_str(&e->detail, "      (hidden, as a secret may be in it: see --show-secrets)\n");
}

static void put_exchange(struct view *v, const struct exchange *e)
{
    view_lines.show(v, e);
}

const struct view_kind view_dumps = {.show = put_exchange, .message = put_message};
