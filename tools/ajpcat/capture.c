/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files and hex text. The first bytes tell which of them it is. */
#include "capture.h"

#include "hex.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PEEK = 4, LINE = 8192, READ_AT_ONCE = 256 * 1024 };

struct capture {
    pcap_t *pcap; /* NULL: hex text */
    int link_type;
    bool live, nano; /* nanoseconds in place of microseconds */
    volatile sig_atomic_t stopped;
    uint64_t frames, bytes;
    FILE *file;
    uint8_t peeked[PEEK];
    size_t peeked_len, peeked_at;
    int fd;
    struct text hex;
    size_t hex_at;
    uint32_t seq[2];
    bool began[2];
    char error[PCAP_ERRBUF_SIZE];
};

/* Standard input cannot seek, so the bytes looked at are handed out again. */
static ssize_t read_again(void *cookie, char *out, size_t len)
{
    struct capture *c = cookie;
    if (c->peeked_at < c->peeked_len) {
        size_t n = c->peeked_len - c->peeked_at;
        if (n > len)
            n = len;
        memcpy(out, c->peeked + c->peeked_at, n);
        c->peeked_at += n;
        return (ssize_t)n;
    }
    ssize_t n;
    do {
        n = read(c->fd, out, len);
    } while (n < 0 && errno == EINTR);
    c->bytes += n > 0 ? (uint64_t)n : 0;
    return n;
}

static bool peek(struct capture *c)
{
    while (c->peeked_len < PEEK) {
        ssize_t n = read(c->fd, c->peeked + c->peeked_len, PEEK - c->peeked_len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n == 0)
            break;
        if (n > 0)
            c->peeked_len += (size_t)n;
    }
    return true;
}

static bool is_capture(const struct capture *c)
{
    static const uint8_t magics[][PEEK] = {{0xa1, 0xb2, 0xc3, 0xd4}, {0xd4, 0xc3, 0xb2, 0xa1},
                                           {0xa1, 0xb2, 0x3c, 0x4d}, {0x4d, 0x3c, 0xb2, 0xa1},
                                           {0xa1, 0xb2, 0xcd, 0x34}, {0x34, 0xcd, 0xb2, 0xa1},
                                           {0x0a, 0x0d, 0x0d, 0x0a}};
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (c->peeked_len == PEEK && memcmp(c->peeked, magics[i], PEEK) == 0)
            return true;
    }
    return false;
}

static bool read_hex(struct capture *c)
{
    char line[LINE];
    unsigned number = 0;
    while (fgets(line, sizeof line, c->file)) {
        number++;
        if (!hex_line(line, &c->hex)) {
            snprintf(c->error, sizeof c->error,
                     "line %u: expected a pcap or pcapng file, or AJP packets as hex", number);
            return false;
        }
    }
    return true;
}

static bool open_pcap(struct capture *c)
{
    c->pcap =
        pcap_fopen_offline_with_tstamp_precision(c->file, PCAP_TSTAMP_PRECISION_NANO, c->error);
    if (!c->pcap)
        return false;
    c->file = NULL; /* belongs to the pcap now */
    c->nano = true;
    c->link_type = pcap_datalink(c->pcap);
    if (dissect_knows(c->link_type))
        return true;
    snprintf(c->error, sizeof c->error, "link type %d is not one that AJP is carried on",
             c->link_type);
    return false;
}

