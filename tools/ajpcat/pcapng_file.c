/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng: blocks of type, length, content and the length again. */
#include "pcapng_file.h"

#include "text.h"

#include <stdlib.h>

enum block {
    SECTION = 0x0a0d0d0a,
    INTERFACE = 1,
    PACKET = 2, /* the obsolete one */
    SIMPLE = 3,
    ENHANCED = 6
};

enum {
    BLOCK_HEAD = 8,
    BLOCK_MIN = 12,
    SECTION_MIN = 28,
    INTERFACE_MIN = 20,
    SIMPLE_HEAD = 12,
    PACKET_HEAD = 28, /* of both others */
    INTERFACES_MAX = 1 << 16,
    OPTION_TIME_UNIT = 9,
    OPTION_TIME_OFFSET = 14
};

static const uint64_t ns_per_s = 1000000000;

static uint32_t get32(const struct pcapng_file *f, const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return f->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t get16(const struct pcapng_file *f, const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return f->swapped ? __builtin_bswap16(v) : v;
}

/* ---- interfaces ---- */

/* Ten or two to the power of the low bits. What no clock has reads as microseconds. */
static void take_unit(struct pcapng_interface *i, uint8_t unit)
{
    unsigned power = unit & 0x7f;
    i->base = unit & 0x80 ? 2 : 10;
    if (power > (i->base == 2 ? 63u : 19u)) {
        i->base = 10;
        power = 6;
    }
    for (i->units = 1; power > 0; power--)
        i->units *= i->base;
}

static void take_options(const struct pcapng_file *f, struct pcapng_interface *i, const uint8_t *p,
                         size_t len)
{
    while (len >= 4) {
        unsigned code = get16(f, p);
        size_t size = get16(f, p + 2), all = 4 + (size + 3) / 4 * 4;
        if (code == 0 || all > len)
            return;
        if (code == OPTION_TIME_UNIT && size == 1)
            take_unit(i, p[4]);
        if (code == OPTION_TIME_OFFSET && size == 8) {
            uint64_t low = get32(f, p + 4), high = get32(f, p + 8);
            i->offset_s = f->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
                              ? low << 32 | high
                              : high << 32 | low;
        }
        p += all;
        len -= all;
    }
}

static void take_interface(struct pcapng_file *f, const uint8_t *block, size_t len)
{
    struct pcapng_interface i = {.link_type = pcap_link_type(get16(f, block + 8)),
                                 .snap = get32(f, block + 12)};
    take_unit(&i, 6);
    take_options(f, &i, block + 16, len - INTERFACE_MIN);
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 4;
        f->interfaces = xrealloc(f->interfaces, f->cap * sizeof *f->interfaces);
    }
    f->interfaces[f->count++] = i;
}

/* ---- packets ---- */

static uint64_t time_of(const struct pcapng_interface *i, uint64_t time)
{
    enum { EXACT = 1 << 30 };
    uint64_t seconds = time / i->units, rest = time % i->units, units = i->units;
    for (; units > (uint64_t)EXACT * 4; units /= i->base) /* finer than is told */
        rest /= i->base;
    return (seconds + i->offset_s) * ns_per_s + rest * ns_per_s / units;
}

static bool take_simple(const struct pcapng_file *f, const uint8_t *block, size_t len,
                        struct pcap_record *out)
{
    const struct pcapng_interface *i = f->interfaces;
    if (f->count == 0 || len < SIMPLE_HEAD + 4)
        return false;
    size_t room = len - SIMPLE_HEAD - 4;
    *out = (struct pcap_record){
        .frame = block + SIMPLE_HEAD, .wire_len = get32(f, block + 8), .link_type = i->link_type};
    out->len = out->wire_len;
    if (i->snap > 0 && out->len > i->snap)
        out->len = i->snap;
    if (out->len > room)
        out->len = room;
    return true;
}

static bool take_packet(const struct pcapng_file *f, const uint8_t *block, size_t len,
                        bool obsolete, struct pcap_record *out)
{
    size_t number = obsolete ? get16(f, block + 8) : get32(f, block + 8);
    if (len < PACKET_HEAD + 4 || number >= f->count)
        return false;
    const struct pcapng_interface *i = &f->interfaces[number];
    *out = (struct pcap_record){
        .frame = block + PACKET_HEAD,
        .len = get32(f, block + 20),
        .wire_len = get32(f, block + 24),
        .time_ns = time_of(i, (uint64_t)get32(f, block + 12) << 32 | get32(f, block + 16)),
        .link_type = i->link_type};
    return out->len <= len - PACKET_HEAD - 4;
}

