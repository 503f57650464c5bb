/* SPDX-License-Identifier: Apache-2.0 */
/* Link, network and transport heads. Everything reads through a cursor that cannot overrun. */
#include "dissect.h"

#include <arpa/inet.h>
#include <pcap/dlt.h>
#include <string.h>

enum {
    ETHER_IPV4 = 0x0800,
    ETHER_IPV6 = 0x86dd,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100,
    PROTO_TCP = 6,
    MAX_TAGS = 4,
    MAX_EXTENSIONS = 8
};

/* What is left of the frame. Reads past the end give zeros and set short_of. */
struct bytes {
    const uint8_t *at;
    size_t len;
    size_t wire; /* length left on the wire, at least len */
    bool short_of;
};

static uint8_t get8(const struct bytes *b, size_t at)
{
    return at < b->len ? b->at[at] : 0;
}

static uint16_t get16(const struct bytes *b, size_t at)
{
    return (uint16_t)(get8(b, at) << 8 | get8(b, at + 1));
}

static uint32_t get32(const struct bytes *b, size_t at)
{
    return (uint32_t)get16(b, at) << 16 | get16(b, at + 2);
}

static void skip(struct bytes *b, size_t n)
{
    if (n > b->len) {
        b->short_of = true;
        n = b->len;
    }
    b->at += n;
    b->len -= n;
    b->wire -= n;
}

static void limit(struct bytes *b, size_t n)
{
    if (n < b->wire)
        b->wire = n;
    if (n < b->len)
        b->len = n;
}

static bool tcp(struct bytes b, struct segment *out)
{
    size_t head = (size_t)(get8(&b, 12) >> 4) * 4;
    if (b.len < 20 || head < 20)
        return false;
    out->from.port = get16(&b, 0);
    out->to.port = get16(&b, 2);
    out->seq = get32(&b, 4);
    out->ack = get32(&b, 8);
    out->flags = get8(&b, 13);
    if (head > b.wire)
        return false;
    if (head > b.len) { /* cut within the options */
        out->data = b.at + b.len;
        out->len = 0;
        out->missing = b.wire - head;
        return true;
    }
    skip(&b, head);
    out->data = b.at;
    out->len = b.len;
    out->missing = b.wire - b.len;
    return true;
}

static bool ipv4(struct bytes b, struct segment *out)
{
    size_t head = (size_t)(get8(&b, 0) & 15) * 4;
    size_t total = get16(&b, 2);
    bool fragment = (get16(&b, 6) & 0x3fff) != 0;
    if (b.len < 20 || head < 20 || fragment || get8(&b, 9) != PROTO_TCP)
        return false;
    memset(&out->from, 0, sizeof out->from);
    memset(&out->to, 0, sizeof out->to);
    memcpy(out->from.address, b.at + 12, 4);
    memcpy(out->to.address, b.at + 16, 4);
    if (total >= head) /* 0: left to the network card, the frame's length is right */
        limit(&b, total);
    skip(&b, head);
    return !b.short_of && tcp(b, out);
}

static bool is_extension(uint8_t next)
{
    return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135;
}

static bool ipv6(struct bytes b, struct segment *out)
{
    size_t payload = get16(&b, 4);
    uint8_t next = get8(&b, 6);
    if (b.len < 40)
        return false;
    out->from = (struct peer){.is_v6 = 1};
    out->to = (struct peer){.is_v6 = 1};
    memcpy(out->from.address, b.at + 8, 16);
    memcpy(out->to.address, b.at + 24, 16);
    skip(&b, 40);
    if (payload > 0)
        limit(&b, payload);
    for (int i = 0; i < MAX_EXTENSIONS && is_extension(next); i++) {
        size_t size = next == 44 ? 8 : next == 51 ? (get8(&b, 1) + 2u) * 4 : (get8(&b, 1) + 1u) * 8;
        if (next == 44 && (get16(&b, 2) & 0xfff9) != 0)
            return false;
        next = get8(&b, 0);
        skip(&b, size);
    }
    return !b.short_of && next == PROTO_TCP && tcp(b, out);
}

static bool by_version(struct bytes b, struct segment *out)
{
    uint8_t version = get8(&b, 0) >> 4;
    return version == 4 ? ipv4(b, out) : version == 6 && ipv6(b, out);
}

/* b stands behind the type word. */
static bool by_ether_type(struct bytes b, uint16_t type, struct segment *out)
{
    for (int i = 0;
         i < MAX_TAGS && (type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD);
         i++) {
        type = get16(&b, 2);
        skip(&b, 4);
    }
    if (b.short_of)
        return false;
    return type == ETHER_IPV4 ? ipv4(b, out) : type == ETHER_IPV6 && ipv6(b, out);
}

bool dissect_knows(int link_type)
{
    switch (link_type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
        return true;
    default: /* radio, USB, ... */
        return false;
    }
}

bool dissect(int link_type, const uint8_t *frame, size_t len, size_t wire_len, struct segment *out)
{
    struct bytes b = {.at = frame, .len = len, .wire = wire_len > len ? wire_len : len};
    uint16_t type = 0;
    switch (link_type) {
    case DLT_EN10MB:
        type = get16(&b, 12);
        skip(&b, 14);
        return by_ether_type(b, type, out);
    case DLT_LINUX_SLL:
        type = get16(&b, 14);
        skip(&b, 16);
        return by_ether_type(b, type, out);
    case DLT_LINUX_SLL2:
        type = get16(&b, 0);
        skip(&b, 20);
        return by_ether_type(b, type, out);
    case DLT_NULL: /* an address family in somebody's byte order: the IP version tells more */
    case DLT_LOOP:
        skip(&b, 4);
        return !b.short_of && by_version(b, out);
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
        return by_version(b, out);
    default: /* dissect_knows says no */
        return false;
    }
}

static char *put_decimal(char *at, unsigned value)
{
    char digits[5];
    unsigned n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

/* Without printf: a line of the default view is for the most part two of these. */
void peer_format(const struct peer *p, char out[PEER_TEXT])
{
    char *at = out;
    if (p->is_v6) {
        *at++ = '[';
        if (inet_ntop(AF_INET6, p->address, at, INET6_ADDRSTRLEN))
            at += strlen(at);
        *at++ = ']';
    }
    for (int i = 0; i < 4 && !p->is_v6; i++) {
        at = put_decimal(at, p->address[i]);
        *at++ = '.';
    }
    if (!p->is_v6)
        at--;
    *at++ = ':';
    *put_decimal(at, p->port) = '\0';
}
