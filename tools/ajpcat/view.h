/* SPDX-License-Identifier: Apache-2.0 */
/* How exchanges are shown. */
#ifndef AJPCAT_VIEW_H
#define AJPCAT_VIEW_H

#include "exchange.h"
#include "talk.h"

struct view {
    bool colour;
    bool show_secrets;
    bool tree;
    struct text out; /* flushed to standard output by whoever fills it */
};

void view_title(struct view *v); /* the columns' names */
void view_line(struct view *v, const struct exchange *e);
void view_json(struct view *v, const struct exchange *e);

/* Appends one message to out as a field tree. */
void view_message(struct text *out, bool colour, bool show_secrets, const struct packet *p,
                  const ajp_message *m, uint64_t start_ns);

#endif
