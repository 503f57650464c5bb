/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in front of a frame by the kind of interface that it was recorded on. */
#include "layers.h"

#include <pcap/dlt.h>

/* Heads that hold nothing of interest, and what comes behind them. */
static const struct plain {
    int link_type;
    size_t head;
    bool (*next)(struct dissector *d, struct bytes b);
} plain[] = {
    {DLT_EN10MB, 0, layer_ethernet},
    {DLT_NULL, 4, layer_ip}, /* a family in somebody's byte order: the version tells more */
    {DLT_LOOP, 4, layer_ip},
    {DLT_RAW, 0, layer_ip},
    {DLT_IPV4, 0, layer_ip},
    {DLT_IPV6, 0, layer_ip},
    {DLT_ENC, 12, layer_ip}, /* what IPsec has unpacked */
    {DLT_PPP, 0, layer_ppp},
    {DLT_PPP_SERIAL, 0, layer_ppp},
    {DLT_PPP_PPPD, 1, layer_ppp}, /* the direction */
    {DLT_PPP_ETHER, 0, layer_pppoe},
    {DLT_ATM_RFC1483, 0, layer_llc},
    {DLT_FDDI, 13, layer_llc},
    {DLT_NETANALYZER, 4, layer_ethernet}};

static const struct plain *find_plain(int link_type)
{
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (plain[i].link_type == link_type)
            return &plain[i];
    }
    return NULL;
}

/* Linux cooked. Type 4 is an 802.2 frame. */
static bool cooked(struct dissector *d, struct bytes b, size_t type_at, size_t head)
{
    uint16_t type = get16(&b, type_at);
    skip(&b, head);
    return type == 4 ? layer_llc(d, b) : layer_ether_type(d, b, type);
}

/* The bits say which fields there are; of these, the flags tell of padding. */
static bool radiotap(struct dissector *d, struct bytes b)
{
    enum { TSFT = 1, FLAGS = 2, MORE = 1u << 31, PADDED = 0x20 };
    size_t head = get16_le(&b, 2), at = 4;
    uint32_t present = get32_le(&b, at);
    for (uint32_t word = present; word & MORE && at < head; word = get32_le(&b, at))
        at += 4;
    at += 4;
    if (present & TSFT)
        at = (at + 7) / 8 * 8 + 8;
    bool padded = present & FLAGS && get8(&b, at) & PADDED;
    skip(&b, head);
    return head >= 8 && !b.short_of ? layer_wifi(d, b, padded) : layer_is(d, "radiotap");
}

/* The length of the card's head in somebody's byte order. */
static bool prism(struct dissector *d, struct bytes b)
{
    enum { AVS = 0x80211001, HEAD_MAX = 512 };
    size_t little = get32_le(&b, 4), big = get32(&b, 4);
    skip(&b, little > 0 && little <= HEAD_MAX ? little : big <= HEAD_MAX ? big : HEAD_MAX);
    return layer_wifi(d, b, false);
}

/* Apple's, which says what the interface below it is. */
static bool pktap(struct dissector *d, struct bytes b)
{
    enum { MIN = 12, MAX = 1024 };
    size_t head = get32_le(&b, 0);
    uint32_t link_type = get32_le(&b, 8);
    if (head < MIN || head > MAX) { /* of a machine of the other byte order */
        head = get32(&b, 0);
        link_type = get32(&b, 8);
    }
    skip(&b, head);
    if (head < MIN || head > MAX || b.short_of || link_type > UINT16_MAX)
        return layer_is(d, "PKTAP");
    return layer_link(d, (int)link_type, b);
}

static bool ppi(struct dissector *d, struct bytes b)
{
    size_t head = get16_le(&b, 2);
    uint32_t link_type = get32_le(&b, 4);
    skip(&b, head);
    if (head < 8 || b.short_of || link_type > UINT16_MAX)
        return layer_is(d, "PPI");
    return layer_link(d, (int)link_type, b);
}

/* The firewall's log: fields of length and type, of which the ninth is the packet. */
static bool nflog(struct dissector *d, struct bytes b)
{
    enum { PAYLOAD = 9 };
    skip(&b, 4);
    while (b.len >= 4 && !b.short_of) {
        size_t size = get16_le(&b, 0);
        if (size < 4)
            break;
        if (get16_le(&b, 2) == PAYLOAD) {
            limit(&b, size);
            skip(&b, 4);
            return layer_ip(d, b);
        }
        skip(&b, (size + 3) / 4 * 4);
    }
    return layer_is(d, "NFLOG");
}

static bool pflog(struct dissector *d, struct bytes b)
{
    skip(&b, (get8(&b, 0) + 3u) / 4 * 4);
    return layer_ip(d, b);
}

bool dissect_knows(int link_type)
{
    switch (link_type) {
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_C_HDLC:
    case DLT_IPOIB:
    case DLT_IEEE802_11:
    case DLT_IEEE802_11_RADIO:
    case DLT_PRISM_HEADER:
    case DLT_IEEE802_11_RADIO_AVS:
    case DLT_PKTAP:
    case DLT_PPI:
    case DLT_NFLOG:
    case DLT_PFLOG:
        return true;
    default: /* or one of the table; not USB, Bluetooth, ... */
        return find_plain(link_type) != NULL;
    }
}

static bool other_link(struct dissector *d, int link_type, struct bytes b)
{
    switch (link_type) {
    case DLT_LINUX_SLL:
        return cooked(d, b, 14, 16);
    case DLT_LINUX_SLL2:
        return cooked(d, b, 0, 20);
    case DLT_C_HDLC:
        return cooked(d, b, 2, 4);
    case DLT_IPOIB:
        return cooked(d, b, 40, 44);
    case DLT_IEEE802_11:
        return layer_wifi(d, b, false);
    case DLT_IEEE802_11_RADIO:
        return radiotap(d, b);
    case DLT_PRISM_HEADER:
    case DLT_IEEE802_11_RADIO_AVS:
        return prism(d, b);
    case DLT_PKTAP:
        return pktap(d, b);
    case DLT_PPI:
        return ppi(d, b);
    case DLT_NFLOG:
        return nflog(d, b);
    case DLT_PFLOG:
        return pflog(d, b);
    default: /* dissect_knows says no */
        return layer_is_number(d, "link type", (unsigned)link_type);
    }
}

bool layer_link(struct dissector *d, int link_type, struct bytes b)
{
    if (link_type == DLT_EN10MB) /* nearly all are */
        return layer_ethernet(d, b);
    if (++d->depth > LAYERS_MAX)
        return layer_is(d, "too many layers");
    const struct plain *p = find_plain(link_type);
    if (!p)
        return other_link(d, link_type, b);
    skip(&b, p->head);
    return p->next(d, b);
}
