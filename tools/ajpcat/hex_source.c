/* SPDX-License-Identifier: Apache-2.0 */
/* Segments out of hex text. */
#include "hex_source.h"

#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

enum { AJP_PORT = 8009, CONTAINER_MAGIC = 0x1234, SERVER_MAGIC = 0x4142 };

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* ---- whole frames ---- */

/* Length of the IP packet that p[0..len) may begin with, 0: it does not. */
static size_t ip_size(const uint8_t *p, size_t len)
{
    if (len >= 20 && p[0] >> 4 == 4 && (p[0] & 15) >= 5) {
        size_t total = get16(p + 2);
        return total >= 20 && p[8] > 0 ? total : 0;
    }
    if (len >= 40 && p[0] >> 4 == 6)
        return 40 + get16(p + 4);
    return 0;
}

static bool is_ip_type(unsigned type)
{
    return type == 0x0800 || type == 0x86dd;
}

/* The link type of a frame by its looks, -1: it is none. size: its length, as far as it is told. */
static int link_of(const uint8_t *p, size_t len, size_t *size)
{
    static const struct {
        int link_type;
        size_t type_at, head;
    } heads[] = {{DLT_EN10MB, 12, 14}, {DLT_LINUX_SLL, 14, 16}, {DLT_LINUX_SLL2, 0, 20}};
    *size = ip_size(p, len);
    if (*size > 0)
        return DLT_RAW;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t head = heads[i].head;
        if (len < head + 20 || !is_ip_type(get16(p + heads[i].type_at)))
            continue;
        *size = head + ip_size(p + head, len - head);
        if (*size > head)
            return heads[i].link_type;
    }
    *size = len;
    if (len > 24 && p[1] == 0 && p[2] == 0 && ip_size(p + 4, len - 4)) /* a family in front */
        return DLT_NULL;
    if (len > 34 && (get16(p + 12) == 0x8100 || get16(p + 12) == 0x8847 || get16(p + 12) == 0x8864))
        return DLT_EN10MB;
    return -1;
}

/* ---- AJP ---- */

/* As if the connection began here: whatever the server has to say is in the text. */
static void greet(struct hex_side *talk, struct segment *out)
{
    out->seq = talk->seq[1]++;
    out->flags = TCP_SYN | TCP_ACK;
    talk->greeted = talk->began[1] = true;
}

static void set_peers(const struct hex_piece *p, bool reply, struct segment *out)
{
    struct peer client = {.port = (uint16_t)(1 + p->talk)}, server = {.port = AJP_PORT};
    *out = (struct segment){
        .from = reply ? server : client, .to = reply ? client : server, .time_ns = p->time_ns};
}

/* A packet, from the side that its magic tells; or all of a piece whose side is known. */
static void next_ajp(struct hex_source *s, const struct hex_piece *p, struct segment *out)
{
    struct hex_side *talk = &s->talks[p->talk];
    const uint8_t *at = (const uint8_t *)p->bytes.at + s->at;
    size_t left = p->bytes.len - s->at, len = left;
    bool reply = p->side >= 0 ? p->side == s->server : at[0] == SERVER_MAGIC >> 8;
    if (p->side < 0 && left >= 4)
        len = 4u + get16(at + 2);
    set_peers(p, talk->greeted ? reply : true, out);
    if (!talk->greeted) {
        greet(talk, out);
        return;
    }
    len = len < left ? len : left;
    out->seq = talk->seq[reply];
    out->flags = TCP_ACK;
    if (!talk->began[reply]) {
        out->seq--;
        out->flags = TCP_SYN;
    }
    talk->began[reply] = true;
    out->ack = talk->seq[!reply];
    out->data = at;
    out->len = len;
    out->missing = len == left ? p->missing : 0;
    out->frame = ++s->frames;
    talk->seq[reply] += (uint32_t)(len + out->missing);
    s->at += len;
}

/* False: no segment in there. */
static bool next_of(struct hex_source *s, const struct hex_piece *p, struct dissector *d,
                    struct segment *out)
{
    const uint8_t *at = (const uint8_t *)p->bytes.at + s->at;
    size_t left = p->bytes.len - s->at, size = 0;
    int link_type = p->missing == 0 ? link_of(at, left, &size) : -1;
    if (link_type < 0) {
        next_ajp(s, p, out);
        return true;
    }
    bool found;
    size = p->dumped || size > left ? left : size;
    s->frames++;
    s->at += size;
    found = dissect(d, link_type, at, size, size, p->time_ns, out);
    out->frame = s->frames;
    out->time_ns = p->time_ns;
    return found;
}

bool hex_source_next(struct hex_source *s, struct dissector *d, struct segment *out)
{
    while (s->piece < s->text.count) {
        const struct hex_piece *p = &s->text.pieces[s->piece];
        if (s->at < p->bytes.len) {
            if (next_of(s, p, d, out))
                return true;
            continue;
        }
        s->piece++;
        s->at = 0;
    }
    return false;
}

/* The first magic tells. */
static int server_side(const struct hex_text *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct hex_piece *p = &t->pieces[i];
        unsigned magic = p->bytes.len >= 2 ? get16((const uint8_t *)p->bytes.at) : 0;
        if (p->side >= 0 && (magic == CONTAINER_MAGIC || magic == SERVER_MAGIC))
            return magic == SERVER_MAGIC ? p->side : !p->side;
    }
    return 1;
}

void hex_source_begin(struct hex_source *s)
{
    size_t n = s->text.talk_count > 0 ? s->text.talk_count : 1;
    s->talks = xmalloc(n * sizeof *s->talks);
    memset(s->talks, 0, n * sizeof *s->talks);
    s->server = server_side(&s->text);
}

void hex_source_end(struct hex_source *s)
{
    hex_text_free(&s->text);
    free(s->talks);
    s->talks = NULL;
}
