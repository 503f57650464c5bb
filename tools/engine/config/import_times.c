/* SPDX-License-Identifier: Apache-2.0 */
/* Times: each worker has its own in mod_jk, and all share one here, so the longest counts. */
#include "config/import_state.h"

#include <string.h>

#define NEVER UINT64_MAX
#define HOUR  3600000u

enum { SECOND = 1000, PING_DEFAULT = 10000 };

static const struct {
    const char *key;
    uint64_t least, most;
} settings[IMPORT_TIMES] = {
    [TIME_CONNECT] = {"connect", 1, HOUR},          [TIME_CPING] = {"cping", 1, HOUR},
    [TIME_CPING_IDLE] = {"cping_idle", 1, HOUR},    [TIME_REPLY] = {"reply", 1, 24 * HOUR},
    [TIME_WRITE_STALL] = {"write_stall", 1, HOUR},  [TIME_QUEUE] = {"queue", 1, HOUR},
    [TIME_POOL_IDLE] = {"pool_idle", 1, 24 * HOUR},
};

uint64_t import_within(enum import_target target, uint64_t ms)
{
    if (ms == NEVER)
        return ms;
    ms = ms < settings[target].least ? settings[target].least : ms;
    return ms > settings[target].most ? settings[target].most : ms;
}

void import_take_time(struct import *im, enum import_target target, uint64_t ms,
                      const char *comment)
{
    struct import_time *time = &im->times[target];
    ms = import_within(target, ms);
    if (time->set && time->ms >= ms)
        return;
    *time = (struct import_time){true, ms, comment};
}

static void take_above_zero(struct import *im, enum import_target target, int64_t number,
                            unsigned unit, const char *comment)
{
    if (number > 0)
        import_take_time(im, target, (uint64_t)number * unit, comment);
}

/* When mod_jk asks for a CPong, and how long it waits for it. */
static void find_cping(struct import *im, const char *name)
{
    const char *mode = import_value(im, name, "ping_mode", "");
    bool all = strpbrk(mode, "aA") != NULL;
    bool given = import_lookup(im, name, "ping_timeout") != NULL;
    int64_t timeout = import_int(im, name, "ping_timeout", PING_DEFAULT);
    int64_t connect = import_int(im, name, "connect_timeout", 0);
    int64_t prepost = import_int(im, name, "prepost_timeout", 0);
    int64_t interval = import_int(im, name, "connection_ping_interval", 0);
    if (connect == 0 && (all || strpbrk(mode, "cC")))
        connect = timeout;
    if (prepost == 0 && (all || strpbrk(mode, "pP")))
        prepost = timeout;
    bool waits = interval > 0 || all || strpbrk(mode, "iI");
    if (waits || (given && connect <= 0 && prepost <= 0))
        take_above_zero(im, TIME_CPING, timeout, 1, NULL);
    take_above_zero(im, TIME_CPING, connect, 1, NULL);
    take_above_zero(im, TIME_CPING, prepost, 1, NULL);
    if (prepost <= 0) /* else it asks before every request, and an interval would make it seldom */
        take_above_zero(im, TIME_CPING_IDLE, interval, SECOND, NULL);
}

static void take_longest(struct import_time *time, struct import_time other)
{
    if (!time->set || time->ms < other.ms)
        *time = other;
}

/* Between packets of a reply: without a reply_timeout the socket's own limit ends a read. */
static struct import_time reply_of(const struct import *im, const char *name)
{
    int64_t reply = import_int(im, name, "reply_timeout", 0);
    int64_t all = import_int(im, name, "socket_timeout", 0);
    if (reply > 0)
        return (struct import_time){true, import_within(TIME_REPLY, (uint64_t)reply), NULL};
    if (all > 0)
        return (struct import_time){true, import_within(TIME_REPLY, (uint64_t)all * SECOND),
                                    "of socket_timeout, which ends reads too"};
    return (struct import_time){true, NEVER,
                                import_lookup(im, name, "reply_timeout")
                                    ? "never, as 0 in mod_jk"
                                    : "never, as in mod_jk without a reply_timeout"};
}

/* Each balancer or worker that has mappings has the longest of its own. */
static void find_replies(struct import *im)
{
    for (size_t i = 0; i < im->pool_count; i++)
        for (size_t m = 0; m < im->member_count; m++)
            if (im->pools[i].members >> m & 1)
                take_longest(&im->pools[i].reply,
                             reply_of(im, im->workers[im->pools[i].worker[m]].name));
    for (size_t i = 0; i < im->worker_count; i++)
        take_longest(&im->times[TIME_REPLY], reply_of(im, im->workers[i].name));
}

