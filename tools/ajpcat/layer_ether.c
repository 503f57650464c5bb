/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet and what it carries: VLANs, 802.2, MPLS, PPP; and Wi-Fi, which becomes Ethernet. */
#include "layers.h"

#include <stdio.h>

enum {
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100,
    ETHER_QINQ_OLDER = 0x9200,
    ETHER_VNTAG = 0x8926,
    ETHER_BACKBONE = 0x88e7,
    LENGTH_MAX = 1500, /* what is no more is no type, but the length of an 802.2 frame */
    MAX_TAGS = 4
};

static bool unknown_type(struct dissector *d, uint16_t type)
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {{ETHER_ARP, "ARP"}, {0x8035, "RARP"},   {0x888e, "EAPOL"},
                 {0x88cc, "LLDP"},   {0x88e5, "MACsec"}, {0x8863, "PPPoE discovery"},
                 {0x8137, "IPX"},    {0x8809, "LACP"},   {0x88f7, "PTP"},
                 {0x8906, "FCoE"},   {0x894f, "NSH"},    {0x22f3, "TRILL"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].type == type)
            return layer_is(d, names[i].name);
    }
    snprintf(d->kind, sizeof d->kind, "Ethernet type 0x%04x", type);
    return false;
}

static bool is_vlan(uint16_t type)
{
    return type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD ||
           type == ETHER_QINQ_OLDER;
}

static bool seldom_type(struct dissector *d, struct bytes b, uint16_t type)
{
    switch (type) {
    case ETHER_MPLS:
    case ETHER_MPLS_UPSTREAM:
        return layer_mpls(d, b);
    case ETHER_PPPOE:
        return layer_pppoe(d, b);
    case ETHER_PPP:
        return layer_ppp(d, b);
    case ETHER_BRIDGED:
        return layer_ethernet(d, b);
    case ETHER_BACKBONE: /* provider backbone bridge: a service number, then the whole frame */
        skip(&b, 4);
        return layer_ethernet(d, b);
    default:
        return unknown_type(d, type);
    }
}

bool layer_ether_type(struct dissector *d, struct bytes b, uint16_t type)
{
    for (int i = 0; i < MAX_TAGS && (is_vlan(type) || type == ETHER_VNTAG); i++) {
        size_t tag = type == ETHER_VNTAG ? 6 : 4;
        type = get16(&b, tag - 2);
        skip(&b, tag);
    }
    if (b.short_of)
        return false;
    if (type == ETHER_IPV4)
        return layer_ipv4(d, b);
    if (type == ETHER_IPV6)
        return layer_ipv6(d, b);
    if (++d->depth > LAYERS_MAX)
        return layer_is(d, "too many layers");
    /* The length is not needed, as IP has its own; and it is wrong where a card cuts later. */
    return type > LENGTH_MAX ? seldom_type(d, b, type) : layer_llc(d, b);
}

bool layer_ethernet(struct dissector *d, struct bytes b)
{
    uint16_t type = get16(&b, 12);
    skip(&b, 14);
    return !b.short_of && layer_ether_type(d, b, type);
}

bool layer_llc(struct dissector *d, struct bytes b)
{
    enum { SNAP = 0xaa, IP = 0x06, SPANNING_TREE = 0x42, OSI = 0xfe, UNNUMBERED = 3 };
    enum { NLPID_IPV4 = 0xcc, NLPID_IPV6 = 0x8e };
    uint8_t to = get8(&b, 0) & 0xfe, nlpid = get8(&b, 3);
    uint16_t type = get16(&b, 6);
    uint32_t owner = get32(&b, 2) & 0xffffff;
    bool unnumbered = get8(&b, 2) == UNNUMBERED;
    if (to == SNAP && unnumbered) {
        skip(&b, 8);
        if (owner == 0 || owner == 0xf8) /* Ethernet's types; Apple's and Cisco's are others */
            return !b.short_of && layer_ether_type(d, b, type);
        return layer_is(d, "802.2 SNAP");
    }
    skip(&b, to == OSI ? 4 : 3);
    if (unnumbered && (to == IP || (to == OSI && (nlpid == NLPID_IPV4 || nlpid == NLPID_IPV6))))
        return layer_ip(d, b);
    return layer_is(d, to == SPANNING_TREE ? "spanning tree" : "802.2");
}

