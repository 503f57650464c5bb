/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AJP_SESSION_H
#define AJP_SESSION_H
#include <ajp/encode.h>
#ifdef __cplusplus
extern "C" {
#endif

/* AJP_SERVER: we are the web server's side; AJP_CONTAINER: the app server's;
 * AJP_OBSERVER: we watch both directions go by (a capture). */
typedef enum ajp_role { AJP_SERVER, AJP_CONTAINER, AJP_OBSERVER } ajp_role;

/* A body packet that is being streamed in one direction. Private. */
typedef struct ajp_stream {
    uint16_t packet, left, tail; /* body bytes in all and to come; pad and slack after them */
    uint8_t kind;
    bool open;
} ajp_stream;

/* The conversation on one connection. It owns no memory, does no I/O and reads
 * no clock; the caller holds it by value. Fields are private. */
typedef struct ajp_session {
    int64_t req_left; /* request body bytes to come, -1: unknown */
    ajp_limits lim;
    ajp_stream stream[2]; /* by ajp_dir */
    uint16_t grant;       /* most bytes that the next DATA may hold */
    uint8_t role, state;
    uint8_t owed;         /* DATA packets promised or asked for, and not begun */
    uint8_t ends;         /* empty DATA packets of this request so far */
    int8_t error;         /* the first error received, which sticks */
} ajp_session;

AJP_API void ajp_session_init(ajp_session *s, ajp_role role, const ajp_limits *lim);

/* Take the next message off in[0..len). Control messages come whole; body
 * messages come in as many parts as the input holds (a last part may be empty,
 * when its pad byte came late). AJP_OK: *m and *used are set. AJP_MORE: read on,
 * nothing was used; in the container's role also: a next request waits, and stays
 * unread until this one ended. Below 0: close the connection; the error sticks,
 * m->kind and m->fault are set. */
AJP_API AJP_CHECK ajp_status ajp_session_recv(ajp_session *s, const uint8_t *in, size_t len,
                                              size_t *used, ajp_message *m);
/* Bytes that ajp_session_recv must be shown to get on, as far as in[0..len) tells. */
AJP_API size_t ajp_session_want(const ajp_session *s, const uint8_t *in, size_t len);

/* Tell the session what is about to be sent; AJP_ERR_STATE or AJP_ERR_FLOW
 * means it must not be, and leaves the session as it was. n is the body length,
 * the GET_BODY size, the reuse flag, or the status of SEND_HEADERS (1xx but 101
 * are interim heads, any other number is the final one). */
AJP_API AJP_CHECK ajp_status ajp_session_send(ajp_session *s, ajp_kind kind, size_t n);
AJP_API AJP_CHECK ajp_status ajp_session_send_request(ajp_session *s, int64_t content_length);
/* A DATA or BODY_CHUNK of n bytes was begun with ajp_session_send; its bytes may
 * then leave in any number of writes: the session need not hear of them. */

/* Observer: as ajp_session_recv, for bytes seen in one direction. It starts at
 * any point of a connection and never gives up: on error *used says how many
 * bytes the faulty packet or the junk takes (never 0), m->kind and m->fault
 * what it is, a body part is set all the same, and the next call goes on. */
AJP_API AJP_CHECK ajp_status ajp_session_observe(ajp_session *s, ajp_dir dir, const uint8_t *in,
                                                 size_t len, size_t *used, ajp_message *m);
/* Observer: bytes of one or both directions were lost (a gap in a capture). */
AJP_API void ajp_session_resync(ajp_session *s);

/* Request body bytes that may go into the next DATA now; 0: not asked for, or
 * the body is at its end: when ajp_session_owed, an empty DATA is the answer. */
AJP_API size_t ajp_session_grant(const ajp_session *s);
/* True while the web server still owes the first, unasked body packet of this
 * request, or the answer to a GET_BODY. */
AJP_API bool ajp_session_owed(const ajp_session *s);
/* True when no exchange is open, nothing is owed and the peer agreed to reuse. */
AJP_API bool ajp_session_idle(const ajp_session *s);

#ifdef __cplusplus
}
#endif
#endif
