/* SPDX-License-Identifier: Apache-2.0 */
/* The packets of a pcapng file: sections of either byte order, interfaces of different kinds and
 * clocks beside each other, which libpcap refuses. */
#ifndef AJPCAT_PCAPNG_FILE_H
#define AJPCAT_PCAPNG_FILE_H

#include "pcap_file.h"

struct pcapng_interface {
    int link_type;  /* a DLT */
    uint32_t snap;  /* longest frame, 0: any */
    uint64_t units; /* of time in a second: a power of base */
    unsigned base;
    uint64_t offset_s;
};

struct pcapng_file {
    struct input *in;
    bool swapped;
    struct pcapng_interface *interfaces; /* of this section */
    size_t count, cap;
    uint64_t taken; /* length of the block that was looked at last */
    const char *why;
};

/* False: no pcapng, nothing was taken. Reads up to the first packet, so that the interfaces before
 * it are known. */
bool pcapng_file_begin(struct pcapng_file *f, struct input *in);
/* As pcap_file_next. */
enum pcap_result pcapng_file_next(struct pcapng_file *f, struct pcap_record *out, const char **why);
void pcapng_file_end(struct pcapng_file *f);

#endif