/* Is it the time of all balancers whose workers have it from that line? */
static bool is_kept(const struct import *im, const struct property *property, uint64_t ms)
{
    for (size_t i = 0; i < im->pool_count; i++) {
        const struct import_pool *pool = &im->pools[i];
        for (size_t m = 0; m < im->member_count; m++)
            if ((pool->members >> m & 1) && pool->reply.ms != ms &&
                import_lookup(im, im->workers[pool->worker[m]].name, "reply_timeout") == property)
                return false;
    }
    return im->routed;
}

/* There no time is at once, and here it is never. */
static void take_queue(struct import *im, int64_t ms)
{
    import_take_time(im, TIME_QUEUE, ms > 0 ? (uint64_t)ms : 0,
                     ms > 0 ? NULL : "at once, as with 0 in mod_jk");
}

void import_find_times(struct import *im)
{
    find_replies(im);
    for (size_t i = 0; i < im->worker_count; i++) {
        const char *name = im->workers[i].name;
        find_cping(im, name);
        take_above_zero(im, TIME_CONNECT, import_int(im, name, "socket_connect_timeout", 0), 1,
                        NULL);
        take_above_zero(im, TIME_WRITE_STALL, import_int(im, name, "socket_timeout", 0), SECOND,
                        "of socket_timeout; connecting has a time of its own");
        if (import_lookup(im, name, "connection_acquire_timeout"))
            take_queue(im, import_int(im, name, "connection_acquire_timeout", -1));
        const char *key = import_lookup(im, name, "connection_pool_timeout")
                              ? "connection_pool_timeout"
                              : "cache_timeout";
        int64_t idle = import_int(im, name, key, 0);
        if (import_lookup(im, name, key))
            import_take_time(im, TIME_POOL_IDLE, idle > 0 ? (uint64_t)idle * SECOND : NEVER, NULL);
    }
}

/* What the line alone would make of the setting; 0: nothing. */
static uint64_t time_of(const struct import_rule *rule, int64_t number)
{
    if (number > 0)
        return import_within(rule->target, (uint64_t)number * rule->unit);
    if (rule->reason)
        return 0;
    return rule->target == TIME_QUEUE ? import_within(TIME_QUEUE, 0) : NEVER;
}

void import_note_time(struct import *im, const struct import_rule *rule,
                      const struct property *property)
{
    const struct import_time *time = &im->times[rule->target];
    int64_t number = 0;
    const char *why = NULL;
    enum import_note_kind kind = NOTE_SHARED;
    bool ok = import_number(property->value, &number);
    uint64_t ms = time_of(rule, number);
    if (ok && rule->target == TIME_REPLY && is_kept(im, property, ms))
        return;
    if (!ok)
        why = "not a number";
    else if (ms == 0)
        why = rule->reason;
    else if ((!time->set || time->ms < ms) && rule->target == TIME_CPING_IDLE)
        why = "every request is preceded by a CPing there (prepost_timeout), which a longer time "
              "than the default would make seldom";
    else if (!time->set || time->ms < ms)
        why = "connect_timeout and prepost_timeout are there too, and count";
    else if (time->ms == NEVER && ms != NEVER)
        why = "one setting for all workers: the longest of them was taken, never";
    else if (time->ms != ms)
        why = "one setting for all workers: the longest of them was taken";
    else if (number > 0 && ms < (uint64_t)number * rule->unit)
        why = "longer than the setting allows";
    if (!ok || ms == 0 || (time->set && time->ms == ms))
        kind = NOTE_VALUE;
    if (why)
        import_note(im, kind, im->path, property->line, property->key, "%s", why);
}

void import_print_times(struct import *im)
{
    fprintf(im->out, "timeouts:\n");
    for (size_t i = 0; i < IMPORT_TIMES; i++) {
        const struct import_time *time = &im->times[i];
        if (!time->set)
            continue;
        if (time->ms == NEVER)
            fprintf(im->out, "  %s: 0", settings[i].key);
        else
            fprintf(im->out, "  %s: %llums", settings[i].key, (unsigned long long)time->ms);
        fprintf(im->out, "%s%s\n", time->comment ? " # " : "", time->comment ? time->comment : "");
    }
}
