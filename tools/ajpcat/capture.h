/* SPDX-License-Identifier: Apache-2.0 */
/* Where segments come from: pcap files, what else libpcap reads, or AJP packets as hex text. */
#ifndef AJPCAT_CAPTURE_H
#define AJPCAT_CAPTURE_H

#include "dissect.h"

struct capture;

/* "-" is standard input. NULL: *why says what was wrong (static or until the next call). */
struct capture *capture_open(const char *path, const char **why);

/* Listens on a network interface. */
struct capture *capture_live(const char *interface, const char **why);

/* Whether it may go on for ever, as an interface or a pipe may; then it ends by capture_stop, which
 * a signal handler may call. */
bool capture_is_endless(const struct capture *c);
void capture_stop(struct capture *c);

/* Has idle called whenever nothing more is there yet: on an interface, in a pipe, from a tap. */
void capture_on_idle(struct capture *c, void (*idle)(void *user), void *user);

enum capture_result { CAPTURE_SEGMENT, CAPTURE_END, CAPTURE_BROKEN };
/* The next TCP segment; frames that hold none are passed over. The segment's data is valid until
 * the next call. CAPTURE_BROKEN: the file ends in the middle, *why tells. */
enum capture_result capture_next(struct capture *c, struct segment *out, const char **why);

/* Frames read so far, TCP or not. */
uint64_t capture_frames(const struct capture *c);
/* What they were, when all are read: "12 of TCP, 3 of ARP". */
void capture_tell(struct capture *c, struct text *out);
/* Bytes read of the file, and its size (0: not known). */
uint64_t capture_bytes(const struct capture *c);
uint64_t capture_size(const struct capture *c);
void capture_close(struct capture *c);

#endif
