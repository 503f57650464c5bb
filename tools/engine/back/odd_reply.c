/* SPDX-License-Identifier: Apache-2.0 */
/* Apps put into headers what users gave them: a line end in a file name must not cost the page. The
 * app's author learns from the log which header it was; the value stays out of it. */
#include "back/odd_reply.h"

#include "core/bad_packet.h"
#include "http/h1_rules.h"

enum { NAME_ROOM = 96, PATH_ROOM = 256, HEADER_CODES = 0xa0 };

static void tell(const struct link *l, const char *event, ajp_str header, const char *reason)
{
    char name[NAME_ROOM], path[PATH_ROOM];

    log_event(LEVEL_WARN, event, "worker=%s header=\"%s\" reason=\"%s\" path=%s",
              l->worker->settings->name.ptr, log_str(name, sizeof name, header), reason,
              log_str(path, sizeof path, l->x->head.path));
}

void odd_reply_clean(const struct link *l, const ajp_response *r)
{
    uint8_t *scratch = l->shard->loop.scratch;
    ajp_fields it = r->headers;
    ajp_field f;

    while (ajp_field_next(&it, &f)) {
        uint8_t *value;

        if (h1_is_field_value(f.value))
            continue;
        value = scratch + ((const uint8_t *)f.value.ptr - scratch);
        for (size_t i = 0; i < f.value.len; i++)
            if (!(h1_class[value[i]] & H1_VALUE))
                value[i] = ' ';
        tell(l, "reply_header_cleaned", f.name,
             "its value held control bytes: blanks stand in their place");
    }
}

/* A header of a packet that no decoder let through: as far as its lengths go. */
struct raw_header {
    ajp_str name;
    size_t end; /* place behind it in the payload */
};

static size_t word_at(const uint8_t *p)
{
    return (size_t)(p[0] << 8 | p[1]);
}

/* Length of the string at p, its NUL and length word with it; 0: it does not fit. */
static size_t string_size(const uint8_t *p, size_t left)
{
    size_t n = left >= 2 ? word_at(p) : 0;

    if (left < 2)
        return 0;
    if (n == 0xffff)
        return 2;
    return n + 3 <= left ? n + 3 : 0;
}

static bool raw_header_at(const uint8_t *payload, size_t len, size_t at, struct raw_header *out)
{
    const uint8_t *p = payload + at;
    size_t left = len - at, name, value;

    if (left < 2)
        return false;
    if (p[0] == HEADER_CODES) {
        name = 2;
        out->name = ajp_res_header_name((ajp_res_header)p[1]);
    } else {
        name = string_size(p, left);
        if (name < 3)
            return false;
        out->name = ajp_str_of((const char *)p + 2, name - 3);
    }
    value = string_size(p + name, left - name);
    out->end = at + name + value;
    return value > 0;
}

bool odd_reply_find(const uint8_t *payload, size_t len, size_t fault, ajp_str *name)
{
    enum { REASON_AT = 3 }; /* behind the type and the status */
    size_t reason = len > REASON_AT ? string_size(payload + REASON_AT, len - REASON_AT) : 0;
    size_t at = REASON_AT + reason + 2;
    struct raw_header h;

    if (reason == 0)
        return false;
    for (; at <= fault && at < len && raw_header_at(payload, len, at, &h); at = h.end) {
        if (fault < h.end) {
            *name = h.name;
            return true;
        }
    }
    return false;
}

static void tell_count(const struct link *l, const uint8_t *payload, const ajp_message *m)
{
    log_event(LEVEL_WARN, "bad_reply_header",
              "worker=%s count=%zu limit=%u reason=\"more than limits.reply_header_count\"",
              l->worker->settings->name.ptr, word_at(payload + m->fault),
              l->pools->generation->settings->limits.reply_header_count);
}

static void tell_packet(const struct link *l, const uint8_t *in, size_t len, ajp_status st)
{
    char detail[BAD_PACKET_TEXT];

    log_event(LEVEL_WARN, "bad_packet", "worker=%s reason=\"%s\"", l->worker->settings->name.ptr,
              bad_packet_text(detail, st, in, len, l->worker->settings->packet_size, true));
}

void odd_reply_tell(const struct link *l, const uint8_t *in, size_t len, const ajp_message *m,
                    ajp_status st)
{
    ajp_str name;
    const char *reason = st == AJP_ERR_HEADER ? "a header name that HTTP does not allow"
                         : st == AJP_ERR_TEXT ? "a control byte in a header name"
                                              : "Content-Length is no number, or comes twice";

    if (st == AJP_ERR_HEADER_LIMIT && m->kind == AJP_SEND_HEADERS) {
        tell_count(l, in + AJP_HEADER_SIZE, m);
        return;
    }
    if (m->kind == AJP_SEND_HEADERS && l->x != NULL && len >= AJP_HEADER_SIZE &&
        (st == AJP_ERR_HEADER || st == AJP_ERR_TEXT || st == AJP_ERR_LENGTH) &&
        odd_reply_find(in + AJP_HEADER_SIZE, len - AJP_HEADER_SIZE, m->fault, &name))
        tell(l, "bad_reply_header", name, reason);
    else
        tell_packet(l, in, len, st);
}
