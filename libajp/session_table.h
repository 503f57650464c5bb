/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation as one table: which event may come in which state, and where
 * it leads. It is the same whichever side looks; the observer uses its last row
 * to find its place again. A CPing within a request is beside it, see session.c. */
#ifndef AJP_SESSION_TABLE_H
#define AJP_SESSION_TABLE_H
#include <ajp/session.h>

enum session_state {
    REFUSED = 0, /* no state: the event may not come */
    IDLE,        /* nothing open */
    PINGED,      /* a CPing waits for its CPong */
    ASKED,       /* a request went, no final headers came */
    ANSWERED,    /* final headers came */
    ENDED,       /* the response ended for good, a body packet is still owed */
    CLOSED,      /* the container keeps the connection no longer */
    LOST,        /* observer: nothing known yet */
    SESSION_STATES,
};

enum session_event {
    EV_REQUEST,
    EV_DATA,
    EV_CPING,
    EV_CPONG,
    EV_INTERIM,
    EV_HEADERS,
    EV_FLUSH,
    EV_CHUNK,
    EV_GET_BODY,
    EV_END,   /* the connection stays */
    EV_CLOSE, /* End Response without reuse */
    SESSION_EVENTS,
};

static const uint8_t session_table[SESSION_STATES][SESSION_EVENTS] = {
    [IDLE] = {[EV_REQUEST] = ASKED, [EV_CPING] = PINGED},
    [PINGED] = {[EV_CPONG] = IDLE},
    [ASKED] = {[EV_DATA] = ASKED,
               [EV_INTERIM] = ASKED,
               [EV_HEADERS] = ANSWERED,
               [EV_FLUSH] = ASKED,
               [EV_GET_BODY] = ASKED},
    [ANSWERED] = {[EV_DATA] = ANSWERED,
                  [EV_FLUSH] = ANSWERED,
                  [EV_CHUNK] = ANSWERED,
                  [EV_GET_BODY] = ANSWERED,
                  [EV_END] = IDLE, /* ENDED or PINGED while something is owed */
                  [EV_CLOSE] = CLOSED},
    [ENDED] = {[EV_DATA] = IDLE},
    [CLOSED] = {[EV_DATA] = CLOSED}, /* an answer that was under way */
    [LOST] = {[EV_REQUEST] = ASKED,
              [EV_DATA] = LOST,
              [EV_CPING] = PINGED,
              [EV_CPONG] = IDLE,
              [EV_INTERIM] = ASKED,
              [EV_HEADERS] = ANSWERED,
              [EV_FLUSH] = ANSWERED,
              [EV_CHUNK] = ANSWERED,
              [EV_GET_BODY] = ASKED,
              [EV_END] = IDLE,
              [EV_CLOSE] = CLOSED},
};

#endif
