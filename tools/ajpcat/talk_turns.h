/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that pair packets into exchanges: talk.c opens and closes those, talk_client.c
 * and talk_server.c say what a packet of either side does to them. */
#ifndef AJPCAT_TALK_TURNS_H
#define AJPCAT_TALK_TURNS_H

#include "talk.h"

void talk_from_client(struct talk *t, const struct packet *p);
void talk_from_server(struct talk *t, const struct packet *p);

/* Where byte `at` of a packet was seen, its head included. */
struct place talk_place(const struct packet *p, size_t at);
/* Decodes the packet as well as it goes; notes in the exchange what is wrong with it. */
bool talk_decode(struct exchange *e, const struct packet *p, bool data, ajp_message *m);
void talk_tell(struct talk *t, struct exchange *e, const struct packet *p, const ajp_message *m);

/* Whether packets may have been missed that would explain this one: then nobody is to blame. */
bool talk_doubts(const struct talk *t);
/* Notes a quirk that the order of packets shows, unless that is in doubt. */
void talk_quirk(const struct talk *t, struct exchange *e, unsigned number, uint64_t frame);

/* What can be read of a request that is damaged. */
void talk_salvage(struct exchange *e, const struct packet *p);

struct exchange *talk_begin(struct talk *t, const struct packet *p);
void talk_finish(struct talk *t, struct exchange *e);
/* One whose answer is not in the capture. */
void talk_finish_unheard(struct talk *t, struct exchange *e);
/* The CPing that waits longest. */
void talk_finish_cping(struct talk *t);
/* Behind those that are open. */
void talk_append(struct talk *t, struct exchange *e);
/* What is answered and owes nothing is final once something follows it. */
void talk_finish_answered(struct talk *t);
/* The exchange that the container is answering, or NULL. */
struct exchange *talk_answering(const struct talk *t);
/* That, or the last one that is not final. */
struct exchange *talk_any(const struct talk *t);

/* A packet that no exchange has a place for: one of its own, which is shown to people. quirk: 0 is
 * none. Where a request may have been missed nothing is said, since it may belong to that. */
void talk_stray(struct talk *t, const struct packet *p, unsigned quirk, const char *why);

#endif
