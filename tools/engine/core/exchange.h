/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one request. Fronts (towards clients) and backs (towards workers)
 * meet here and only here, through two small tables of functions. */
#ifndef ENGINE_CORE_EXCHANGE_H
#define ENGINE_CORE_EXCHANGE_H

#include "base/rare.h"
#include "core/shard.h"
#include "http/head.h"

struct exchange;

/* What an exchange asks of the client's side. Views given are valid for the call,
 * and until the next settle() where the front borrows them for output. */
struct front_ops {
    void (*reply)(struct exchange *x, const struct reply *r);
    /* A 1xx reply but 100 and 101; the final one follows. NULL: the client has no use for it. */
    void (*interim)(struct exchange *x, const struct reply *r);
    void (*part)(struct exchange *x, const struct part *p);
    void (*flush)(struct exchange *x); /* the app asked that all so far reach the client */
    /* The reply is whole. x is the front's to give back. */
    void (*end)(struct exchange *x);
    /* There will be no (more) reply: answer with status if none was begun, else break
     * the connection off so that the client can tell. x is the front's to give back. */
    void (*fail)(struct exchange *x, uint16_t status);
    /* The worker takes up to max body bytes: hand them over now or as they come, as
     * one packet, or say exchange_body_end. */
    void (*want)(struct exchange *x, uint32_t max);
    /* A run of calls is over: send what has gathered. */
    void (*settle)(struct exchange *x);
};

/* What an exchange asks of the worker's side. */
struct back_ops {
    /* Begin at x->worker. Outcomes arrive by exchange_*, possibly before it returns. */
    void (*start)(struct exchange *x);
    void (*part)(struct exchange *x, const struct part *p);
    void (*body_end)(struct exchange *x);
    void (*settle)(struct exchange *x);
    void (*pause)(struct exchange *x, bool paused); /* the client reads too slowly */
    /* The client is gone: forget x. The worker must not take its body for whole. */
    void (*cancel)(struct exchange *x);
};

/* Fields that fit an exchange; more are rare and cost an allocation. A thousand requests in flight
 * then lie in few pages. */
enum { EXCHANGE_FIELDS = 20 };

struct exchange {
    struct shard *shard;
    const struct front_ops *front;
    void *conn; /* the front's */
    const struct back_ops *back;
    void *link;          /* the back's; NULL: none at work */
    struct pools *began; /* those in force when it began: its front goes by their settings */
    struct pools *pools; /* the same, or those that it was moved to while it waited */
    struct worker *worker;
    struct pick pick;

    struct head head;
    const struct attribute_policy *front_attributes; /* NULL: the listener changes none */
    uint64_t drop_attrs;     /* of head.raw: attributes that do not go on, by index */
    uint32_t max_reply_head; /* AJP bytes that the front's peer takes; 0: any number */
    uint32_t reply_timeout;  /* ms between packets of the reply, by its route; 0: never */
    bool wants_fields;       /* the front needs reply.fields; else reply.raw will do */

    uint64_t number;
    uint32_t attempts;
    bool fresh_only;    /* a pooled link has failed: open a new one */
    bool ask_first;     /* it did not answer: CPing over the new one */
    bool replayed;      /* sent whole once already (R3) */
    bool begun;         /* the front has had a reply */
    bool bodyless;      /* HEAD, 204, 205, 304: whatever the worker sends is dropped */
    bool excess;        /* the worker sent more than it announced */
    bool worker_closes; /* it ended its connection with its reply */
    bool wanted;        /* the worker waits for body bytes */
    bool queued;        /* waits in pools.waiting for a connection */
    bool waited;        /* does, or did: since wait_since */
    bool held;          /* some of that at a silent worker */
    bool packet_open;   /* a body packet has begun and not ended */
    bool unkept;        /* some of the body that went is not in replay */
    bool taking_body;   /* some body bytes have gone to the worker */
    uint16_t status;
    uint16_t packet_left; /* reply bytes of the current packet still to pass on */
    int64_t reply_left;   /* of Content-Length; -1: unknown */
    uint64_t bytes_up, bytes_down;
    uint64_t start_us, first_us; /* first_us: of the reply, 0: none yet */
    const char *reason;          /* why it failed, constant text */
    const uint8_t *end_frame;    /* END_RESPONSE as it came, for front->end; NULL: odd, or none */
    struct field *more_fields;   /* head.fields where they are more than EXCHANGE_FIELDS */

    struct buf *replay, *replay_end; /* body bytes that went to a worker, for another one */
    struct buf *replay_at;           /* next to be sent again; NULL: none */
    uint64_t replay_bytes;
    struct list queue;
    uint64_t wait_since; /* ms, at whichever worker */
    struct deadline queue_deadline;
    struct exchange *next_free;
    ajp_message message; /* front_ajp: what head.raw points into */
    struct field fields[EXCHANGE_FIELDS];
};

/* From the shard's own pool; only the small part is cleared. It sees one generation of settings,
 * whatever comes into force meanwhile. NULL: out of memory. */
