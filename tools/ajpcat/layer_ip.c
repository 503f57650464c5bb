/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4, IPv6 and TCP. */
#include "layers.h"

enum {
    PROTO_ICMP = 1,
    PROTO_IPV4 = 4,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_IPV6 = 41,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_GRE = 47,
    PROTO_ESP = 50,
    PROTO_AH = 51,
    PROTO_ICMPV6 = 58,
    PROTO_OPTIONS = 60,
    PROTO_ETHERIP = 97,
    PROTO_SCTP = 132,
    PROTO_MOBILITY = 135,
    PROTO_MPLS = 137,
    MAX_EXTENSIONS = 8,
    MORE_FRAGMENTS = 0x2000,
    FRAGMENT_OFFSET = 0x1fff
};

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

/* What IP carries that is no TCP. */
static bool other_transport(struct dissector *d, struct bytes b, uint8_t protocol)
{
    if (++d->depth > LAYERS_MAX)
        return layer_is(d, "too many layers");
    switch (protocol) {
    case PROTO_UDP:
        return layer_udp(d, b);
    case PROTO_GRE:
        return layer_gre(d, b);
    case PROTO_IPV4:
        return layer_ipv4(d, b);
    case PROTO_IPV6:
        return layer_ipv6(d, b);
    case PROTO_MPLS:
        return layer_mpls(d, b);
    case PROTO_ETHERIP:
        skip(&b, 2);
        return layer_ethernet(d, b);
    case PROTO_ESP:
        return layer_is(d, "encrypted IP (ESP)");
    case PROTO_ICMP:
    case PROTO_ICMPV6:
        return layer_is(d, "ICMP");
    case PROTO_SCTP:
        return layer_is(d, "SCTP");
    default:
        return layer_is_number(d, "IP protocol", protocol);
    }
}

static bool transport(struct dissector *d, struct bytes b, uint8_t protocol)
{
    if (protocol == PROTO_AH) { /* signed, not encrypted */
        protocol = get8(&b, 0);
        skip(&b, (get8(&b, 1) + 2u) * 4);
    }
    if (b.short_of)
        return false;
    return protocol == PROTO_TCP ? tcp(b, d->out) : other_transport(d, b, protocol);
}

static bool fragment(struct dissector *d, struct bytes b, uint8_t protocol, uint32_t id,
                     size_t offset, bool more)
{
    const struct segment *s = d->out;
    struct fragment_key key = {.id = id, .protocol = protocol, .is_v6 = s->from.is_v6};
    struct bytes whole;
    memcpy(key.from, s->from.address, sizeof key.from);
    memcpy(key.to, s->to.address, sizeof key.to);
    if (b.short_of || ++d->depth > LAYERS_MAX ||
        !fragments_add(d->fragments, &key, &b, offset, more, d->time_ns, &whole))
        return layer_is(d, "IP fragments");
    return transport(d, whole, protocol);
}

bool layer_ipv4(struct dissector *d, struct bytes b)
{
    struct segment *out = d->out;
    size_t head = (size_t)(get8(&b, 0) & 15) * 4;
    size_t total = get16(&b, 2);
    unsigned part = get16(&b, 6);
    bool whole = !(part & (MORE_FRAGMENTS | FRAGMENT_OFFSET));
    uint8_t protocol = get8(&b, 9);
    uint16_t id = whole ? 0 : get16(&b, 4);
    if (b.len < 20 || head < 20)
        return false;
    memset(&out->from, 0, sizeof out->from);
    memset(&out->to, 0, sizeof out->to);
    memcpy(out->from.address, b.at + 12, 4);
    memcpy(out->to.address, b.at + 16, 4);
    if (total >= head) /* 0: left to the network card, the frame's length is right */
        limit(&b, total);
    skip(&b, head);
    if (whole && protocol == PROTO_TCP)
        return !b.short_of && tcp(b, out);
    if (whole)
        return transport(d, b, protocol);
    return fragment(d, b, protocol, id, (size_t)(part & FRAGMENT_OFFSET) * 8,
                    part & MORE_FRAGMENTS);
}

static bool is_extension(uint8_t next)
{
    return next == 0 || next == PROTO_ROUTING || next == PROTO_AH || next == PROTO_OPTIONS ||
           next == PROTO_MOBILITY;
}

bool layer_ipv6(struct dissector *d, struct bytes b)
{
    struct segment *out = d->out;
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
        size_t size = next == PROTO_AH ? (get8(&b, 1) + 2u) * 4 : (get8(&b, 1) + 1u) * 8;
        next = get8(&b, 0);
        skip(&b, size);
    }
    if (next == PROTO_FRAGMENT) {
        unsigned part = get16(&b, 2);
        uint32_t id = get32(&b, 4);
        next = get8(&b, 0);
        skip(&b, 8);
        if (part & 0xfff9)
            return fragment(d, b, next, id, part & 0xfff8, part & 1);
    }
    return transport(d, b, next);
}

bool layer_ip(struct dissector *d, struct bytes b)
{
    uint8_t version = get8(&b, 0) >> 4;
    if (b.short_of)
        return false;
    return version == 4 ? layer_ipv4(d, b) : version == 6 ? layer_ipv6(d, b) : layer_is(d, "no IP");
}
