/* SPDX-License-Identifier: Apache-2.0 */
/* What a client that left had not read yet is thrown away up to its end, within bounds; then the
 * link carries the next request (S11a). */
#include "back/leftover.h"

enum { WASTE_MAX = 64 * 1024, PATIENCE_MS = 100 };

/* Nothing more of the request is to go: a worker must not take a part of its body for whole. */
static bool all_went(const struct link *l, const struct exchange *x)
{
    int64_t length = x->head.content_length;

    if (x->wanted || l->data_left > 0 || out_backlog(&l->out) > 0 || length == AJP_LENGTH_UNSURE)
        return false;
    return length >= 0 ? x->bytes_up == (uint64_t)length : !x->taking_body && !x->head.chunked;
}

bool leftover_begin(struct link *l, const struct exchange *x)
{
    if (l->state != LINK_WAITING || l->taking || !x->begun || !all_went(l, x) ||
        l->shard->draining || ajp_session_pinged(&l->session))
        return false;
    l->state = LINK_LEFT;
    l->waste = WASTE_MAX;
    loop_deadline(&l->shard->loop, &l->deadline, PATIENCE_MS);
    stream_want(&l->stream, true, false);
    return true;
}

void leftover_readable(struct link *l)
{
    struct loop *loop = &l->shard->loop;
    size_t have = l->rest != NULL ? buf_len(l->rest) : 0;
    long n = stream_recv(&l->stream, loop->scratch + have, loop_scratch_room(loop, have));
    const uint8_t *in = loop->scratch;
    ajp_status st = AJP_OK;
    ajp_message m;
    size_t used;

    if (n == STREAM_AGAIN)
        return;
    link_take_rest(l, loop->scratch);
    if (n <= 0 || (size_t)n > l->waste) {
        link_close(l, true);
        return;
    }
    l->waste -= (uint32_t)n;
    for (size_t left = have + (size_t)n; left > 0; in += used, left -= used) {
        st = ajp_session_recv(&l->session, in, left, &used, &m);
        if (st == AJP_MORE && link_keep_rest(l, in, left))
            return;
        if (st != AJP_OK || m.kind == AJP_GET_BODY) {
            link_close(l, true);
            return;
        }
        if (m.kind == AJP_END_RESPONSE) {
            link_done(l, ajp_session_idle(&l->session), left - used);
            return;
        }
    }
}
