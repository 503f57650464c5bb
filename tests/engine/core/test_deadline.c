/* SPDX-License-Identifier: Apache-2.0 */
/* The wheel on a clock of our own. */
#include "net/deadline.h"

#include <criterion/criterion.h>

static struct deadline_wheel wheel;
static int reached;

static void count(struct deadline *d)
{
    (void)d;
    reached++;
}

static void begin(uint64_t now)
{
    deadline_wheel_init(&wheel, now);
    reached = 0;
}

Test(deadline, is_never_early_and_at_most_a_tick_late)
{
    for (uint64_t ms = 1; ms < 350; ms += 7) {
        struct deadline d;
        uint64_t at;

        begin(1000);
        deadline_init(&d, count);
        deadline_set(&wheel, &d, 1000 + ms);
        for (at = 1000; reached == 0 && at < 3000; at++)
            deadline_wheel_turn(&wheel, at);
        at--;
        cr_assert(at >= 1000 + ms, "%lu ms: reached at %lu", (unsigned long)ms, (unsigned long)at);
        cr_assert(at <= 1000 + ms + DEADLINE_TICK_MS + 1, "%lu ms: reached at %lu",
                  (unsigned long)ms, (unsigned long)at);
        cr_assert_eq(wheel.armed, 0);
    }
}

Test(deadline, moved_later_is_reached_once_at_the_later_time)
{
    struct deadline d;

    begin(0);
    deadline_init(&d, count);
    deadline_set(&wheel, &d, 500);
    deadline_set(&wheel, &d, 5000);
    deadline_wheel_turn(&wheel, 4900);
    cr_assert_eq(reached, 0);
    deadline_wheel_turn(&wheel, 5200);
    cr_assert_eq(reached, 1);
    deadline_wheel_turn(&wheel, 20000);
    cr_assert_eq(reached, 1);
}

Test(deadline, moved_earlier_is_reached_at_the_earlier_time)
{
    struct deadline d;

    begin(0);
    deadline_init(&d, count);
    deadline_set(&wheel, &d, 60000);
    deadline_set(&wheel, &d, 300);
    deadline_wheel_turn(&wheel, 600);
    cr_assert_eq(reached, 1);
}

Test(deadline, cleared_is_not_reached)
{
    struct deadline d;

    begin(0);
    deadline_init(&d, count);
    deadline_set(&wheel, &d, 300);
    deadline_clear(&d);
    deadline_wheel_turn(&wheel, 10000);
    cr_assert_eq(reached, 0);
}

Test(deadline, beyond_the_wheel_is_reached_on_time)
{
    struct deadline d;
    uint64_t far = (uint64_t)DEADLINE_SLOTS * DEADLINE_TICK_MS * 3;

    begin(0);
    deadline_init(&d, count);
    deadline_set(&wheel, &d, far);
    for (uint64_t at = 0; at < far; at += 1000) {
        deadline_wheel_turn(&wheel, at);
        cr_assert_eq(reached, 0, "at %lu", (unsigned long)at);
    }
    deadline_wheel_turn(&wheel, far + 200);
    cr_assert_eq(reached, 1);
}

Test(deadline, a_long_pause_reaches_all)
{
    struct deadline d[50];

    begin(0);
    for (int i = 0; i < 50; i++) {
        deadline_init(&d[i], count);
        deadline_set(&wheel, &d[i], (uint64_t)(1 + i * 997));
    }
    deadline_wheel_turn(&wheel, UINT64_C(10000000));
    cr_assert_eq(reached, 50);
    cr_assert_eq(wheel.armed, 0);
}

static void drop_the_other(struct deadline *d)
{
    struct deadline *other = d + 1;

    reached++;
    deadline_drop(&wheel, other);
}

Test(deadline, a_callback_may_drop_one_that_is_due_too)
{
    struct deadline d[2];

    begin(0);
    deadline_init(&d[1], count);
    deadline_set(&wheel, &d[1], 150);
    deadline_init(&d[0], drop_the_other);
    deadline_set(&wheel, &d[0], 150); /* added last, so looked at first */
    deadline_wheel_turn(&wheel, 1000);
    cr_assert_eq(reached, 1);
    cr_assert_eq(wheel.armed, 0);
}