static bool is_common_type(uint16_t type)
{
    return type == ETHER_IPV4 || type == ETHER_IPV6 || is_vlan(type);
}

bool layer_mpls(struct dissector *d, struct bytes b)
{
    enum { LABELS_MAX = 16, LAST = 1, CONTROL_WORD = 0 };
    bool last = false;
    for (int i = 0; i < LABELS_MAX && !last && !b.short_of; i++) {
        last = get8(&b, 2) & LAST;
        skip(&b, 4);
    }
    if (!last || b.len == 0 || ++d->depth > LAYERS_MAX)
        return layer_is(d, "MPLS");
    unsigned version = get8(&b, 0) >> 4; /* MPLS does not say what it carries */
    if (version == 4 || version == 6)
        return layer_ip(d, b);
    /* A control word, or an address that begins with zeros. */
    if (version == CONTROL_WORD && !is_common_type(get16(&b, 12)))
        skip(&b, 4);
    return layer_ethernet(d, b);
}

bool layer_ppp(struct dissector *d, struct bytes b)
{
    enum { IPV4 = 0x21, IPV6 = 0x57, MPLS = 0x281, COMPRESSED_TCP = 0x2d, CONTROL = 0x8000 };
    if (get16(&b, 0) == 0xff03) /* address and control, which may be left out */
        skip(&b, 2);
    bool is_short = get8(&b, 0) & 1; /* as may the protocol's first byte */
    uint16_t protocol = is_short ? get8(&b, 0) : get16(&b, 0);
    skip(&b, is_short ? 1 : 2);
    switch (protocol) {
    case IPV4:
        return layer_ipv4(d, b);
    case IPV6:
        return layer_ipv6(d, b);
    case MPLS:
        return layer_mpls(d, b);
    case COMPRESSED_TCP:
        return layer_is(d, "PPP with compressed TCP heads");
    default: /* negotiation, compression, encryption */
        return layer_is(d, protocol >= CONTROL ? "PPP control" : "PPP");
    }
}

bool layer_pppoe(struct dissector *d, struct bytes b)
{
    size_t size = get16(&b, 4);
    bool session = get16(&b, 0) == 0x1100;
    skip(&b, 6);
    if (!session)
        return layer_is(d, "PPPoE");
    limit(&b, size);
    return layer_ppp(d, b);
}

bool layer_wifi(struct dissector *d, struct bytes b, bool padded)
{
    enum { DATA = 2, BOTH_WAYS = 3, QOS = 8, NO_DATA = 4, PROTECTED = 0x40, ORDER = 0x80 };
    enum { AGGREGATED = 0x80, SUBFRAME = 14 };
    unsigned type = get8(&b, 0) >> 2 & 3, subtype = get8(&b, 0) >> 4, flags = get8(&b, 1);
    size_t head = (flags & BOTH_WAYS) == BOTH_WAYS ? 30 : 24;
    if (type != DATA || subtype & NO_DATA)
        return layer_is(d, "Wi-Fi control");
    if (flags & PROTECTED)
        return layer_is(d, "encrypted Wi-Fi");
    bool qos = subtype & QOS;
    bool aggregated = qos && get8(&b, head) & AGGREGATED;
    head += qos ? flags & ORDER ? 6 : 2 : 0;
    skip(&b, padded ? (head + 3) / 4 * 4 : head);
    if (aggregated) { /* several frames in one: the first is looked at */
        limit(&b, SUBFRAME + (size_t)get16(&b, 12));
        skip(&b, SUBFRAME);
    }
    return !b.short_of && layer_llc(d, b);
}
