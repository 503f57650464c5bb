/* SPDX-License-Identifier: Apache-2.0 */
/* What a balancer has of those before it: rooms of workers that went and come back; and
 * what a program before it hands over. */
#include "balance/past.h"
#include "balance_fixture.h"

/* The next generation, with workers a, b, c as far as names says; the one before lives on. */
static struct balancer *next_with(struct balancer *before, const char *names)
{
    static struct settings all[16];
    static struct worker_settings workers[16][3];
    static size_t at;
    size_t count = strlen(names);
    cr_assert_lt(at, 16);
    fixture_reset(3);
    for (size_t i = 0; i < count; i++) {
        workers[at][i] = fixture_workers[names[i] - 'a'];
        workers[at][i].port = 9;
    }
    all[at] = fixture_settings;
    all[at].workers = workers[at];
    all[at].worker_count = count;
    char error[256];
    struct balancer *next = balancer_new(&all[at++], error, sizeof error);
    cr_assert_not_null(next, "%s", error);
    if (before)
        balancer_inherit(next, before);
    return next;
}

Test(inherit, a_worker_that_comes_back_has_the_room_that_it_had)
{
    struct balancer *first = next_with(NULL, "ab");
    struct room *room = first->workers[0].room;
    room->connections = 2;
    struct balancer *second = next_with(first, "b");
    struct balancer *third = next_with(second, "b");
    struct balancer *fourth = next_with(third, "ba");
    cr_expect_eq(fourth->workers[1].room, room);
    cr_expect_eq(fourth->workers[0].room, first->workers[1].room);
    cr_expect_eq(fourth->gone.count, 0, "it is there again");
    balancer_free(first);
    balancer_free(second);
    balancer_free(third);
    cr_expect_eq(fourth->workers[1].room->connections, 2);
    balancer_free(fourth);
}

Test(inherit, a_room_is_forgotten_with_the_last_that_can_have_connections)
{
    struct balancer *first = next_with(NULL, "ab");
    struct balancer *second = next_with(first, "b");
    cr_expect_eq(second->gone.count, 1);
    balancer_free(first); /* and with it all requests that began under it */
    struct balancer *third = next_with(second, "b");
    cr_expect_eq(third->gone.count, 0);
    struct balancer *fourth = next_with(third, "ab");
    cr_expect_eq(fourth->workers[0].room->connections, 0);
    balancer_free(second);
    balancer_free(third);
    balancer_free(fourth);
}

Test(inherit, another_address_is_another_room_until_it_is_the_old_one_again)
{
    struct balancer *first = next_with(NULL, "a");
    struct worker_settings moved = *first->workers[0].settings;
    struct settings settings = *first->settings;
    char error[256];
    moved.port = 10;
    settings.workers = &moved;
    first->workers[0].room->connections = 1;
    struct balancer *second = balancer_new(&settings, error, sizeof error);
    cr_assert_not_null(second, "%s", error);
    balancer_inherit(second, first);
    cr_expect_eq(second->workers[0].room->connections, 0);
    struct balancer *third = next_with(second, "a");
    cr_expect_eq(third->workers[0].room, first->workers[0].room);
    balancer_free(third);
    balancer_free(second);
    balancer_free(first);
}

Test(inherit, a_worker_is_recalled_as_it_was)
{
    struct balancer *before = next_with(NULL, "ab");
    struct worker *a = &before->workers[0];
    a->activation = ACTIVATION_DRAIN;
    a->weight = 5;
    a->health = HEALTH_DOWN;
    a->drain_ms = 10;
    a->since_ms = 20;
    a->recovered_ms = 30;
    a->refused = 2;
    struct worker_past past[] = {worker_past(a), worker_past(&before->workers[1])};
    past[1].activation = ACTIVATION_STOP;
    past[1].file_activation = ACTIVATION_STANDBY;
    past[1].file_weight = 3;
    past[1].weight = 9;
    past[1].since_ms = past[1].drain_ms = past[1].recovered_ms = 5000;
    past[1].ejected_ms = UINT64_MAX;
    struct balancer *next = next_with(NULL, "abc");
    balancer_recall(next, past, 2, 1000);
    a = &next->workers[0];
    cr_expect_eq(worker_activation(a), ACTIVATION_DRAIN);
    cr_expect_eq(worker_weight(a), 5);
    cr_expect_eq(worker_health(a), HEALTH_DOWN);
    cr_expect_eq(a->drain_ms, 10, "its deadline does not begin anew");
    cr_expect_eq(a->since_ms, 20);
    cr_expect_eq(a->recovered_ms, 30);
    cr_expect_eq(a->refused, 2);
    const struct worker *b = &next->workers[1];
    cr_expect_eq(worker_activation(b), ACTIVATION_ACTIVE, "the file says something new");
    cr_expect_eq(worker_weight(b), 1);
    cr_expect_eq(b->since_ms, 1000, "no time to come");
    cr_expect_eq(b->recovered_ms, 1000);
    cr_expect_eq(b->ejected_ms, 1000);
    cr_expect_eq(next->workers[2].recovered_ms, 1000, "one that was not there starts slowly");
    balancer_free(next);
    balancer_free(before);
}

Test(inherit, a_worker_at_another_address_is_not_the_one_that_was)
{
    struct balancer *before = next_with(NULL, "a"), *next = next_with(NULL, "a");
    struct worker_past past = worker_past(&before->workers[0]);
    past.port++;
    past.activation = ACTIVATION_STOP;
    balancer_recall(next, &past, 1, 1000);
    cr_expect_eq(worker_activation(&next->workers[0]), ACTIVATION_ACTIVE);
    cr_expect_eq(next->workers[0].recovered_ms, 1000);
    balancer_free(next);
    balancer_free(before);
}
