/* SPDX-License-Identifier: Apache-2.0 */
/* What the session's files share: events, credit, and the streaming of bodies. */
#ifndef AJP_SESSION_CORE_H
#define AJP_SESSION_CORE_H
#include "decode.h"
#include "session_table.h"

/* After two empty answers a container has no reason to ask again. */
enum { MOST_ENDS = 2 };

/* Most body bytes that fit a DATA packet. */
size_t ajp_in_most_data(const ajp_session *s);

/* Lets an event happen, or refuses it and leaves the session as it was. n is the
 * length of DATA, the size of GET_BODY, or the Content-Length of a request. */
ajp_status ajp_in_session_step(ajp_session *s, enum session_event ev, int64_t n);

/* The event that a whole message is. */
enum session_event ajp_in_event_of(const ajp_message *m);

/* The four bytes in front of a payload of *n bytes, in one direction. */
ajp_status ajp_in_head_of(const ajp_session *s, ajp_dir dir, const uint8_t *in, size_t len,
                          uint16_t *n);

/* Looks at the head of a body packet with a payload of n bytes: AJP_OK when its
 * first part can be taken, and then *head says how many bytes come before it. */
ajp_status ajp_in_peek_body(const ajp_session *s, ajp_message *m, const uint8_t *in, size_t len,
                            uint16_t n, struct body_shape *shape, size_t *head);
void ajp_in_open_stream(ajp_session *s, ajp_dir dir, const ajp_message *m,
                        const struct body_shape *shape);

/* Takes the next part of the open packet; *used grows by what it takes. */
ajp_status ajp_in_stream_part(ajp_session *s, ajp_dir dir, const uint8_t *in, size_t len,
                              size_t *used, ajp_message *m);

#endif
