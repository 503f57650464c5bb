/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation as one side, or an observer, lives it. */
#ifndef TEST_SESSION_ROWS_H
#define TEST_SESSION_ROWS_H
#include "wire.h"

enum step_op { NOTHING, RECV, FROM_WEB, FROM_CONTAINER, SEND, REQUEST, GRANT, OWED, IDLE, RESYNC };

struct step {
    enum step_op op;
    const char *wire; /* RECV, FROM_*: what arrives */
    const char *want; /* what the session says, in the words of trace.c */
    int64_t n;        /* SEND, REQUEST, GRANT, OWED, IDLE */
    ajp_kind kind;    /* SEND */
};

struct session_row {
    const char *label;
    ajp_role role;
    const char *limits;
    struct step steps[14];
};

extern const struct session_row container_rows[], server_rows[], observer_rows[];
extern const size_t container_row_count, server_row_count, observer_row_count;

#define recv_(bytes, want)                                                                         \
    {                                                                                              \
        RECV, bytes, want, 0, AJP_DATA                                                             \
    }
#define send_(kind, n, want)                                                                       \
    {                                                                                              \
        SEND, NULL, want, n, kind                                                                  \
    }
#define request_(n, want)                                                                          \
    {                                                                                              \
        REQUEST, NULL, want, n, AJP_DATA                                                           \
    }
#define grant_(n)                                                                                  \
    {                                                                                              \
        GRANT, NULL, NULL, n, AJP_DATA                                                             \
    }
#define owed_(n)                                                                                   \
    {                                                                                              \
        OWED, NULL, NULL, n, AJP_DATA                                                              \
    }
#define idle_(n)                                                                                   \
    {                                                                                              \
        IDLE, NULL, NULL, n, AJP_DATA                                                              \
    }
#define web_(bytes, want)                                                                          \
    {                                                                                              \
        FROM_WEB, bytes, want, 0, AJP_DATA                                                         \
    }
#define container_(bytes, want)                                                                    \
    {                                                                                              \
        FROM_CONTAINER, bytes, want, 0, AJP_DATA                                                   \
    }
#define resync_()                                                                                  \
    {                                                                                              \
        RESYNC, NULL, NULL, 0, AJP_DATA                                                            \
    }

#endif