/* ---- blocks ---- */

static bool take_section(struct pcapng_file *f, const uint8_t *head)
{
    enum { ORDER = 0x1a2b3c4d };
    f->swapped = false;
    f->swapped = get32(f, head + BLOCK_HEAD) != ORDER;
    f->count = 0;
    return get32(f, head + BLOCK_HEAD) == ORDER && get16(f, head + 12) == 1;
}

static bool is_packet(uint32_t type)
{
    return type == PACKET || type == SIMPLE || type == ENHANCED;
}

static enum pcap_result broken(struct pcapng_file *f, const char *why)
{
    f->why = f->in->error ? strerror(f->in->error) : why;
    return PCAP_BROKEN;
}

/* Takes what was looked at; where that is much, it need not be in the buffer at once. */
static bool finish_block(struct pcapng_file *f)
{
    while (f->taken > 0) {
        size_t n = f->taken < INPUT_AT_ONCE / 2 ? (size_t)f->taken : INPUT_AT_ONCE / 2;
        if (!input_need(f->in, n))
            return false;
        input_take(f->in, n);
        f->taken -= n;
    }
    return true;
}

/* The head of the next block, and its length. */
static enum pcap_result look(struct pcapng_file *f, uint32_t *type, uint64_t *len)
{
    if (!finish_block(f))
        return broken(f, "the file ends within a block");
    const uint8_t *head = input_need(f->in, BLOCK_HEAD);
    if (!head && f->in->error == 0 && f->in->to == f->in->from)
        return PCAP_END;
    *type = head ? get32(f, head) : 0;
    if (*type == SECTION) {
        head = input_need(f->in, SECTION_MIN);
        if (head && !take_section(f, head))
            return broken(f, "a section of an unknown version");
    }
    if (!head)
        return broken(f, "the file ends within a block");
    *len = get32(f, head + 4);
    if (*len < BLOCK_MIN || *len % 4 != 0)
        return broken(f, "a block of impossible length");
    return PCAP_RECORD;
}

/* Blocks up to the next packet, which is not taken. */
static enum pcap_result next_packet(struct pcapng_file *f, uint32_t *type, uint64_t *len)
{
    enum pcap_result result;
    while ((result = look(f, type, len)) == PCAP_RECORD && !is_packet(*type)) {
        if (*type == INTERFACE) {
            const uint8_t *block = *len <= INPUT_AT_ONCE ? input_need(f->in, (size_t)*len) : NULL;
            if (!block || *len < INTERFACE_MIN || f->count >= INTERFACES_MAX)
                return broken(f, "an interface that cannot be read");
            take_interface(f, block, (size_t)*len);
        }
        f->taken = *len;
    }
    return result;
}

bool pcapng_file_begin(struct pcapng_file *f, struct input *in)
{
    uint32_t type;
    uint64_t len;
    *f = (struct pcapng_file){.in = in};
    const uint8_t *head = input_need(in, 4);
    if (!head || get32(f, head) != SECTION)
        return false;
    next_packet(f, &type, &len); /* what is wrong is told by the first pcapng_file_next */
    return true;
}

enum pcap_result pcapng_file_next(struct pcapng_file *f, struct pcap_record *out, const char **why)
{
    uint32_t type;
    uint64_t len;
    enum pcap_result result = f->why ? PCAP_BROKEN : next_packet(f, &type, &len);
    if (result == PCAP_RECORD) {
        const uint8_t *block = len <= INPUT_AT_ONCE ? input_need(f->in, (size_t)len) : NULL;
        f->taken = len;
        if (!block)
            result = broken(f, "the file ends within a frame");
        else if (type == SIMPLE ? !take_simple(f, block, (size_t)len, out)
                                : !take_packet(f, block, (size_t)len, type == PACKET, out))
            result = broken(f, "a frame of impossible length");
    }
    *why = f->why;
    return result;
}

void pcapng_file_end(struct pcapng_file *f)
{
    free(f->interfaces);
    f->interfaces = NULL;
}
