/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Turn-taking: who may speak next on a connection, and how much request body. It lets out
 * one body packet for one permission and no more, for a stray one can read as a request to
 * the peer (CVE-2022-26377). */
#ifndef AJP_SESSION_H
#define AJP_SESSION_H
#include <ajp/encode.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Which side of the connection we are. */
typedef enum ajp_role {
    AJP_SERVER,    /**< the web server's: we send requests */
    AJP_CONTAINER, /**< the app server's: we answer them */
    AJP_OBSERVER   /**< neither: we watch both directions go by, as in a capture */
} ajp_role;

/** A body packet that is being streamed in one direction. Private. */
typedef struct ajp_stream {
    uint16_t packet; /**< body bytes in all */
    uint16_t left;   /**< body bytes to come */
    uint16_t tail;   /**< pad and slack after them */
    uint8_t kind;    /**< AJP_DATA or AJP_BODY_CHUNK */
    bool open;       /**< a packet has begun and not ended */
} ajp_stream;

/** The conversation on one connection. It owns no memory, does no I/O and reads no clock;
 * the caller holds it by value. Fields are private. */
typedef struct ajp_session {
    int64_t req_left;     /**< request body bytes to come, -1: unknown */
    ajp_limits lim;       /**< what is accepted */
    ajp_stream stream[2]; /**< by ajp_dir */
    uint16_t grant;       /**< most bytes that the next DATA may hold */
    uint8_t role;         /**< ajp_role */
    uint8_t state;        /**< of the exchange */
    uint8_t owed;         /**< DATA packets promised or asked for, and not begun */
    uint8_t ends;         /**< empty DATA packets of this request so far */
    int8_t error;         /**< the first error received, which sticks */
    bool whole;           /**< the container knows that no more of the body comes */
    bool pinged;          /**< a CPing came within the request, and no CPong */
} ajp_session;

/** Begins a fresh connection; an observer's may be at any point. lim is copied. */
AJP_API void ajp_session_init(ajp_session *s, ajp_role role, const ajp_limits *lim);

/** Takes the next message off in[0..len). Control messages come whole; body messages come
 * in as many parts as the input holds (a last part may be empty, when its pad byte came
 * late). AJP_OK: *m and *used are set. AJP_MORE: read on, nothing was used; in the
 * container's role also: a next request waits, and stays unread until this one ended.
 * Below 0: close the connection; the error sticks, m->kind and m->fault are set. Beside the
 * errors of ajp_frame_next and ajp_decode: AJP_ERR_STATE, the message is out of order or
 * nobody asked for it; AJP_ERR_FLOW, a body breaks what was announced or asked for, or body
 * is asked for after two empty answers. AJP_ERR_ARG: an observer has
 * ajp_session_observe. */
AJP_API AJP_CHECK ajp_status ajp_session_recv(ajp_session *s, const uint8_t *in, size_t len,
                                              size_t *used, ajp_message *m);
/** Bytes that ajp_session_recv must be shown to get on, as far as in[0..len) tells. A
 * buffer of max_packet bytes is always enough. */
AJP_API size_t ajp_session_want(const ajp_session *s, const uint8_t *in, size_t len);

/** Tells the session what is about to be sent, and asks whether it may be. n is the body
 * length of DATA or BODY_CHUNK, the size that GET_BODY asks for, the reuse flag of
 * END_RESPONSE, or the status of SEND_HEADERS (1xx but 101 are interim heads, any other
 * number is the final one). An error means that it must not be sent, and leaves the session
 * as it was: AJP_ERR_STATE, not now; AJP_ERR_FLOW, DATA that is not what was announced and
 * asked for, or a GET_BODY too many; AJP_ERR_SPACE, longer than a packet; AJP_ERR_KIND,
 * not this side's; AJP_ERR_ARG, an observer sends nothing; or the error that sticks. A DATA
 * or BODY_CHUNK that was begun so may leave in any number of writes: the session need not
 * hear of them. CPING goes out on a quiet connection, and once within a request of whose body
 * the container knows that no more comes, by a Content-Length of 0 or an empty DATA (else it
 * could be read as one). A container answers that one when the request is over: a CPONG that
 * ajp_session_recv gives before the END_RESPONSE says that none will follow, and that the
 * connection is of no further use. */
AJP_API AJP_CHECK ajp_status ajp_session_send(ajp_session *s, ajp_kind kind, size_t n);
/** The same for a FORWARD_REQUEST, whose Content-Length decides who speaks next: above 0
 * the first body packet is owed unasked; -1 (no such header) and 0 wait to be asked;
 * AJP_LENGTH_UNSURE lets none through. */
AJP_API AJP_CHECK ajp_status ajp_session_send_request(ajp_session *s, int64_t content_length);

/** Observer: as ajp_session_recv, for bytes seen in one direction. It starts at any point
 * of a connection and never gives up: on error *used says how many bytes the faulty packet
 * or the junk takes (never 0), m->kind and m->fault what it is, a body part is set all the
 * same, and the next call goes on. AJP_ERR_ARG, with *used untouched: no observer. */
AJP_API AJP_CHECK ajp_status ajp_session_observe(ajp_session *s, ajp_dir dir, const uint8_t *in,
                                                 size_t len, size_t *used, ajp_message *m);
/** Observer: bytes of one or both directions were lost (a gap in a capture). Does nothing to
 * the session of another role. */
AJP_API void ajp_session_resync(ajp_session *s);

/** Request body bytes that may go into the next DATA now. 0: not asked for, or the body is
 * at its end: when ajp_session_owed, an empty DATA is the answer. */
AJP_API size_t ajp_session_grant(const ajp_session *s);
/** True while the web server still owes the first, unasked body packet of this request, or
 * the answer to a GET_BODY. */
AJP_API bool ajp_session_owed(const ajp_session *s);
/** Web server: true while a CPING that was sent waits for its CPONG, within a request or after it.
 */
AJP_API bool ajp_session_pinged(const ajp_session *s);
/** True when no exchange is open, nothing is owed and the peer agreed to reuse: the
 * connection may be pooled, as long as no byte arrives on it. */
AJP_API bool ajp_session_idle(const ajp_session *s);

#ifdef __cplusplus
}
#endif
#endif