struct exchange *exchange_take(struct shard *sh, const struct front_ops *front, void *conn);
void exchange_give(struct exchange *x);
/* Room in shard.parsed. False: out of memory. */
bool exchange_parse_room(struct shard *sh, uint32_t fields);
/* Keep the fields of x->head, which is in shard.parsed, for as long as x lives. */
bool exchange_keep_fields(struct exchange *x);
void exchange_pool_clear(struct shard *sh);

/* --- for fronts --- */

/* TRACE or OPTIONS that may go no further, and was answered here. False: any other; its count of
 * forwards is one lower (ends_here.c). */
bool exchange_ends_here(struct exchange *x);
/* x->head is set: choose a worker and begin. */
void exchange_start(struct exchange *x);
void exchange_body(struct exchange *x, const struct part *p);
void exchange_body_end(struct exchange *x);
void exchange_body_settle(struct exchange *x);
void exchange_pause(struct exchange *x, bool paused);
/* The client is gone, or sent something impossible; reason is for the log. The front
 * still gives x back. */
void exchange_cancel(struct exchange *x, const char *reason);
/* One line in the access log; status: what the client got, 0: nothing. */
void exchange_log(struct exchange *x, uint16_t status);

/* x waits in the queue of a generation that is no longer in force: choose anew. */
void exchange_move(struct exchange *x);
/* x, which waits no longer and was not sent, goes to w: no retry, as nothing was tried. */
void exchange_move_to(struct exchange *x, struct worker *w);

/* --- for backs --- */

/* How an attempt went wrong; what follows is a row of the table in retry.c. */
enum failure {
    FAIL_REFUSED, /* connection refused, unreachable */
    FAIL_CONNECT_TIMEOUT,
    FAIL_CPING_STALE,  /* no CPong on a pooled link */
    FAIL_CPING_FRESH,  /* closed, or a wrong answer, instead of a CPong on a new one */
    FAIL_CPING_SILENT, /* no answer at all on it */
    FAIL_SEND_STALE,   /* the request left in part or not at all, pooled link */
    FAIL_SEND_FRESH,
    FAIL_SILENT_STALE, /* sent whole, closed before a byte came, pooled link */
    FAIL_SILENT_FRESH,
    FAIL_BODY,   /* the worker stopped taking the request's body */
    FAIL_ASKED,  /* closed or malformed after it had asked for the body, and said no more */
    FAIL_BROKEN, /* closed or malformed after some bytes of the reply */
    FAIL_REPLY_TIMEOUT,
    FAIL_UNREACHABLE,   /* sent whole; its machine, or the way to it, has gone since */
    FAIL_DOWN,          /* sent; the worker was found down, and the settings give it up */
    FAIL_LOST,          /* the worker has done with the request, and will not answer */
    FAIL_BAD_REPLY,     /* well framed, but no reply that may be passed on: the app's fault */
    FAIL_TOO_LARGE,     /* the head does not fit the worker's packet */
    FAIL_UNSURE,        /* the body of a request with several lengths was asked for */
    FAIL_APP_503,       /* answered, with 503 */
    FAIL_QUEUE_FULL,    /* too many wait for a connection already */
    FAIL_QUEUE_TIMEOUT, /* none came free in time */
    FAIL_INTERNAL,      /* memory ran out */
    FAIL_COUNT
};

/* Each may end x: look at link->x before going on. */
void exchange_reply(struct exchange *x, const struct reply *r);
void exchange_interim(struct exchange *x, const struct reply *r);
void exchange_part(struct exchange *x, const struct part *p);
void exchange_flush(struct exchange *x);
void exchange_settle(struct exchange *x);
void exchange_want(struct exchange *x, uint32_t max);
/* The back has let go of x already (x->link is NULL). */
void exchange_end(struct exchange *x);
RARE void exchange_failed(struct exchange *x, enum failure how, const char *reason);

/* True when the attempt may be made again somewhere (retry.c). */
struct failure_rule {
    enum worker_outcome outcome;
    uint16_t status; /* for the client */
    uint8_t action;  /* enum retry_action */
};
enum retry_action {
    RETRY_NEVER,
    RETRY_OTHER,      /* at another worker */
    RETRY_FRESH,      /* at the same, on a new link */
    RETRY_SAFE,       /* as RETRY_FRESH, once, where the method allows it */
    RETRY_SAFE_FRESH, /* as RETRY_SAFE_OTHER, and only where the settings say so */
    RETRY_SAFE_OTHER, /* at another worker, once, where the method allows it */
};
const struct failure_rule *failure_rule_of(enum failure how);
bool retry_allowed(struct exchange *x, const struct failure_rule *rule);
/* So it may as far as the budget goes; the client gets 503 where that is what forbids it. */
bool retry_affordable(struct shard *sh);
/* One was made. */
void retry_count(struct shard *sh, struct worker *failed);

/* The kept part of a request's body (replay.c). */
void replay_keep(struct exchange *x, const struct part *p);
/* Begin at its first byte again. */
void replay_rewind(struct exchange *x);
/* The next packet of it to the worker; false: none is left. */
bool replay_send(struct exchange *x, uint32_t max);
void replay_drop(struct exchange *x);

#endif
