/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange as a capture shows it: a request with its response, or a CPing with its CPong; or a
 * stray, which is what has no place in any of those; or a connection on which no AJP came; or an
 * answer whose request is not in the capture. */
#ifndef AJPCAT_EXCHANGE_H
#define AJPCAT_EXCHANGE_H

#include "dissect.h"
#include "text.h"

#include <ajp/ajp.h>

/* Where something was seen. */
struct place {
    bool from_client;
    uint64_t offset; /* in its direction's stream */
    uint64_t frame;  /* 0: not of a capture */
};

struct problem {
    struct place at;
    char *text;
};

struct quirk {
    unsigned number;
    uint64_t frame; /* where it was seen first */
};

/* Why there is no answer, or no whole one. */
struct ending {
    enum {
        ENDING_NONE, /* there is one, or it is not known */
        ENDING_CAPTURE,
        ENDING_CLOSED,
        ENDING_RESET,
        ENDING_REFUSED, /* the connection, by a reset */
        ENDING_SILENT   /* nothing came back to its SYN */
    } how;
    bool by_client;
    uint64_t frame, ns; /* of the close, or when the capture ends; frame 0: none */
};

/* Bytes of a body. */
struct body_sum {
    uint64_t bytes;
    uint32_t crc32;
    bool damaged;     /* zeros stand in for some that were not captured */
    bool gaps;        /* others may be missing */
    struct text kept; /* the first of them, when the view wants bodies */
};

struct exchange {
    enum {
        EXCHANGE_REQUEST,
        EXCHANGE_CPING,
        EXCHANGE_STRAY,
        EXCHANGE_CONNECTION,
        EXCHANGE_ANSWER
    } kind;
    uint64_t connection, index;
    struct peer client, server;
    /* Texts of the request; NULL where the wire had null or nothing. */
    char *method, *uri, *query, *protocol, *route;
    struct text request_head, response_head; /* the packets, for views that show fields */
    uint16_t status;                         /* 0: unanswered */
    struct body_sum request, response;
    int64_t response_announced;
    struct quirk *quirks; /* each number once */
    size_t quirk_count;
    uint64_t session_hash; /* of the session id, 0: none */
    int64_t announced;     /* the request's Content-Length, -1: none */
    unsigned owed;         /* body packets the client has still to send */
    uint16_t wanted;       /* bytes of body asked for last, 0: not yet */
    bool chunked;          /* the request has a Transfer-Encoding */
    bool complete, reuse;
    bool torn;                                  /* bytes were lost since it began */
    struct ending ending;                       /* of one that is not complete */
    const char *speech;                         /* what came in place of AJP, NULL: nothing else */
    uint64_t frame, start_ns, first_ns, end_ns; /* 0: did not happen */
    struct problem *problems;
    size_t problem_count;
    struct text detail;           /* the messages, as the view renders them */
    bool final;                   /* nothing can be added any more */
    bool shown;                   /* out of the ledger already, which was full */
    struct exchange *next, *prev; /* in the ledger */
    struct exchange *next_in_connection;
};

/* "request", "cping", "stray", "connection" or "answer". */
const char *exchange_kind(const struct exchange *e);
/* Whether it may have a status: a request, or an answer alone. */
static inline bool exchange_is_http(const struct exchange *e)
{
    return e->kind == EXCHANGE_REQUEST || e->kind == EXCHANGE_ANSWER;
}

void exchange_problem(struct exchange *e, struct place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether all of it was captured. announced: its Content-Length, -1: none. */
bool body_is_whole(const struct body_sum *b, int64_t announced);

/* What a view wants of bodies. */
struct body_need {
    size_t keep; /* bytes of each */
    bool crc32;
};
void body_sum_add(struct body_sum *b, const uint8_t *bytes, size_t len,
                  const struct body_need *need);

/* All exchanges not yet shown, in the order of their first bytes. */
struct ledger {
    struct exchange *first, *last;
    size_t count;
    uint64_t barrier; /* exchanges of this frame and later may still get one before them */
    bool at_once;     /* show what is answered, do not wait for what may follow it */
    void *user;
    void (*show)(void *user, const struct exchange *e);
};

void ledger_release(struct ledger *l);
/* A new exchange at its place. */
struct exchange *ledger_begin(struct ledger *l, uint64_t frame);
/* Nothing will be added to e: shows and frees what is final at the front. e may be gone after. */
void ledger_finish(struct ledger *l, struct exchange *e);

#endif
