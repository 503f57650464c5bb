/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a plain pcap file, where they were read: libpcap would copy each twice. */
#ifndef AJPCAT_PCAP_FILE_H
#define AJPCAT_PCAP_FILE_H

#include "input.h"

struct pcap_file {
    struct input *in;
    int link_type;      /* a DLT */
    bool swapped, nano; /* in the other byte order; nanoseconds in place of microseconds */
    size_t taken;       /* length of the record that was handed out last */
};

struct pcap_record {
    const uint8_t *frame;
    size_t len, wire_len;
    uint64_t time_ns;
    int link_type; /* a DLT */
};

/* From the number in a file. */
int pcap_link_type(uint32_t number);

/* False: another format, of which nothing was taken; libpcap may know it. */
bool pcap_file_begin(struct pcap_file *f, struct input *in);

enum pcap_result { PCAP_RECORD, PCAP_END, PCAP_BROKEN };
/* The record is valid until the next call. PCAP_BROKEN: *why tells. */
enum pcap_result pcap_file_next(struct pcap_file *f, struct pcap_record *out, const char **why);

#endif
