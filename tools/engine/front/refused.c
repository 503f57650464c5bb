/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals are rare: the head is read once more for its line, so that whoever refuses, for whatever
 * reason, need keep nothing of it. */
#include "front/refused.h"

#include <string.h>

/* An exchange that only the log ever sees. NULL: no log, or no memory. */
static struct exchange *line_of(struct conn *c, const struct refused *how)
{
    struct exchange *x = c->shard->access_log ? exchange_take(c->shard, NULL, NULL) : NULL;
    if (!x)
        return NULL;
    x->head.remote_addr = how->client;
    x->start_us = how->since * 1000; /* the loop's clock and the log's are the same */
    x->bytes_down = how->bytes;
    x->reason = how->reason;
    return x;
}

static ajp_str known(ajp_str s)
{
    return s.len > 0 ? s : AJP_NULL;
}

void refused_head(struct conn *c, const struct h1_limits *lim, const struct refused *how)
{
    struct exchange *x = line_of(c, how);
    if (!x)
        return;
    if (c->rx && exchange_parse_room(c->shard, lim->max_fields + 1)) {
        struct h1_error error;
        size_t scanned = 0, used;
        enum h1_result r;
        x->head.fields = c->shard->parsed;
        r = h1_parse_request(c->rx->data + c->rx->start, buf_len(c->rx), &scanned, lim, &x->head,
                             &used, &error);
        (void)r; /* known already */
        x->head.path = known(x->head.path);
    }
    exchange_log(x, how->status);
    exchange_give(x);
}

void refused_packet(struct conn *c, const struct refused *how)
{
    struct exchange *x = line_of(c, how);
    if (!x)
        return;
    exchange_log(x, how->status);
    exchange_give(x);
}

void refused_read(struct exchange *x, const uint8_t *in, size_t len, const ajp_limits *lim)
{
    const ajp_request *r = &x->message.u.request;
    ajp_frame frame;
    size_t used;
    memset(&x->message, 0, sizeof x->message);
    if (ajp_frame_next(in, len, lim, &frame, &used) != AJP_OK)
        return;
    ajp_status st = ajp_decode(&x->message, &frame, false, lim);
    (void)st; /* known already */
    x->head.method = r->method;
    x->head.protocol = r->protocol;
    x->head.path = known(r->uri);
    x->head.remote_addr = r->remote_addr;
}
