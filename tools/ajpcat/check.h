/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat check: questions to a connector, each with a verdict. cmd_check.c asks in order,
 * check_ask.c sends well-formed requests, check_broken.c packets that nobody should take. */
#ifndef AJPCAT_CHECK_H
#define AJPCAT_CHECK_H

#include "client.h"

enum verdict { VERDICT_GOOD, VERDICT_NOTE, VERDICT_WARN, VERDICT_BAD, VERDICT_SKIPPED };
enum { VERDICTS = VERDICT_SKIPPED + 1 };

struct checker {
    struct url url;
    struct address address;
    struct secure_options tls;
    struct text secret; /* empty: none is known */
    int timeout_ms;
    bool json, colour;
    unsigned told[VERDICTS];
    uint16_t normal; /* status of an ordinary request, 0: not known */
    bool silent;     /* it does not answer to CPings */
};

/* A client for it, not connected yet. */
void check_client(const struct checker *k, struct client *c, uint32_t max_packet);

/* advice: what to do about it, NULL when nothing is. */
void check_tell(struct checker *k, enum verdict v, const char *name, const char *advice,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

struct check_question {
    const char *method; /* NULL: GET */
    ajp_str secret;
    const char *const *attributes; /* names and values in turn, ends with NULL */
    size_t size;                   /* fill the packet up to so many bytes */
    size_t body;                   /* so many bytes of it are announced */
    bool no_length;                /* ... or sent chunked instead, without announcing them */
    bool twice;                    /* again on the same connection */
};

enum { CHECK_BODY = 4096 };

struct check_answer {
    enum client_result result;
    struct text why; /* when it failed */
    uint16_t status;
    char reason[64], server[80];
    bool reuse, second; /* the connection was left open; the second request was answered too */
    uint16_t wanted;    /* of the first GET_BODY */
    unsigned unpadded;  /* body chunks without pad byte */
    size_t largest;     /* chunk */
    struct text body;   /* its beginning */
};

void check_ask(struct checker *k, const struct check_question *q, struct check_answer *a);
void check_answer_free(struct check_answer *a);
/* speech: what it answers in place of AJP, NULL: nothing that is known. */
bool check_alive(struct checker *k, double *ms, const char **speech);
/* What it answers to HTTP, as above. */
const char *check_http(struct checker *k);

void check_broken(struct checker *k);

#endif
