/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files and hex text. The first bytes tell which of them it is. */
#include "capture.h"

#include "hex_source.h"
#include "pcap_file.h"
#include "pcapng_file.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct capture {
    struct input input;
    enum { FROM_PCAP, FROM_PCAPNG, FROM_LIBPCAP, FROM_HEX } from;
    struct dissector *dissector;
    struct pcap_file records;
    struct pcapng_file blocks;
    pcap_t *pcap;
    int link_type;
    bool nano; /* libpcap's times are nanoseconds in place of microseconds */
    volatile sig_atomic_t stopped;
    uint64_t frames;
    struct hex_source hex;
    char error[PCAP_ERRBUF_SIZE];
};

static bool is_for_libpcap(struct input *in)
{
    enum { MAGIC = 4 };
    static const uint8_t magics[][MAGIC] = {{0xa1, 0xb2, 0xc3, 0xd4}, {0xd4, 0xc3, 0xb2, 0xa1},
                                            {0xa1, 0xb2, 0x3c, 0x4d}, {0x4d, 0x3c, 0xb2, 0xa1},
                                            {0xa1, 0xb2, 0xcd, 0x34}, {0x34, 0xcd, 0xb2, 0xa1}};
    const uint8_t *p = input_need(in, MAGIC);
    for (size_t i = 0; p && i < sizeof magics / sizeof *magics; i++) {
        if (memcmp(p, magics[i], MAGIC) == 0)
            return true;
    }
    return false;
}

