/* SPDX-License-Identifier: Apache-2.0 */
/* How exchanges are shown: a table of views, each filling view->out. */
#ifndef AJPCAT_VIEW_H
#define AJPCAT_VIEW_H

#include "exchange.h"
#include "json.h"
#include "talk.h"

struct view {
    bool colour;
    bool show_secrets;
    bool quirks;    /* lines for them */
    unsigned width; /* columns of the terminal, 0: no limit */
    uint64_t shown;
    struct text out;
};

struct view_kind {
    void (*begin)(struct view *v); /* NULL: nothing */
    void (*show)(struct view *v, const struct exchange *e);
    void (*message)(struct view *v, struct exchange *e, const struct packet *p,
                    const ajp_message *m);
    void (*end)(struct view *v);
    bool heads; /* needs the packets with headers */
    struct body_need body;
};

extern const struct view_kind view_lines, view_trees, view_dumps, view_jsons, view_har, view_https;

/* Whether a header's value is shown only on demand. */
bool view_is_secret(ajp_str header_name);
/* Decodes a packet kept as head; false: it does not decode. */
bool view_decode(const struct text *head, ajp_dir dir, ajp_message *m);
double view_ms(uint64_t from_ns, uint64_t to_ns);

/* Appends one message to out as a field tree. */
void view_message(struct text *out, bool colour, bool show_secrets, const struct packet *p,
                  const ajp_message *m, uint64_t start_ns);
/* The line that begins it: direction, kind, size, time. */
void view_message_head(struct text *out, bool colour, const struct packet *p, const ajp_message *m,
                       uint64_t start_ns);

#endif
