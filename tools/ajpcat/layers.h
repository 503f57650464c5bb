/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of a frame, which may be stacked in any order: dissect.c begins, layer_link.c knows
 * what is recorded, layer_ether.c what is on Ethernet, layer_ip.c IP, layer_tunnel.c what carries
 * other frames. Each takes what stands behind its head and says whether a TCP segment came of it;
 * if not, it names what it is. */
#ifndef AJPCAT_LAYERS_H
#define AJPCAT_LAYERS_H

#include "bytes.h"
#include "dissect.h"
#include "fragments.h"
#include "tally.h"

enum {
    ETHER_IPV4 = 0x0800,
    ETHER_ARP = 0x0806,
    ETHER_BRIDGED = 0x6558,
    ETHER_VLAN = 0x8100,
    ETHER_PPP = 0x880b,
    ETHER_IPV6 = 0x86dd,
    ETHER_MPLS = 0x8847,
    ETHER_MPLS_UPSTREAM = 0x8848,
    ETHER_PPPOE = 0x8864,
    LAYERS_MAX = 12, /* tunnels in each other */
    KIND_TEXT = 32
};

struct dissector {
    struct segment *out;
    struct fragments *fragments;
    uint64_t time_ns;
    unsigned depth;
    char kind[KIND_TEXT]; /* of the frame that is no TCP segment */
    struct tally passed;  /* those frames, by kind */
};

/* False, with the name of what this is. */
bool layer_is(struct dissector *d, const char *kind);
bool layer_is_number(struct dissector *d, const char *kind, unsigned number);

/* By the link types of libpcap. */
bool layer_link(struct dissector *d, int link_type, struct bytes b);

bool layer_ethernet(struct dissector *d, struct bytes b);
/* 802.2. */
bool layer_llc(struct dissector *d, struct bytes b);
/* b stands behind the type word. */
bool layer_ether_type(struct dissector *d, struct bytes b, uint16_t type);
bool layer_ppp(struct dissector *d, struct bytes b);
bool layer_pppoe(struct dissector *d, struct bytes b);
bool layer_mpls(struct dissector *d, struct bytes b);

/* 802.11 without what the card wrote in front. */
bool layer_wifi(struct dissector *d, struct bytes b, bool padded);

bool layer_ip(struct dissector *d, struct bytes b); /* of the version that it says */
bool layer_ipv4(struct dissector *d, struct bytes b);
bool layer_ipv6(struct dissector *d, struct bytes b);

bool layer_gre(struct dissector *d, struct bytes b);
bool layer_udp(struct dissector *d, struct bytes b);

#endif