/* What unpacks the file, NULL: it is not packed. */
static const char *unpacker(struct input *in)
{
    static const struct {
        uint8_t magic[4];
        size_t len;
        const char *program;
    } kinds[] = {{{0x1f, 0x8b}, 2, "zcat"},
                 {{0xfd, '7', 'z', 'X'}, 4, "xzcat"},
                 {{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstdcat"},
                 {{'B', 'Z', 'h'}, 3, "bzcat"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const uint8_t *p = input_need(in, kinds[i].len);
        if (p && memcmp(p, kinds[i].magic, kinds[i].len) == 0)
            return kinds[i].program;
    }
    return NULL;
}

static bool is_for_text(int byte)
{
    return byte >= ' ' || byte == '\t' || byte == '\r';
}

/* A packet may be one long line; what is no text at all is not read to its end. */
static bool read_hex(struct capture *c, FILE *file)
{
    struct hex_text *t = &c->hex.text;
    struct text line = {0};
    int byte = '\n';
    bool is_text = true;
    while (is_text && byte != EOF) {
        text_clear(&line);
        text_str(&line, "");
        while ((byte = getc_unlocked(file)) != EOF && is_for_text(byte))
            text_byte(&line, (char)byte);
        is_text = byte == EOF || byte == '\n';
        hex_text_add(t, is_text ? line.at : "?");
    }
    text_free(&line);
    if (!hex_text_end(t) || !is_text) {
        snprintf(c->error, sizeof c->error,
                 "line %u: expected a pcap or pcapng file, or AJP packets as hex",
                 is_text ? t->other_line : t->line);
        return false;
    }
    hex_source_begin(&c->hex);
    if (c->input.error)
        snprintf(c->error, sizeof c->error, "%s", strerror(c->input.error));
    return c->input.error == 0;
}

static bool has_known_link(struct capture *c)
{
    if (dissect_knows(c->link_type))
        return true;
    const char *name = pcap_datalink_val_to_description(c->link_type);
    snprintf(c->error, sizeof c->error, "link type %d (%s) is not one that AJP is carried on",
             c->link_type, name ? name : "unknown");
    return false;
}

/* Frames of other kinds beside those are passed over. */
static bool has_known_interface(struct capture *c)
{
    for (size_t i = 0; i < c->blocks.count; i++) {
        c->link_type = c->blocks.interfaces[i].link_type;
        if (dissect_knows(c->link_type))
            return true;
    }
    return c->blocks.count == 0 || has_known_link(c);
}

/* The file belongs to libpcap afterwards. */
static bool open_libpcap(struct capture *c, FILE *file)
{
    c->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, c->error);
    if (!c->pcap) {
        fclose(file);
        return false;
    }
    c->from = FROM_LIBPCAP;
    c->nano = true;
    c->link_type = pcap_datalink(c->pcap);
    return has_known_link(c);
}

static bool open_input(struct capture *c, const char *path)
{
    if (!input_open(&c->input, path)) {
        snprintf(c->error, sizeof c->error, "%s", strerror(c->input.error));
        return false;
    }
    if (pcap_file_begin(&c->records, &c->input)) {
        c->from = FROM_PCAP;
        c->link_type = c->records.link_type;
        return has_known_link(c);
    }
    if (pcapng_file_begin(&c->blocks, &c->input)) {
        c->from = FROM_PCAPNG;
        return has_known_interface(c);
    }
    const char *program = unpacker(&c->input);
    if (program) {
        snprintf(c->error, sizeof c->error, "it is packed: %s FILE | ajpcat ... -", program);
        return false;
    }
    bool other = is_for_libpcap(&c->input);
    FILE *file = input_stream(&c->input);
    if (!file) {
        snprintf(c->error, sizeof c->error, "%s", strerror(errno));
        return false;
    }
    if (other)
        return open_libpcap(c, file);
    c->from = FROM_HEX;
    bool ok = read_hex(c, file);
    fclose(file);
    return ok;
}

struct capture *capture_open(const char *path, const char **why)
{
    static char error[PCAP_ERRBUF_SIZE];
    struct capture *c = xmalloc(sizeof *c);
    memset(c, 0, sizeof *c);
    c->dissector = dissector_new();
    if (open_input(c, path))
        return c;
    memcpy(error, c->error, sizeof error);
    *why = error;
    capture_close(c);
    return NULL;
}

enum { LIVE_SNAP = 262144, LIVE_WAIT_MS = 100, LIVE_BUFFER = 16 << 20 };

/* TCP, fragments, and what may carry it; the last words shift all that stands behind them. */
static const char live_filter[] =
    "tcp or ip[6:2] & 0x3fff != 0 or ip6[6] = 44 or ip proto 4 or ip proto 41 or ip proto 47 or "
    "ip proto 51 or ip proto 97 or ip proto 137 or ip6 proto 4 or ip6 proto 41 or ip6 proto 47 or "
    "udp dst port 4789 or udp dst port 8472 or udp dst port 4790 or udp dst port 6081 or "
    "udp dst port 6635 or ether proto 0x8847 or ether proto 0x8848 or ether proto 0x8864 or "
    "ether proto 0x8926 or ether proto 0x88e7 or vlan";

static bool activate(struct capture *c)
{
    struct bpf_program tcp;
    pcap_set_snaplen(c->pcap, LIVE_SNAP);
    pcap_set_timeout(c->pcap, LIVE_WAIT_MS);
    pcap_set_immediate_mode(c->pcap, 1);
    pcap_set_buffer_size(c->pcap, LIVE_BUFFER);
    c->nano = pcap_set_tstamp_precision(c->pcap, PCAP_TSTAMP_PRECISION_NANO) == 0;
    int rc = pcap_activate(c->pcap);
    if (rc < 0) {
        const char *more = pcap_geterr(c->pcap);
        snprintf(c->error, sizeof c->error, "%s", *more ? more : pcap_statustostr(rc));
        return false;
    }
    c->link_type = pcap_datalink(c->pcap);
    if (!has_known_link(c))
        return false;
    /* Not all link types know VLANs, MPLS or PPPoE: then all that comes is looked at. */
    if (pcap_compile(c->pcap, &tcp, live_filter, 1, PCAP_NETMASK_UNKNOWN) == 0) {
        pcap_setfilter(c->pcap, &tcp);
        pcap_freecode(&tcp);
    }
    return true;
}

struct capture *capture_live(const char *interface, const char **why)
{
    static char error[PCAP_ERRBUF_SIZE];
    struct capture *c = xmalloc(sizeof *c);
    memset(c, 0, sizeof *c);
    c->dissector = dissector_new();
    c->input.fd = c->input.nothing = -1;
    c->from = FROM_LIBPCAP;
    c->pcap = pcap_create(interface, c->error);
    if (c->pcap && activate(c))
        return c;
    memcpy(error, c->error, sizeof error);
    *why = error;
    capture_close(c);
    return NULL;
}

void capture_stop(struct capture *c)
{
    c->stopped = 1;
    input_stop(&c->input);
    if (c->pcap)
        pcap_breakloop(c->pcap);
}

bool capture_is_endless(const struct capture *c)
{
    return input_is_endless(&c->input) || (c->pcap && c->input.fd < 0);
}

void capture_on_idle(struct capture *c, void (*idle)(void *user), void *user)
{
    c->input.idle = idle;
    c->input.idle_user = user;
}

static enum capture_result next_record(struct capture *c, struct segment *out, const char **why)
{
    struct pcap_record r;
    enum pcap_result result;
    while ((result = c->from == FROM_PCAP ? pcap_file_next(&c->records, &r, why)
                                          : pcapng_file_next(&c->blocks, &r, why)) == PCAP_RECORD) {
        c->frames++;
        if (dissect(c->dissector, r.link_type, r.frame, r.len, r.wire_len, r.time_ns, out)) {
            out->frame = c->frames;
            out->time_ns = r.time_ns;
            return CAPTURE_SEGMENT;
        }
    }
    return result == PCAP_END ? CAPTURE_END : CAPTURE_BROKEN;
}

static enum capture_result next_of_libpcap(struct capture *c, struct segment *out, const char **why)
{
    struct pcap_pkthdr *head;
    const u_char *bytes;
    int rc = 0;
    while (!c->stopped && (rc = pcap_next_ex(c->pcap, &head, &bytes)) >= 0) {
        if (rc == 0) { /* nothing came for a while */
            if (c->input.idle)
                c->input.idle(c->input.idle_user);
            continue;
        }
        c->frames++;
        uint64_t time_ns = (uint64_t)head->ts.tv_sec * 1000000000u +
                           (uint64_t)head->ts.tv_usec * (c->nano ? 1 : 1000);
        if (!dissect(c->dissector, c->link_type, bytes, head->caplen, head->len, time_ns, out))
            continue;
        out->frame = c->frames;
        out->time_ns = time_ns;
        return CAPTURE_SEGMENT;
    }
    if (c->stopped || rc == PCAP_ERROR_BREAK)
        return CAPTURE_END;
    *why = pcap_geterr(c->pcap);
    return CAPTURE_BROKEN;
}

enum capture_result capture_next(struct capture *c, struct segment *out, const char **why)
{
    switch (c->from) {
    case FROM_PCAP:
    case FROM_PCAPNG:
        return next_record(c, out, why);
    case FROM_LIBPCAP:
        return next_of_libpcap(c, out, why);
    case FROM_HEX:
        return hex_source_next(&c->hex, c->dissector, out) ? CAPTURE_SEGMENT : CAPTURE_END;
    }
    return CAPTURE_END;
}

uint64_t capture_frames(const struct capture *c)
{
    return c->from == FROM_HEX ? c->hex.frames : c->frames;
}

void capture_tell(struct capture *c, struct text *out)
{
    uint64_t frames = capture_frames(c), tcp = frames - dissector_passed(c->dissector);
    if (tcp > 0)
        text_fmt(out, "%" PRIu64 " of TCP%s", tcp, tcp < frames ? ", " : "");
    dissector_tell(c->dissector, out);
}

uint64_t capture_bytes(const struct capture *c)
{
    return c->input.bytes;
}

uint64_t capture_size(const struct capture *c)
{
    return input_size(&c->input);
}

void capture_close(struct capture *c)
{
    if (!c)
        return;
    if (c->pcap)
        pcap_close(c->pcap); /* and the stream that it reads */
    dissector_free(c->dissector);
    pcapng_file_end(&c->blocks);
    input_close(&c->input);
    hex_source_end(&c->hex);
    free(c);
}
