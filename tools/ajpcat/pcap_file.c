/* SPDX-License-Identifier: Apache-2.0 */
/* Plain pcap, version 2.4, in both byte orders and both resolutions of time. */
#include "pcap_file.h"

#include <pcap/dlt.h>
#include <string.h>

enum {
    FILE_HEAD = 24,
    RECORD_HEAD = 16,
    FRAME_MAX = 262144,         /* as libpcap has it */
    LINKTYPE_ATM_RFC1483 = 100, /* the numbers in files that differ from the DLT */
    LINKTYPE_RAW = 101,
};

static uint32_t get32(const struct pcap_file *f, const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return f->swapped ? __builtin_bswap32(v) : v;
}

/* The magic number tells the byte order and the resolution of time. */
static bool take_magic(struct pcap_file *f, const uint8_t *head)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        f->swapped = swapped;
        uint32_t magic = get32(f, head);
        f->nano = magic == 0xa1b23c4d;
        if (f->nano || magic == 0xa1b2c3d4)
            return true;
    }
    return false;
}

static bool is_version_2_4(const struct pcap_file *f, const uint8_t *head)
{
    uint16_t v[2];
    memcpy(v, head + 4, sizeof v);
    return f->swapped ? v[0] == 0x200 && v[1] == 0x400 : v[0] == 2 && v[1] == 4;
}

int pcap_link_type(uint32_t number)
{
    return number == LINKTYPE_RAW           ? DLT_RAW
           : number == LINKTYPE_ATM_RFC1483 ? DLT_ATM_RFC1483
                                            : (int)number;
}

bool pcap_file_begin(struct pcap_file *f, struct input *in)
{
    const uint8_t *head = input_need(in, FILE_HEAD);
    *f = (struct pcap_file){.in = in};
    if (!head || !take_magic(f, head) || !is_version_2_4(f, head))
        return false;
    uint32_t link_type = get32(f, head + 20);
    if (link_type > UINT16_MAX) /* more than a type: the length of a checksum behind each frame */
        return false;
    f->link_type = pcap_link_type(link_type);
    f->taken = FILE_HEAD;
    return true;
}

enum pcap_result pcap_file_next(struct pcap_file *f, struct pcap_record *out, const char **why)
{
    input_take(f->in, f->taken);
    f->taken = 0;
    const uint8_t *head = input_need(f->in, RECORD_HEAD);
    if (!head && f->in->error == 0 && f->in->to == f->in->from)
        return PCAP_END;
    uint32_t len = head ? get32(f, head + 8) : 0;
    if (len > FRAME_MAX) {
        *why = "a frame of impossible length";
        return PCAP_BROKEN;
    }
    head = head ? input_need(f->in, RECORD_HEAD + (size_t)len) : NULL;
    if (!head) {
        *why = f->in->error ? strerror(f->in->error) : "the file ends within a frame";
        return PCAP_BROKEN;
    }
    *out = (struct pcap_record){.frame = head + RECORD_HEAD,
                                .len = len,
                                .wire_len = get32(f, head + 12),
                                .link_type = f->link_type,
                                .time_ns = get32(f, head) * UINT64_C(1000000000) +
                                           get32(f, head + 4) * (f->nano ? UINT64_C(1) : 1000)};
    f->taken = RECORD_HEAD + (size_t)len;
    return PCAP_RECORD;
}
