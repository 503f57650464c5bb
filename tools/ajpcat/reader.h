/* SPDX-License-Identifier: Apache-2.0 */
/* From a capture to exchanges: file -> segments -> streams -> packets -> exchanges. */
#ifndef AJPCAT_READER_H
#define AJPCAT_READER_H

#include "talk.h"

struct reader {
    const char *command; /* for messages: "decode" */
    void *user;
    /* Called for each exchange in order; false: stop reading. */
    bool (*show)(void *user, const struct exchange *e);
    /* Called for each packet of an exchange when it is seen, or NULL. */
    void (*message)(void *user, struct exchange *e, const struct packet *p, const ajp_message *m);
    void (*idle)(void *user); /* nothing more is there yet; may be NULL */
    struct body_need body;    /* what show wants */
    bool keep_heads;
    bool reports_at_end; /* nothing is shown before: on a terminal is room for the progress */
    bool quiet;          /* says nothing about files that cannot be read */
    uint64_t frames;     /* read */
    bool tells_none;     /* says what the frames were, where no exchange was in them */
    uint64_t shown;      /* exchanges */
};

/* Exchanges of a live interface, until SIGINT or SIGTERM; each is shown as soon as it is answered.
 */
int reader_live(struct reader *r, const char *interface);

/* 0, or an exit code after the user was told. What may not end, as a pipe, ends by those signals
 * too. */
int reader_run(struct reader *r, const char *path);

#endif
