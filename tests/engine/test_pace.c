/* SPDX-License-Identifier: Apache-2.0 */
/* How soon the prober looks again. */
#include "balance/pace.h"

#include <criterion/criterion.h>

enum { SEEDS = 500 };

/* The least and the most of a wait over many daemons, each the nth of its own. */
static void range_of(enum health health, int nth, uint64_t *least, uint64_t *most)
{
    *least = UINT64_MAX;
    *most = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t random = seed * 0x9e3779b97f4a7c15u, wait = 0;
        struct pace pace = {0};
        for (int i = 0; i < nth; i++)
            wait = pace_wait(&pace, health, 5000, 1000, &random);
        if (wait < *least)
            *least = wait;
        if (wait > *most)
            *most = wait;
    }
}

/* Many instances that lost a worker at the same moment must not go on to probe it in step. */
Test(pace, no_two_instances_probe_in_step)
{
    static const struct {
        const char *label;
        enum health health;
        int nth;
        uint64_t middle;
    } rows[] = {
        {"up", HEALTH_UP, 1, 1000},
        {"on probation", HEALTH_PROBE, 1, 1000},
        {"down", HEALTH_DOWN, 1, 1000},
        {"down for the second time", HEALTH_DOWN, 2, 2000},
        {"third", HEALTH_DOWN, 3, 4000},
        {"fourth", HEALTH_DOWN, 4, 5000},
        {"and ever after", HEALTH_DOWN, 9, 5000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t least, most, middle = rows[i].middle;
        range_of(rows[i].health, rows[i].nth, &least, &most);
        cr_expect_geq(least, middle - middle / 10, "%s: %d", rows[i].label, (int)least);
        cr_expect_leq(most, middle + middle / 10, "%s: %d", rows[i].label, (int)most);
        cr_expect_lt(least, middle - middle / 20, "%s spreads: %d", rows[i].label, (int)least);
        cr_expect_gt(most, middle + middle / 20, "%s spreads: %d", rows[i].label, (int)most);
    }
}

Test(pace, neither_do_the_workers_of_one_instance)
{
    struct pace paces[20] = {0};
    uint64_t random = 7, first = 0;
    int equal = 0;
    for (size_t i = 0; i < 20; i++) {
        uint64_t wait = pace_wait(&paces[i], HEALTH_DOWN, 5000, 1000, &random);
        first = i == 0 ? wait : first;
        equal += wait == first;
    }
    cr_expect_lt(equal, 4, "%d", equal);
}

Test(pace, worker_that_was_up_is_tried_again_soon)
{
    uint64_t random = 7;
    struct pace pace = {0};
    for (int i = 0; i < 5; i++)
        pace_wait(&pace, HEALTH_DOWN, 5000, 1000, &random);
    pace_wait(&pace, HEALTH_UP, 5000, 1000, &random);
    cr_expect_leq(pace_wait(&pace, HEALTH_DOWN, 5000, 1000, &random), 1100);
}

Test(pace, suspect_is_checked_at_once_and_then_now_and_then)
{
    static const struct {
        const char *label;
        uint64_t began;
        uint32_t interval;
        uint64_t expected; /* at 10000 */
    } rows[] = {
        {"no check yet", 0, 5000, 0},
        {"just failed", 10000, 5000, 1000},
        {"failed after 300 ms", 9700, 5000, 700},
        {"timed out: that was a pause", 9000, 5000, 0},
        {"long ago", 100, 5000, 0},
        {"half a short interval", 10000, 600, 300},
        {"the shortest", 10000, 100, 50},
        {"never more than a second", 10000, 3600000, 1000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t random = 7;
        struct pace pace = {.began_ms = rows[i].began};
        uint64_t wait = pace_wait(&pace, HEALTH_SUSPECT, rows[i].interval, 10000, &random);
        cr_expect_eq(wait, rows[i].expected, "%s: %d", rows[i].label, (int)wait);
    }
}
