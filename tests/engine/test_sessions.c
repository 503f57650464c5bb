/* SPDX-License-Identifier: Apache-2.0 */
/* Counting sessions, and the drain that waits for their end. */
#include "balance/drain.h"
#include "balance/sessions.h"

#include "balance_fixture.h"

#include <stdio.h>

enum { IDLE = 7000 };

static void see(struct sessions *sessions, int from, int to, uint64_t now)
{
    char id[40];
    for (int i = from; i < to; i++) {
        snprintf(id, sizeof id, "%08X%08X", (unsigned)i * 2654435761u, (unsigned)i);
        sessions_seen(sessions, str(id), now);
    }
}

Test(sessions, count_is_about_right)
{
    static const int rows[] = {0, 1, 2, 10, 100, 1000, 20000, 150000};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sessions *sessions = sessions_new(IDLE, 1000);
        see(sessions, 0, rows[i], 1000);
        see(sessions, 0, rows[i] / 2, 1500); /* seen again: no new ones */
        double count = (double)sessions_count(sessions, 1500);
        cr_expect_float_eq(count, rows[i], rows[i] * 0.03 + 0.5, "%d: %g", rows[i], count);
        sessions_free(sessions);
    }
}

Test(sessions, route_is_no_part_of_the_id)
{
    fixture_reset(1);
    fixture_settings.session.separator = '!';
    struct balancer *balancer = fixture_balancer();
    struct pick pick = {.route = str("a"), .now_ms = 1000};
    static const char *const ids[] = {"12.34!a", "12.34", "12.34!a!b"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        pick.session_id = str(ids[i]);
        cr_expect_not_null(balancer_pick(balancer, &pick));
    }
    cr_expect_eq(sessions_count(balancer->workers[0].sessions, 1000), 1);
    balancer_free(balancer);
}

Test(sessions, what_is_unseen_for_the_idle_time_is_forgotten)
{
    struct sessions *sessions = sessions_new(IDLE, 1000);
    see(sessions, 0, 100, 1000);
    see(sessions, 100, 110, 5000);
    cr_expect_eq(sessions_count(sessions, 1000 + IDLE - 1), 110);
    cr_expect_eq(sessions_count(sessions, 5000 + IDLE - 1), 10, "a period later at the most");
    cr_expect_eq(sessions_count(sessions, 5000 + IDLE + 2000), 0);
    see(sessions, 0, 5, 500000); /* after a long silence */
    cr_expect_eq(sessions_count(sessions, 500000), 5);
    sessions_free(sessions);
}

Test(sessions, settled_after_one_idle_time)
{
    struct sessions *sessions = sessions_new(IDLE, 1000), *next = sessions_new(IDLE, 9000);
    cr_expect(!sessions_settled(sessions, 7999));
    cr_expect(sessions_settled(sessions, 8000));
    see(sessions, 0, 50, 8000);
    cr_expect(!sessions_settled(next, 9000));
    cr_expect(sessions_inherit(next, sessions));
    cr_expect(sessions_settled(next, 9000));
    cr_expect_eq(sessions_count(next, 9000), 50);
    struct sessions *other = sessions_new(IDLE + 1, 9000);
    cr_expect(!sessions_inherit(other, sessions));
    sessions_free(sessions);
    sessions_free(next);
    sessions_free(other);
}

Test(sessions, none_is_no_trouble)
{
    sessions_seen(NULL, str("1"), 1);
    cr_expect_eq(sessions_count(NULL, 1), 0);
    cr_expect(!sessions_settled(NULL, 1));
    cr_expect(!sessions_inherit(NULL, NULL));
    sessions_free(NULL);
}

/* A balancer whose worker a is drained and has been watched since now; see_a sends requests. */
static struct balancer *draining(uint32_t deadline, uint64_t now)
{
    log_setup(LEVEL_ERROR, LOG_TEXT);
    fixture_reset(2);
    fixture_workers[0].activation = ACTIVATION_DRAIN;
    fixture_settings.session.drain_deadline = deadline;
    struct balancer *balancer = fixture_balancer();
    sessions_free(balancer->workers[0].sessions);
    balancer->workers[0].sessions = sessions_new(IDLE, now);
    return balancer;
}

static void request_of_a(struct balancer *balancer, uint64_t now)
{
    struct pick pick = {.route = str("a"), .session_id = str("1234.a"), .now_ms = now};
    cr_expect_eq(balancer_pick(balancer, &pick)->index, 0);
}

/* When a worker that ticks every second is stopped; 0: not before end. */
static uint64_t stopped_at(struct balancer *balancer, uint64_t from, uint64_t end)
{
    for (uint64_t now = from; now < end; now += 1000) {
        drain_tick(&balancer->workers[0], now);
        if (balancer->workers[0].activation == ACTIVATION_STOP)
            return now;
    }
    return 0;
}

Test(drain, ends_when_the_last_session_is_over)
{
    struct balancer *balancer = draining(0, 100000);
    cr_expect_eq(stopped_at(balancer, 100000, 105000), 0);
    request_of_a(balancer, 105000);
    uint64_t at = stopped_at(balancer, 105000, 200000);
    cr_expect(at >= 105000 + IDLE && at <= 105000 + IDLE + 12000, "%llu", (unsigned long long)at);
    struct pick pick = {.route = str("a"), .session_id = str("1234.a"), .now_ms = at};
    cr_expect_eq(balancer_pick(balancer, &pick)->index, 1);
    balancer_free(balancer);
}

Test(drain, does_not_end_before_it_watched_for_long_enough)
{
    struct balancer *balancer = draining(0, 100000);
    cr_expect_eq(stopped_at(balancer, 100000, 100000 + IDLE), 0, "sessions may be asleep");
    cr_expect_neq(stopped_at(balancer, 100000 + IDLE, 130000), 0);
    balancer_free(balancer);
}

Test(drain, ends_at_the_deadline_whoever_is_left)
{
    struct balancer *balancer = draining(3000, 100000);
    request_of_a(balancer, 100000);
    cr_expect_eq(stopped_at(balancer, 100000, 120000), 103000);
    balancer_free(balancer);
}

Test(drain, leaves_active_workers_alone)
{
    struct balancer *balancer = draining(1000, 100000);
    balancer->workers[0].activation = ACTIVATION_ACTIVE;
    cr_expect_eq(stopped_at(balancer, 100000, 200000), 0);
    balancer->workers[0].activation = ACTIVATION_DRAIN;
    request_of_a(balancer, 200000);
    cr_expect_eq(stopped_at(balancer, 200000, 210000), 201000, "the time counts from the drain");
    balancer_free(balancer);
}
