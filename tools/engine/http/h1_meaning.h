/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the head parser: what fields mean, each alone and all together. */
#ifndef ENGINE_HTTP_H1_MEANING_H
#define ENGINE_HTTP_H1_MEANING_H

#include "http/h1_parse.h"

enum { H1_CONNECTION_LINES_MAX = 8, H1_LISTED_MAX = 32 };

/* What the fields said so far. */
struct h1_work {
    const struct h1_limits *lim;
    struct head *head;
    struct h1_error *err;
    uint32_t lines; /* field lines as received */
    uint16_t hosts, lengths, codings, connections;
    uint16_t chunked; /* times that a coding was */
    uint16_t host_at; /* place of Host in head->fields */
    bool http10, odd_path;
    bool close, keep, listed; /* Connection: close, keep-alive, names of other fields */
    bool chunked_last;        /* the last coding of all was */
    bool other_coding, other_expect;
    ajp_str connection[H1_CONNECTION_LINES_MAX];
};

void h1_work_init(struct h1_work *w, const struct h1_limits *lim, struct head *head,
                  struct h1_error *err);

/* Set the error, return H1_BAD. */
enum h1_result h1_refuse(struct h1_work *w, uint16_t status, const char *reason);

/* One field, its syntax checked; plain: the name holds letters, digits and '-' only. */
enum h1_result h1_take_field(struct h1_work *w, ajp_str name, ajp_str value, bool plain);

/* The head is complete: judge it as a whole and fill the rest of it. */
enum h1_result h1_conclude(struct h1_work *w);

#endif
