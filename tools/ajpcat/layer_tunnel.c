/* SPDX-License-Identifier: Apache-2.0 */
/* Frames within IP packets: GRE, ERSPAN, VXLAN, Geneve. */
#include "layers.h"

enum { GRE_ERSPAN = 0x88be, GRE_ERSPAN_3 = 0x22eb };

/* A switch's copy of a frame; type I has no head at all, and GRE no sequence number then. */
static bool erspan(struct dissector *d, struct bytes b, bool numbered)
{
    if (numbered)
        skip(&b, 8);
    return layer_ethernet(d, b);
}

static bool erspan_3(struct dissector *d, struct bytes b)
{
    enum { MORE = 1, IP = 2 };
    uint16_t word = get16(&b, 10);
    skip(&b, word & MORE ? 20 : 12);
    return (word >> 10 & 31) == IP ? layer_ip(d, b) : layer_ethernet(d, b);
}

bool layer_gre(struct dissector *d, struct bytes b)
{
    enum { CHECKSUM = 0x8000, ROUTING = 0x4000, KEY = 0x2000, NUMBER = 0x1000, ACK = 0x80 };
    unsigned flags = get16(&b, 0), version = flags & 7;
    uint16_t type = get16(&b, 2);
    skip(&b, 4u + (flags & CHECKSUM ? 4 : 0) + (flags & KEY ? 4 : 0) + (flags & NUMBER ? 4 : 0) +
                 (version == 1 && flags & ACK ? 4 : 0));
    if (b.short_of || version > 1 || flags & ROUTING)
        return layer_is(d, "GRE");
    if (type == GRE_ERSPAN)
        return erspan(d, b, flags & NUMBER);
    return type == GRE_ERSPAN_3 ? erspan_3(d, b) : layer_ether_type(d, b, type);
}

/* gpe: the variant that says what it carries. */
static bool vxlan(struct dissector *d, struct bytes b, bool gpe)
{
    enum { HAS_NETWORK = 8, HAS_NEXT = 4, IPV4 = 1, IPV6 = 2, ETHERNET = 3, MPLS = 5 };
    uint8_t flags = get8(&b, 0), next = gpe && flags & HAS_NEXT ? get8(&b, 3) : ETHERNET;
    skip(&b, 8);
    if (b.short_of || !(flags & HAS_NETWORK))
        return layer_is(d, "UDP");
    switch (next) {
    case ETHERNET:
        return layer_ethernet(d, b);
    case IPV4:
    case IPV6:
        return layer_ip(d, b);
    case MPLS:
        return layer_mpls(d, b);
    default:
        return layer_is(d, "VXLAN");
    }
}

static bool geneve(struct dissector *d, struct bytes b)
{
    uint8_t first = get8(&b, 0);
    uint16_t type = get16(&b, 2);
    skip(&b, 8 + (first & 63u) * 4);
    if (b.short_of || first >> 6 != 0)
        return layer_is(d, "UDP");
    return layer_ether_type(d, b, type);
}

bool layer_udp(struct dissector *d, struct bytes b)
{
    enum { VXLAN = 4789, VXLAN_OF_LINUX = 8472, VXLAN_GPE = 4790, GENEVE = 6081, MPLS = 6635 };
    uint16_t to = get16(&b, 2);
    size_t size = get16(&b, 4);
    if (size >= 8)
        limit(&b, size);
    skip(&b, 8);
    switch (to) {
    case VXLAN:
    case VXLAN_OF_LINUX:
    case VXLAN_GPE:
        return vxlan(d, b, to == VXLAN_GPE);
    case GENEVE:
        return geneve(d, b);
    case MPLS:
        return layer_mpls(d, b);
    default:
        return layer_is(d, "UDP");
    }
}
