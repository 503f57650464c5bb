/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on their way to a file or a pipe that may be slow, full or stuck: a bounded queue, and a
 * thread that alone waits for it. Who puts lines never waits: what finds no room is counted. */
#ifndef ENGINE_BASE_SPOOL_H
#define ENGINE_BASE_SPOOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_STDOUT "-"
#define SPOOL_STDERR "standard error"

/* What is made of losses. The functions are called from any thread, and may put lines into other
 * spools only. */
struct spool_events {
    /* There is room again: gives the length of a line to be put where the lost ones would be, 0
     * for none. */
    size_t (*resumed)(char *line, size_t cap, uint64_t lost);
    /* doing: "write" or "reopen". lost: lines that are gone with it. */
    void (*failed)(const char *path, const char *doing, uint64_t lost, int error);
    _Atomic uint64_t lost; /* lines, for whatever reason */
};

struct spool;

/* One spool for each path, however often it is opened: the first one's room and events count. A
 * FIFO needs no reader. NULL, with errno set. */
struct spool *spool_open(const char *path, size_t room, struct spool_events *events);
/* Whole lines, each with its end: all of them go, or none. Their order is kept, and no line of at
 * most PIPE_BUF bytes is mixed with those of other programs. */
void spool_put(struct spool *spool, const char *lines, size_t len);
/* What is put from now on goes to the file that has the path by then. */
void spool_reopen(struct spool *spool);
/* The last of those who opened it waits until all is written, for patience_ms at most. */
void spool_close(struct spool *spool, unsigned patience_ms);

#endif
