/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges and the ledger that keeps them in order. */
#include "exchange.h"

#include "crc32.h"

#include <stdlib.h>
#include <string.h>

enum { PROBLEMS_MAX = 64, LEDGER_PATIENT = 1000, LEDGER_MAX = 20000 };

const char *exchange_kind(const struct exchange *e)
{
    static const char *const names[] = {[EXCHANGE_REQUEST] = "request",
                                        [EXCHANGE_CPING] = "cping",
                                        [EXCHANGE_STRAY] = "stray",
                                        [EXCHANGE_CONNECTION] = "connection",
                                        [EXCHANGE_ANSWER] = "answer"};
    return names[e->kind];
}

void exchange_problem(struct exchange *e, struct place at, const char *format, ...)
{
    va_list ap;
    struct text t = {0};
    if (e->problem_count == PROBLEMS_MAX)
        return;
    va_start(ap, format);
    text_vfmt(&t, format, ap);
    va_end(ap);
    e->problems = xrealloc(e->problems, (e->problem_count + 1) * sizeof *e->problems);
    e->problems[e->problem_count++] = (struct problem){.at = at, .text = t.at};
}

void body_sum_add(struct body_sum *b, const uint8_t *bytes, size_t len,
                  const struct body_need *need)
{
    size_t room = need->keep - b->kept.len;
    b->bytes += len;
    if (need->crc32)
        b->crc32 = crc32_add(b->crc32, bytes, len);
    if (room > 0)
        text_put(&b->kept, bytes, len < room ? len : room);
}

bool body_is_whole(const struct body_sum *b, int64_t announced)
{
    return !b->damaged && (!b->gaps || (announced >= 0 && (uint64_t)announced == b->bytes));
}

struct exchange *ledger_begin(struct ledger *l, uint64_t frame)
{
    struct exchange *e = xmalloc(sizeof *e);
    *e = (struct exchange){.frame = frame, .announced = -1, .response_announced = -1};
    struct exchange *before = l->last;
    while (before && before->frame > frame)
        before = before->prev;
    e->prev = before;
    e->next = before ? before->next : l->first;
    *(e->prev ? &e->prev->next : &l->first) = e;
    *(e->next ? &e->next->prev : &l->last) = e;
    l->count++;
    return e;
}

static void exchange_free(struct exchange *e)
{
    for (size_t i = 0; i < e->problem_count; i++)
        free(e->problems[i].text);
    free(e->problems);
    free(e->quirks);
    free(e->method);
    free(e->uri);
    free(e->query);
    free(e->protocol);
    free(e->route);
    text_free(&e->request_head);
    text_free(&e->response_head);
    text_free(&e->request.kept);
    text_free(&e->response.kept);
    text_free(&e->detail);
    free(e);
}

static void unlink_first(struct ledger *l)
{
    l->first = l->first->next;
    *(l->first ? &l->first->prev : &l->last) = NULL;
    l->count--;
}

/* Many wait behind the first, and little or nothing can happen to it any more. */
static bool is_overdue(const struct ledger *l)
{
    const struct exchange *e = l->first;
    if ((e->complete && e->owed == 0) || e->kind == EXCHANGE_CONNECTION)
        return l->at_once || l->count > LEDGER_PATIENT;
    return l->count > (l->at_once ? LEDGER_PATIENT : LEDGER_MAX);
}

void ledger_release(struct ledger *l)
{
    while (l->first && l->first->final && l->first->frame < l->barrier) {
        struct exchange *first = l->first;
        unlink_first(l);
        l->show(l->user, first);
        exchange_free(first);
    }
    while (l->first && !l->first->final && is_overdue(l)) {
        l->first->shown = true;
        l->show(l->user, l->first);
        unlink_first(l);
    }
}

void ledger_finish(struct ledger *l, struct exchange *e)
{
    e->final = true;
    if (e->shown)
        exchange_free(e);
    ledger_release(l);
}
