/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat replay: requests of a capture, sent again. cmd_replay.c reads the options and sends,
 * replay_request.c writes the requests, replay_compare.c compares the answers. */
#ifndef AJPCAT_REPLAY_H
#define AJPCAT_REPLAY_H

#include "exchange.h"

/* Values of cookies that the new server gave in place of the captured ones. */
struct replay_cookies {
    struct replay_cookie {
        char *before, *after;
    } * at;
    size_t count;
};

/* Appends s with all captured values replaced by new ones. */
void replay_translate(const struct replay_cookies *c, ajp_str s, struct text *out);
void replay_cookies_free(struct replay_cookies *c);

/* The request as it was, but with this secret or none, and with the new server's cookies. */
ajp_status replay_request(const ajp_request *r, const struct replay_cookies *c, ajp_str secret,
                          uint8_t *out, size_t cap, size_t *len);

struct replay_answer {
    bool whole, damaged; /* damaged: its body cannot be compared */
    unsigned status;
    uint64_t bytes;
    uint32_t crc32;
    struct text head; /* the Send Headers payload */
};

struct replay_names {
    const char *names[64];
    size_t count;
};

struct replay_difference {
    char name[40]; /* "status", "body", or a header */
    struct text before, after;
};

enum { REPLAY_DIFFERENCES = 80 };

/* What differs, of status, body and the headers named. Returns the number of differences. */
size_t replay_compare(const struct replay_answer *before, const struct replay_answer *after,
                      const struct replay_names *headers, struct replay_difference *out);
void replay_differences_free(struct replay_difference *d, size_t count);

/* Takes note of cookies that both answers set, to different values. */
void replay_learn(struct replay_cookies *c, const struct replay_answer *before,
                  const struct replay_answer *after);

#endif
