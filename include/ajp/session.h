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

/* The conversation on one connection. It owns no memory, does no I/O and reads
 * no clock; the caller holds it by value. Fields are private. */
typedef struct ajp_session {
    ajp_limits lim;
    int64_t req_left;    /* request body bytes not sent yet, -1: unknown */
    int64_t res_left;    /* response body bytes not sent yet, -1: unknown */
    uint32_t frame_left; /* body bytes left in the frame being streamed */
    uint16_t grant;      /* DATA bytes the container is waiting for */
    uint8_t role, state, owed, flags;
} ajp_session;

AJP_API void ajp_session_init(ajp_session *s, ajp_role role, const ajp_limits *lim);

/* Take the next message off in[0..len). Control messages come whole; body
 * messages come in as many parts as the input holds. AJP_OK: *m and *used are
 * set. AJP_MORE: read on, nothing was used. Below 0: close the connection. */
AJP_API AJP_CHECK ajp_status ajp_session_recv(ajp_session *s, const uint8_t *in, size_t len,
                                              size_t *used, ajp_message *m);
AJP_API size_t ajp_session_want(const ajp_session *s, const uint8_t *in, size_t len);

/* Tell the session what is about to be sent; AJP_ERR_STATE or AJP_ERR_FLOW
 * means it must not be. n is the body length, the GET_BODY size, or reuse. */
AJP_API AJP_CHECK ajp_status ajp_session_send(ajp_session *s, ajp_kind kind, size_t n);
AJP_API AJP_CHECK ajp_status ajp_session_send_request(ajp_session *s, int64_t content_length);
/* A DATA or BODY_CHUNK of n bytes was begun with ajp_session_send; its bytes may
 * then leave in any number of writes: the session need not hear of them. */

/* Observer: as ajp_session_recv, for bytes seen in one direction. AJP_ERR_STATE
 * and the like leave the observer usable: call ajp_session_resync, then go on. */
AJP_API AJP_CHECK ajp_status ajp_session_observe(ajp_session *s, ajp_dir dir, const uint8_t *in,
                                                 size_t len, size_t *used, ajp_message *m);
AJP_API void ajp_session_resync(ajp_session *s);

/* Request body bytes that may go into the next DATA now; 0: not asked for. */
AJP_API size_t ajp_session_grant(const ajp_session *s);
/* Container role: true while the web server still owes the first, unasked body
 * packet of this request, or the answer to a GET_BODY. */
AJP_API bool ajp_session_owed(const ajp_session *s);
/* True when no exchange is open, nothing is owed and the peer agreed to reuse. */
AJP_API bool ajp_session_idle(const ajp_session *s);

#ifdef __cplusplus
}
#endif
#endif
