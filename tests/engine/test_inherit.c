/* SPDX-License-Identifier: Apache-2.0 */
/* What a balancer has of those before it: rooms of workers that went and come back. */
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
