/* SPDX-License-Identifier: Apache-2.0 */
/* The way through the layers of a frame, and what is told of those that hold no TCP. */
#include "layers.h"

#include "text.h"

#include <inttypes.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>

bool layer_is(struct dissector *d, const char *kind)
{
    snprintf(d->kind, sizeof d->kind, "%s", kind);
    return false;
}

bool layer_is_number(struct dissector *d, const char *kind, unsigned number)
{
    snprintf(d->kind, sizeof d->kind, "%s %u", kind, number);
    return false;
}

struct dissector *dissector_new(void)
{
    struct dissector *d = xmalloc(sizeof *d);
    memset(d, 0, sizeof *d);
    d->fragments = fragments_new();
    return d;
}

void dissector_free(struct dissector *d)
{
    if (!d)
        return;
    fragments_free(d->fragments);
    tally_free(&d->passed);
    free(d);
}

/* Nearly all frames are IPv4 on Ethernet: these go past the tables of layers, which is measured. */
static bool begin(struct dissector *d, int link_type, struct bytes b)
{
    enum { HEAD = 14, TYPE_AT = 12 };
    if (link_type != DLT_EN10MB || b.len < HEAD || get16(&b, TYPE_AT) != ETHER_IPV4)
        return layer_link(d, link_type, b);
    skip(&b, HEAD);
    return layer_ipv4(d, b);
}

bool dissect(struct dissector *d, int link_type, const uint8_t *frame, size_t len, size_t wire_len,
             uint64_t time_ns, struct segment *out)
{
    struct bytes b = {.at = frame, .len = len, .wire = wire_len > len ? wire_len : len};
    d->out = out;
    d->time_ns = time_ns;
    d->depth = 0;
    d->kind[0] = '\0';
    fragments_release(d->fragments);
    if (begin(d, link_type, b))
        return true;
    tally_count(&d->passed, d->kind[0] ? d->kind : "frames cut short", 0);
    return false;
}

/* Sorts the table, as nothing is counted after this. */
void dissector_tell(struct dissector *d, struct text *out)
{
    enum { KINDS = 8 };
    tally_sort(&d->passed, 0);
    for (size_t i = 0; i < d->passed.count && i < KINDS; i++)
        text_fmt(out, "%s%" PRIu64 " of %s", i > 0 ? ", " : "", d->passed.rows[i].count,
                 d->passed.rows[i].name);
    if (d->passed.count > KINDS)
        text_fmt(out, ", %zu other kinds", d->passed.count - KINDS);
}

uint64_t dissector_passed(const struct dissector *d)
{
    uint64_t n = 0;
    for (size_t i = 0; i < d->passed.count; i++)
        n += d->passed.rows[i].count;
    return n;
}
