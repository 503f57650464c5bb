/* SPDX-License-Identifier: Apache-2.0 */
/* What the load generator's loop and its two protocols share. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEAD_MAX = 2048, FILL_MAX = 65536 };

/* One keep-alive connection. What it still has to send is seg, then fill bytes of the letter x. */
struct client {
    int fd;
    bool busy, blocked;
    const uint8_t *seg;
    size_t seg_len, fill;
    uint64_t started;
    unsigned asked; /* requests so far */

    /* the answer being read */
    int status;
    size_t got, expect; /* body bytes; expect is SIZE_MAX until told */
    size_t skip;        /* AJP: rest of this packet; HTTP: of this chunk */
    size_t upload_left; /* AJP: not yet asked for */
    bool in_body;       /* HTTP: the head is read */
    enum { CHUNK_NONE, CHUNK_SIZE, CHUNK_DATA, CHUNK_LAST } chunk;
    size_t head_len;
    uint8_t head[HEAD_MAX];
    uint8_t packet_head[6];
};

struct proto {
    void (*prepare)(const char *path, size_t upload); /* once */
    void (*ask)(struct client *c);                    /* sets what to send */
    /* Reads n bytes. Returns NULL, or what is wrong; sets *done at the end of the answer. May set
     * more to send. */
    const char *(*feed)(struct client *c, const uint8_t *p, size_t n, bool *done);
};

extern const struct proto proto_http, proto_ajp;
extern size_t load_packet_size;
extern const char load_cookie[];

/* The browser's request: name, value and AJP code (0: none) of each header. */
struct field {
    const char *name, *value;
    unsigned code;
};
enum { FIELDS = 12 };
extern const struct field load_fields[FIELDS];

/* What the watched processes have used so far. */
struct usage {
    uint64_t cpu_ns, waits, preempted;
};
struct usage watch_read(const char *pids); /* "12,34": sums over their threads */

/* Latencies in steps of an eighth of a power of two of a microsecond. */
struct histogram {
    uint64_t count[512];
};
void histogram_add(struct histogram *h, uint64_t ns);
double histogram_us(const struct histogram *h, double share);

#endif
