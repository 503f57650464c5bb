/* SPDX-License-Identifier: Apache-2.0 */
/* What a failed attempt means for the worker, the client and a second attempt. The
 * one rule behind the table: a request that may have been executed is not sent again. */
#include "core/exchange.h"

/* R1, R2: nothing, or only part of the request left: no container can have acted on it. */
static const struct failure_rule rules[FAIL_COUNT] = {
    [FAIL_REFUSED] = {OUT_REFUSED, 503, RETRY_OTHER},
    [FAIL_CONNECT_TIMEOUT] = {OUT_CONNECT_TIMEOUT, 504, RETRY_OTHER},
    [FAIL_CPING_STALE] = {OUT_NEUTRAL, 503, RETRY_FRESH},
    [FAIL_CPING_FRESH] = {OUT_CPING_FAILED, 503, RETRY_OTHER},
    [FAIL_SEND_STALE] = {OUT_NEUTRAL, 502, RETRY_FRESH},
    [FAIL_SEND_FRESH] = {OUT_FAILED, 502, RETRY_OTHER},
    /* R3: a pooled link that died as we sent: only safe methods without a body, once. */
    [FAIL_SILENT_STALE] = {OUT_NEUTRAL, 502, RETRY_SAFE},
    /* R4: the request itself may have brought the worker down. */
    [FAIL_SILENT_FRESH] = {OUT_FAILED, 502, RETRY_NEVER},
    [FAIL_BODY] = {OUT_FAILED, 502, RETRY_NEVER},
    [FAIL_BROKEN] = {OUT_FAILED, 502, RETRY_NEVER},
    [FAIL_REPLY_TIMEOUT] = {OUT_REPLY_TIMEOUT, 504, RETRY_NEVER},
    [FAIL_BAD_REPLY] = {OUT_NEUTRAL, 502, RETRY_NEVER},
    [FAIL_TOO_LARGE] = {OUT_NEUTRAL, 431, RETRY_NEVER},
    [FAIL_QUEUE_FULL] = {OUT_NEUTRAL, 503, RETRY_NEVER},
    [FAIL_QUEUE_TIMEOUT] = {OUT_NEUTRAL, 503, RETRY_NEVER},
    [FAIL_INTERNAL] = {OUT_NEUTRAL, 503, RETRY_NEVER},
};

const struct failure_rule *failure_rule_of(enum failure how)
{
    return &rules[how];
}

static bool method_is_safe(ajp_str m)
{
    return (m.len == 3 && __builtin_memcmp(m.ptr, "GET", 3) == 0) ||
           (m.len == 4 && __builtin_memcmp(m.ptr, "HEAD", 4) == 0) ||
           (m.len == 7 && __builtin_memcmp(m.ptr, "OPTIONS", 7) == 0);
}

bool retry_allowed(const struct exchange *x, const struct failure_rule *rule)
{
    if (x->begun || x->taking_body || x->attempts >= x->shard->settings->limits.max_attempts)
        return false;
    switch ((enum retry_action)rule->action) {
    case RETRY_NEVER:
        return false;
    case RETRY_OTHER:
    case RETRY_FRESH:
        return true;
    case RETRY_SAFE:
        return !x->replayed && method_is_safe(x->head.method) && x->head.content_length <= 0 &&
               !x->head.chunked;
    }
    return false;
}