/* A file, "-", or the tap of a running daemon as unix:PATH. */
static int open_input(const char *path)
{
    if (strcmp(path, "-") == 0)
        return dup(STDIN_FILENO);
    if (strncmp(path, "unix:", 5) != 0)
        return open(path, O_RDONLY | O_CLOEXEC);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path + 5) >= sizeof at.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(at.sun_path, path + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

struct capture *capture_open(const char *path, const char **why)
{
    static char error[PCAP_ERRBUF_SIZE];
    struct capture *c = xmalloc(sizeof *c);
    memset(c, 0, sizeof *c);
    c->fd = open_input(path);
    bool ok = c->fd >= 0 && peek(c);
    if (ok)
        c->file = fopencookie(c, "r", (cookie_io_functions_t){.read = read_again});
    if (c->file)
        setvbuf(c->file, NULL, _IOFBF, READ_AT_ONCE);
    if (!ok || !c->file)
        snprintf(c->error, sizeof c->error, "%s", strerror(errno));
    else if (is_capture(c) ? open_pcap(c) : read_hex(c))
        return c;
    snprintf(error, sizeof error, "%s", c->error);
    *why = error;
    capture_close(c);
    return NULL;
}

enum { LIVE_SNAP = 262144, LIVE_WAIT_MS = 100, LIVE_BUFFER = 16 << 20 };

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
    if (!dissect_knows(c->link_type)) {
        snprintf(c->error, sizeof c->error, "link type %d is not one that AJP is carried on",
                 c->link_type);
        return false;
    }
    /* Not all link types know VLANs: then all that comes is looked at. */
    if (pcap_compile(c->pcap, &tcp, "tcp or (vlan and tcp)", 1, PCAP_NETMASK_UNKNOWN) == 0) {
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
    c->fd = -1;
    c->live = true;
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
    if (c->pcap)
        pcap_breakloop(c->pcap);
}

/* A packet of hex text, dressed up as a segment from the side that its magic tells. */
static enum capture_result next_hex(struct capture *c, struct segment *out)
{
    const uint8_t *p = (const uint8_t *)c->hex.at + c->hex_at;
    size_t left = c->hex.len - c->hex_at;
    if (left == 0)
        return CAPTURE_END;
    bool reply = p[0] == 0x41;
    size_t len = left < 4 ? left : 4u + ((size_t)p[2] << 8 | p[3]);
    if (len > left)
        len = left;
    *out = (struct segment){.seq = c->seq[reply], .flags = TCP_ACK, .data = p, .len = len};
    if (!c->began[reply]) { /* as if the connection began here */
        out->seq--;
        out->flags = c->began[!reply] || reply ? TCP_SYN | TCP_ACK : TCP_SYN;
    }
    c->began[reply] = true;
    out->from = (struct peer){.port = reply ? 8009 : 1};
    out->to = (struct peer){.port = reply ? 1 : 8009};
    out->ack = c->seq[!reply];
    out->frame = ++c->frames;
    c->seq[reply] += (uint32_t)len;
    c->hex_at += len;
    return CAPTURE_SEGMENT;
}

enum capture_result capture_next(struct capture *c, struct segment *out, const char **why)
{
    struct pcap_pkthdr *head;
    const u_char *bytes;
    int rc = 0;
    if (!c->pcap)
        return next_hex(c, out);
    while (!c->stopped && (rc = pcap_next_ex(c->pcap, &head, &bytes)) >= 0) {
        if (rc == 0) /* nothing came for a while */
            continue;
        c->frames++;
        if (!dissect(c->link_type, bytes, head->caplen, head->len, out))
            continue;
        out->frame = c->frames;
        out->time_ns = (uint64_t)head->ts.tv_sec * 1000000000u +
                       (uint64_t)head->ts.tv_usec * (c->nano ? 1 : 1000);
        return CAPTURE_SEGMENT;
    }
    if (c->stopped || rc == PCAP_ERROR_BREAK)
        return CAPTURE_END;
    *why = pcap_geterr(c->pcap);
    return CAPTURE_BROKEN;
}

uint64_t capture_frames(const struct capture *c)
{
    return c->frames;
}

uint64_t capture_bytes(const struct capture *c)
{
    return c->bytes;
}

uint64_t capture_size(const struct capture *c)
{
    struct stat s;
    return c->fd >= 0 && fstat(c->fd, &s) == 0 && S_ISREG(s.st_mode) ? (uint64_t)s.st_size : 0;
}

void capture_close(struct capture *c)
{
    if (!c)
        return;
    if (c->pcap)
        pcap_close(c->pcap);
    if (c->file)
        fclose(c->file);
    if (c->fd >= 0)
        close(c->fd);
    text_free(&c->hex);
    free(c);
}
