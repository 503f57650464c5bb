/* SPDX-License-Identifier: Apache-2.0 */
/* What a failed attempt means for the worker, the client and a second attempt. The
 * one rule behind the table: a request that may have been executed is not sent again. */
#include "core/exchange.h"

#include <string.h>

/* R1, R2: nothing, or only part of the request left: no container can have acted on it. */
static const struct failure_rule rules[FAIL_COUNT] = {
    [FAIL_REFUSED] = {OUT_REFUSED, 503, RETRY_OTHER},
    [FAIL_CONNECT_TIMEOUT] = {OUT_CONNECT_TIMEOUT, 504, RETRY_OTHER},
    [FAIL_CPING_STALE] = {OUT_NEUTRAL, 503, RETRY_FRESH},
    [FAIL_CPING_FRESH] = {OUT_CPING_FAILED, 503, RETRY_OTHER},
    [FAIL_CPING_SILENT] = {OUT_CPING_SILENT, 503, RETRY_OTHER},
    [FAIL_SEND_STALE] = {OUT_NEUTRAL, 502, RETRY_FRESH},
    [FAIL_SEND_FRESH] = {OUT_FAILED, 502, RETRY_OTHER},
    /* R3: a pooled link that died as we sent: only where twice is as good as once, once. */
    [FAIL_SILENT_STALE] = {OUT_NEUTRAL, 502, RETRY_SAFE},
    /* R4: the request itself may have brought the worker down: off unless set. */
    [FAIL_SILENT_FRESH] = {OUT_FAILED, 502, RETRY_SAFE_FRESH},
    /* R5: it was at work on it: as R3, at another worker. */
    [FAIL_ASKED] = {OUT_FAILED, 502, RETRY_SAFE_OTHER},
    [FAIL_BODY] = {OUT_FAILED, 502, RETRY_NEVER},
    [FAIL_BROKEN] = {OUT_FAILED, 502, RETRY_NEVER},
    [FAIL_REPLY_TIMEOUT] = {OUT_REPLY_TIMEOUT, 504, RETRY_NEVER},
    /* As R5: nobody will answer any more, or nobody waits for it. */
    [FAIL_UNREACHABLE] = {OUT_CONNECT_TIMEOUT, 504, RETRY_SAFE_OTHER},
    [FAIL_DOWN] = {OUT_NEUTRAL, 504, RETRY_SAFE_OTHER},
    /* As that of an app which threw: it was executed, and would throw again. */
    [FAIL_LOST] = {OUT_NEUTRAL, 502, RETRY_NEVER},
    [FAIL_BAD_REPLY] = {OUT_NEUTRAL, 502, RETRY_NEVER},
    [FAIL_TOO_LARGE] = {OUT_NEUTRAL, 431, RETRY_NEVER},
    [FAIL_UNSURE] = {OUT_NEUTRAL, 400, RETRY_NEVER},
    [FAIL_APP_503] = {OUT_NEUTRAL, 503, RETRY_SAFE_OTHER},
    /* By then queue.c has found no other worker with room. */
    [FAIL_QUEUE_FULL] = {OUT_NEUTRAL, 503, RETRY_NEVER},
    [FAIL_QUEUE_TIMEOUT] = {OUT_NEUTRAL, 503, RETRY_NEVER},
    [FAIL_INTERNAL] = {OUT_NEUTRAL, 503, RETRY_NEVER},
};

const struct failure_rule *failure_rule_of(enum failure how)
{
    return &rules[how];
}

enum { WINDOW_MS = 10000, ALWAYS_ALLOWED = 100 };

static bool is(ajp_str m, const char *name, size_t len)
{
    return m.len == len && memcmp(m.ptr, name, len) == 0;
}

/* Sending it twice is as good as once. */
static bool method_allows(ajp_str m, uint32_t methods)
{
    if (is(m, "GET", 3) || is(m, "HEAD", 4) || is(m, "OPTIONS", 7))
        return true;
    return methods == RETRY_METHODS_IDEMPOTENT &&
           (is(m, "PUT", 3) || is(m, "DELETE", 6) || is(m, "TRACE", 5));
}

/* R8: when everything fails, trying again makes it worse. */
bool retry_affordable(struct shard *sh)
{
    uint64_t now = shard_now(sh);

    if (now - sh->window_at >= WINDOW_MS) {
        sh->window_at = now;
        sh->window_requests = sh->requests;
        sh->window_retries = 0;
    }
    return sh->window_retries < ALWAYS_ALLOWED ||
           sh->window_retries * UINT64_C(100) <
               (sh->requests - sh->window_requests) * sh->settings->retry.budget;
}

void retry_count(struct shard *sh, struct worker *failed)
{
    sh->window_retries++;
    atomic_fetch_add_explicit(&failed->retries, 1, memory_order_relaxed);
}

/* No byte of the body went, or all that went can be sent again. */
static bool body_allows(const struct exchange *x)
{
    return !x->taking_body || (!x->unkept && !x->packet_open);
}

bool retry_allowed(struct exchange *x, const struct failure_rule *rule)
{
    const struct retry_settings *set = &x->pools->settings->retry;

    if (x->begun || x->attempts >= x->pools->settings->limits.max_attempts || !body_allows(x))
        return false;
    switch ((enum retry_action)rule->action) {
    case RETRY_NEVER:
        return false;
    case RETRY_OTHER:
    case RETRY_FRESH:
        return true;
    case RETRY_SAFE_FRESH:
        if (!set->fresh)
            return false;
        break;
    case RETRY_SAFE_OTHER:
    case RETRY_SAFE:
        break;
    }
    return !x->replayed && method_allows(x->head.method, set->methods);
}
