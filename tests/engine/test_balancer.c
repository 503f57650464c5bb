/* SPDX-License-Identifier: Apache-2.0 */
/* Which worker a request gets, and what its attempts do to a worker's health. */
#include "balance/load.h"
#include "balance/rendezvous.h"

#include "balance_fixture.h"

#include <stdio.h>

static void quiet(void)
{
    log_setup(LEVEL_ERROR, LOG_TEXT);
}

TestSuite(balancer, .init = quiet);
TestSuite(worker, .init = quiet);

/* The name of the worker picked, "-" for none. */
static const char *picked(struct balancer *balancer, struct pick *pick)
{
    static char name[8];
    struct worker *worker = balancer_pick(balancer, pick);
    snprintf(name, sizeof name, "%.*s", worker ? (int)worker->settings->name.len : 1,
             worker ? worker->settings->name.ptr : "-");
    return name;
}

static struct pick routed(const char *route)
{
    return (struct pick){.route = str(route), .session_id = str("1234"), .now_ms = 10000};
}

/* One letter a worker: U up, S suspect, Z silent, D down, M down and mute, E ejected, P probe, d
 * drain, s stop, y standby, B busy. */
static void set_states(struct balancer *balancer, const char *states)
{
    for (size_t i = 0; states[i]; i++) {
        struct worker *w = &balancer->workers[i];
        switch (states[i]) {
        case 'S':
            w->health = HEALTH_SUSPECT;
            break;
        case 'D':
            w->health = HEALTH_DOWN;
            w->failed_ms = 1000 + i;
            w->since_ms = 1;
            break;
        case 'Z':
            w->health = HEALTH_SILENT;
            break;
        case 'M': /* silent for so long that it is down */
            w->health = HEALTH_DOWN;
            w->mute = MUTE_ONLY;
            w->answers_cping = true;
            w->since_ms = 1;
            break;
        case 'E':
            w->ejected_ms = 20000;
            break;
        case 'P':
            w->health = HEALTH_PROBE;
            break;
        case 'Q': /* on probation and has its request */
            w->health = HEALTH_PROBE;
            w->tally.busy = 1;
            break;
        case 'd':
            w->activation = ACTIVATION_DRAIN;
            break;
        case 's':
            w->activation = ACTIVATION_STOP;
            break;
        case 'y':
            w->activation = ACTIVATION_STANDBY;
            break;
        case 'B':
            w->tally.busy = 5;
            break;
        default:
            break;
        }
    }
}

Test(balancer, state_of_workers_decides)
{
    static const struct {
        const char *label, *states, *route;
        uint64_t tried;
        const char *expected;
        bool sticky;
    } rows[] = {
        {"own worker", "UU", "b", 0, "b", true},
        {"own worker though busy", "UB", "b", 0, "b", true},
        {"own worker though suspect", "US", "b", 0, "b", true},
        {"own worker though drained", "Ud", "b", 0, "b", true},
        {"own worker though standby", "Uy", "b", 0, "b", true},
        {"own worker on probation", "UP", "b", 0, "b", true},
        {"not when probation has its request", "UQ", "b", 0, "a", false},
        {"not when stopped", "Us", "b", 0, "a", false},
        {"not when down", "UD", "b", 0, "a", false},
        {"not when tried", "UU", "b", 2, "a", false},
        {"no route: least busy", "BU", NULL, 0, "b", false},
        {"no route: not the drained", "Bd", NULL, 0, "a", false},
        {"no route: not the stopped", "Bs", NULL, 0, "a", false},
        {"no route: standby waits", "By", NULL, 0, "a", false},
        {"no route: standby when all else is down", "Dy", NULL, 0, "b", false},
        {"no route: suspect waits", "BS", NULL, 0, "a", false},
        {"no route: suspect before standby", "Sy", NULL, 0, "a", false},
        {"probation full: last resort", "QD", NULL, 0, "a", false},
        {"standby before probation full", "Qy", NULL, 0, "b", false},
        {"all down: longest ago", "DDD", NULL, 0, "a", false},
        {"all down: longest ago not tried", "DDD", NULL, 1, "b", false},
        {"all stopped", "ss", NULL, 0, "-", false},
        {"all tried", "UU", NULL, 3, "-", false},
        {"down and drained are not forced", "sd", NULL, 0, "-", false},
        {"own worker though silent", "UZ", "b", 0, "b", true},
        {"own worker though ejected", "UE", "b", 0, "b", true},
        {"not when silent for long", "UM", "b", 0, "a", false},
        {"unless there is no other", "DM", "b", 0, "b", true},
        {"it goes before others of that kind", "MM", "b", 0, "b", true},
        {"another that is silent", "ZM", "b", 0, "a", false},
        {"no route: not the silent", "BZ", NULL, 0, "a", false},
        {"no route: standby before silent", "Zy", NULL, 0, "b", false},
        {"no route: probation full before silent", "ZQ", NULL, 0, "b", false},
        {"no route: silent for want of others", "ZD", NULL, 0, "a", false},
        {"no route: silent for long, for want of others", "DM", NULL, 0, "b", false},
        {"no route: not that when stopped", "Ds", NULL, 0, "a", false},
        {"no route: not the ejected", "BE", NULL, 0, "a", false},
        {"no route: standby before ejected", "Ey", NULL, 0, "b", false},
        {"no route: ejected before silent", "ZE", NULL, 0, "b", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_reset(strlen(rows[i].states));
        struct balancer *balancer = fixture_balancer();
        set_states(balancer, rows[i].states);
        struct pick pick = routed(rows[i].route);
        pick.tried = rows[i].tried;
        cr_expect_str_eq(picked(balancer, &pick), rows[i].expected, "%s", rows[i].label);
        cr_expect_eq(pick.sticky, rows[i].sticky, "%s", rows[i].label);
        balancer_free(balancer);
    }
}

Test(balancer, successor_order_redirect_domain_distance)
{
    static const struct {
        const char *label, *states, *expected;
    } rows[] = {
        /* a: domain x, redirect d; b: x; c, d: y; e: none, distance 1 */
        {"redirect first", "DUUUU", "d"},
        {"redirect may be drained", "DUUdU", "d"},
        {"then the domain", "DUUDU", "b"},
        {"domain though busy", "DBUDU", "b"},
        {"then anyone near", "DDUDU", "c"},
        {"then the far", "DDDDU", "e"},
        {"in the domain though silent", "DZUDU", "b"},
        {"else not the silent", "DDZDU", "e"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_reset(5);
        static const char *const domains[] = {"x", "x", "y", "y", NULL};
        for (size_t w = 0; w < 5; w++)
            fixture_workers[w].domain = str(domains[w]);
        fixture_workers[0].redirect = str("d");
        fixture_workers[4].distance = 1;
        struct balancer *balancer = fixture_balancer();
        set_states(balancer, rows[i].states);
        struct pick pick = routed("a");
        cr_expect_str_eq(picked(balancer, &pick), rows[i].expected, "%s", rows[i].label);
        balancer_free(balancer);
    }
}

/* Q27: mod_jk's domains. */
Test(balancer, domain_of_an_unknown_route_is_its_first_part)
{
    fixture_reset(3);
    fixture_workers[2].domain = str("west");
    struct balancer *balancer = fixture_balancer();
    struct pick pick = routed("west.node7");
    cr_expect_str_eq(picked(balancer, &pick), "c");
    balancer_free(balancer);
}

Test(balancer, force_keeps_a_session_from_moving)
{
    fixture_reset(2);
    fixture_settings.session.sticky_force = true;
    struct balancer *balancer = fixture_balancer();
    set_states(balancer, "DU");
    struct pick pick = routed("a");
    cr_expect_str_eq(picked(balancer, &pick), "-");
    pick = routed("unknown");
    cr_expect_str_eq(picked(balancer, &pick), "b", "a route that is not ours binds to nothing");
    balancer_free(balancer);
}

/* They have no other: on probation it gets more than one at a time rather than that they fail. */
Test(balancer, force_serves_sessions_while_their_worker_is_on_probation)
{
    static const struct {
        const char *states, *expected;
        uint64_t tried;
    } rows[] = {
        {"PU", "a", 0}, {"QU", "a", 0}, {"QD", "a", 0}, {"QU", "-", 1}, {"SU", "a", 0},
        {"dU", "a", 0}, {"sU", "-", 0}, {"DU", "-", 0}, {"ZU", "a", 0}, {"MU", "a", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_reset(2);
        fixture_settings.session.sticky_force = true;
        struct balancer *balancer = fixture_balancer();
        set_states(balancer, rows[i].states);
        struct pick pick = routed("a");
        pick.tried = rows[i].tried;
        cr_expect_str_eq(picked(balancer, &pick), rows[i].expected, "row %zu", i);
        cr_expect_eq(pick.sticky, *rows[i].expected == 'a', "row %zu", i);
        balancer_free(balancer);
    }
}

Test(balancer, aliases_are_routes_of_their_worker)
{
    static const ajp_str aliases[] = {{"old", 3}, {"older", 5}};
    fixture_reset(2);
    fixture_workers[1].aliases = (struct text_list){aliases, 2};
    struct balancer *balancer = fixture_balancer();
    static const char *const routes[][2] = {{"a", "a"}, {"b", "b"}, {"old", "b"}, {"older", "b"}};
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        struct pick pick = routed(routes[i][0]);
        cr_expect_str_eq(picked(balancer, &pick), routes[i][1], "%s", routes[i][0]);
        cr_expect(pick.sticky, "%s", routes[i][0]);
    }
    struct pick pick = routed("oldest");
    picked(balancer, &pick);
    cr_expect(!pick.sticky);
    balancer_free(balancer);
}

Test(balancer, stickiness_can_be_off)
{
    fixture_reset(2);
    fixture_settings.session.sticky = false;
    struct balancer *balancer = fixture_balancer();
    set_states(balancer, "BU");
    struct pick pick = routed("a");
    cr_expect_str_eq(picked(balancer, &pick), "b");
    balancer_free(balancer);
}

Test(balancer, full_workers_come_last_and_a_session_waits_for_its_own)
{
    fixture_reset(2);
    fixture_workers[0].max_connections = fixture_workers[1].max_connections = 2;
    struct balancer *balancer = fixture_balancer();
    struct pick pick = {.now_ms = 1};
    struct pick own = routed("a");
    for (int i = 0; i < 3; i++)
        worker_begin(balancer_pick(balancer, &pick), 0);
    while (balancer->workers[0].tally.busy < 2)
        worker_begin(&balancer->workers[0], 0);
    if (balancer->workers[1].tally.busy == 2)
        worker_end(&balancer->workers[1], 0);
    cr_expect_str_eq(picked(balancer, &pick), "b", "the one with room");
    cr_expect_str_eq(picked(balancer, &own), "a", "its queue is the engine's to keep");
    worker_begin(&balancer->workers[1], 0);
    cr_expect_not_null(balancer_pick(balancer, &pick), "all full: wait somewhere");
    balancer_free(balancer);
}

/* Counts of n picks in a row, each ended at once unless hold. */
static void spread(struct balancer *balancer, int n, bool hold, int *counts)
{
    memset(counts, 0, sizeof *counts * WORKERS_MAX);
    for (int i = 0; i < n; i++) {
        struct pick pick = {.now_ms = 1};
        struct worker *worker = balancer_pick(balancer, &pick);
        cr_assert_not_null(worker);
        counts[worker->index]++;
        if (hold)
            worker_begin(worker, 0);
    }
}

Test(balancer, equals_take_turns)
{
    int counts[WORKERS_MAX];
    fixture_reset(3);
    struct balancer *balancer = fixture_balancer();
    spread(balancer, 3, false, counts);
    cr_expect(counts[0] == 1 && counts[1] == 1 && counts[2] == 1);
    balancer_free(balancer);
}

Test(balancer, weights_are_kept_idle_and_busy)
{
    int counts[WORKERS_MAX];
    fixture_reset(3);
    fixture_workers[0].weight = 5;
    fixture_workers[1].weight = 3;
    for (int hold = 0; hold < 2; hold++) {
        struct balancer *balancer = fixture_balancer();
        spread(balancer, 900, hold, counts);
        cr_expect(counts[0] >= 490 && counts[0] <= 510, "hold %d: %d", hold, counts[0]);
        cr_expect(counts[1] >= 290 && counts[1] <= 310, "hold %d: %d", hold, counts[1]);
        balancer_free(balancer);
    }
}

Test(balancer, successor_depends_on_the_session_alone)
{
    char id[32];
    int counts[4] = {0}, moved = 0;
    fixture_reset(4);
    struct balancer *one = fixture_balancer(), *two = fixture_balancer();
    set_states(one, "DUUU");
    set_states(two, "DBSU"); /* what one instance sees of load must not matter */
    for (int i = 0; i < 3000; i++) {
        snprintf(id, sizeof id, "%08X.a", (unsigned)i * 2654435761u);
        struct pick pick = {.route = str("a"), .session_id = str(id), .now_ms = 1};
        struct worker *first = balancer_pick(one, &pick);
        struct worker *second = balancer_pick(two, &pick);
        cr_assert_eq(first->index, second->index);
        counts[first->index]++;
        /* The id without its route is the key: "a" or "gone" makes no difference. */
        snprintf(id, sizeof id, "%08X.gone", (unsigned)i * 2654435761u);
        pick = (struct pick){.route = str("gone"), .session_id = str(id), .now_ms = 1};
        cr_assert_eq(balancer_pick(one, &pick)->index, first->index);
        /* Another worker's end moves only its own sessions. */
        pick.tried = 2;
        moved += first->index != 1 && balancer_pick(one, &pick)->index != first->index;
    }
    for (int w = 1; w < 4; w++)
        cr_expect(counts[w] > 850 && counts[w] < 1150, "worker %d: %d", w, counts[w]);
    cr_expect_eq(moved, 0);
    balancer_free(one);
    balancer_free(two);
}

Test(balancer, successors_follow_weights)
{
    uint64_t a = rendezvous_hash(str("a")), b = rendezvous_hash(str("b"));
    int wins = 0;
    char key[16];
    for (int i = 0; i < 4000; i++) {
        snprintf(key, sizeof key, "%d", i);
        uint64_t k = rendezvous_hash(str(key));
        wins += rendezvous_cost(k, a, 3) < rendezvous_cost(k, b, 1);
    }
    cr_expect(wins > 2850 && wins < 3150, "%d of 4000, 3000 wanted", wins);
}

/* One pick for a new session (id NULL) or an old one. */
static struct worker *pick_one(struct balancer *balancer, const char *id, const char *route,
                               uint64_t now_ms)
{
    struct pick pick = {.session_id = str(id), .route = str(route), .now_ms = now_ms};
    return balancer_pick(balancer, &pick);
}

Test(balancer, methods_count_what_they_say)
{
    static const struct {
        enum method method;
        int a; /* picks of a out of the next 300, after 100 requests of old sessions went to a */
    } rows[] = {
        {METHOD_BUSYNESS, 150}, {METHOD_REQUESTS, 100}, {METHOD_SESSIONS, 150},
        {METHOD_TRAFFIC, 100},  {METHOD_LATENCY, 150},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int a = 0;
        fixture_reset(2);
        fixture_settings.balance.method = rows[i].method;
        struct balancer *balancer = fixture_balancer();
        for (int n = 0; n < 400; n++) {
            struct worker *w = pick_one(balancer, n < 100 ? "1.a" : NULL, n < 100 ? "a" : NULL, 1);
            worker_measure_traffic(w, 0, 10000);
            a += n >= 100 && w->index == 0;
        }
        cr_expect(a >= rows[i].a - 1 && a <= rows[i].a + 1, "method %d: %d", rows[i].method, a);
        balancer_free(balancer);
    }
}

Test(balancer, charges_are_forgotten_in_time)
{
    fixture_reset(2);
    fixture_settings.balance.method = METHOD_REQUESTS;
    struct balancer *balancer = fixture_balancer();
    for (int n = 0; n < 1000; n++)
        pick_one(balancer, "1.a", "a", 1000);
    uint64_t now = 1000, before = balancer->workers[0].tally.charge;
    for (int second = 0; second < 44; second++)
        load_decay(balancer, now += 1000);
    cr_expect_float_eq((double)balancer->workers[0].tally.charge / (double)before, 0.5, 0.01);
    load_decay(balancer, now + 500);
    cr_expect_float_eq((double)balancer->workers[0].tally.charge / (double)before, 0.5, 0.01);
    balancer_free(balancer);
}

Test(balancer, latency_prefers_the_quick_and_retries_the_slow)
{
    fixture_reset(2);
    fixture_settings.balance.method = METHOD_LATENCY;
    struct balancer *balancer = fixture_balancer();
    worker_measure_latency(&balancer->workers[0], 100);
    worker_measure_latency(&balancer->workers[1], 20);
    cr_expect_eq(pick_one(balancer, NULL, NULL, 1000)->index, 1);
    balancer->workers[1].tally.busy = 5;
    cr_expect_eq(pick_one(balancer, NULL, NULL, 1000)->index, 0, "six at 20 ms take longer");
    balancer->workers[1].tally.busy = 0;
    uint64_t now = 1000;
    bool retried = false;
    for (int second = 0; second < 600 && !retried; second++) {
        struct worker *w = pick_one(balancer, NULL, NULL, now += 1000);
        retried = w->index == 0;
        worker_measure_latency(w, 20);
    }
    cr_expect(retried);
    balancer_free(balancer);
}

Test(balancer, outlier_gets_no_new_sessions_for_a_while)
{
    static const struct {
        const char *script; /* what a answers: + 200, - 500, F a failure */
        bool ejected;
    } rows[] = {
        {"--", false}, {"---", true}, {"--+-", false}, {"--+---", true}, {"-F-", true}, {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_reset(2);
        fixture_settings.health.eject_after = 3;
        fixture_settings.health.eject_time = 5000;
        struct balancer *balancer = fixture_balancer();
        struct worker *a = &balancer->workers[0];
        balancer->workers[1].tally.busy = 9;
        for (const char *p = rows[i].script; *p; p++) {
            if (*p == 'F')
                worker_report(a, OUT_FAILED, 1, 1000);
            else
                worker_replied(a, *p == '+' ? 200 : 500, 1000);
        }
        size_t chosen = rows[i].ejected ? 1 : 0;
        cr_expect_eq(pick_one(balancer, NULL, NULL, 5999)->index, chosen, "%s", rows[i].script);
        cr_expect_eq(pick_one(balancer, "1.a", "a", 5999)->index, 0, "its sessions stay");
        cr_expect_eq(pick_one(balancer, NULL, NULL, 6000)->index, 0, "it is over");
        balancer->workers[1].health = HEALTH_DOWN;
        cr_expect_eq(pick_one(balancer, NULL, NULL, 5999)->index, 0, "there is no other");
        balancer_free(balancer);
    }
}

Test(balancer, hash_keeps_a_client_on_its_worker)
{
    fixture_reset(3);
    fixture_settings.balance.method = METHOD_HASH;
    struct balancer *balancer = fixture_balancer();
    int counts[3] = {0}, moved = 0;
    for (int i = 0; i < 600; i++) {
        char client[24];
        snprintf(client, sizeof client, "10.0.%d.%d", i / 250, i % 250);
        struct pick pick = {.key = str(client), .now_ms = 1};
        struct worker *first = balancer_pick(balancer, &pick);
        cr_assert_eq(balancer_pick(balancer, &pick)->index, first->index);
        counts[first->index]++;
        pick.tried = 4;
        moved += first->index != 2 && balancer_pick(balancer, &pick)->index != first->index;
    }
    cr_expect_eq(moved, 0);
    for (int w = 0; w < 3; w++)
        cr_expect(counts[w] > 140 && counts[w] < 260, "%d", counts[w]);
    balancer_free(balancer);
}

Test(balancer, worker_that_comes_back_starts_slowly)
{
    static const struct {
        uint64_t after_ms;
        int low, high; /* its picks out of 1000, beside one other */
    } rows[] = {{0, 40, 55}, {2500, 190, 210}, {5000, 325, 340}, {10000, 499, 501}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_reset(2);
        fixture_settings.balance.slow_start = 10000;
        struct balancer *balancer = fixture_balancer();
        struct worker *back = &balancer->workers[0];
        back->health = HEALTH_PROBE;
        for (int ok = 0; ok < 3; ok++)
            worker_report(back, OUT_OK, 1, 50000);
        cr_assert_eq(worker_health(back), HEALTH_UP);
        int picks = 0;
        for (int n = 0; n < 1000; n++)
            picks += pick_one(balancer, NULL, NULL, 50000 + rows[i].after_ms) == back;
        cr_expect(picks >= rows[i].low && picks <= rows[i].high, "after %d ms: %d",
                  (int)rows[i].after_ms, picks);
        balancer_free(balancer);
    }
}

Test(balancer, worker_that_comes_back_has_no_debt_to_make_up)
{
    fixture_reset(2);
    fixture_settings.balance.method = METHOD_REQUESTS;
    struct balancer *balancer = fixture_balancer();
    struct worker *back = &balancer->workers[0];
    back->health = HEALTH_DOWN;
    for (int n = 0; n < 5000; n++)
        pick_one(balancer, NULL, NULL, 1000);
    back->health = HEALTH_PROBE;
    for (int ok = 0; ok < 3; ok++)
        worker_report(back, OUT_OK, 1, 1000);
    int picks = 0;
    for (int n = 0; n < 100; n++)
        picks += pick_one(balancer, NULL, NULL, 1001) == back;
    cr_expect(picks >= 49 && picks <= 51, "%d", picks);
    balancer_free(balancer);
}

Test(balancer, worker_that_is_activated_starts_slowly)
{
    fixture_reset(2);
    fixture_settings.balance.slow_start = 10000;
    fixture_workers[0].activation = ACTIVATION_STOP;
    struct balancer *balancer = fixture_balancer();
    struct worker *a = &balancer->workers[0];
    worker_set_activation(a, ACTIVATION_ACTIVE, 50000);
    cr_expect_lt(load_share(a, 0, 50000), SHARE_UNIT / 10);
    cr_expect_eq(load_share(a, 0, 60000), SHARE_UNIT);
    worker_set_activation(a, ACTIVATION_ACTIVE, 60000);
    cr_expect_eq(load_share(a, 0, 60000), SHARE_UNIT, "it was active before");
    balancer_free(balancer);
}

Test(balancer, reload_keeps_what_is_known)
{
    fixture_reset(2);
    struct balancer *old = fixture_balancer();
    set_states(old, "DU");
    old->workers[0].errors = 7;
    old->workers[1].activation = ACTIVATION_DRAIN; /* by hand, not by the file */
    old->workers[1].drain_ms = 77;
    struct balancer *new = fixture_balancer();
    balancer_inherit(new, old);
    cr_expect_eq(worker_health(&new->workers[0]), HEALTH_DOWN);
    cr_expect_eq(new->workers[0].errors, 7);
    cr_expect_eq(new->workers[1].activation, ACTIVATION_DRAIN);
    cr_expect_eq(new->workers[1].drain_ms, 77);
    balancer_free(new);
    balancer_free(old);
}

Test(balancer, capacity_starts_slowly_too)
{
    fixture_reset(1);
    fixture_workers[0].max_connections = 100;
    fixture_settings.balance.slow_start = 10000;
    struct balancer *balancer = fixture_balancer();
    cr_expect_eq(load_capacity(&balancer->workers[0], 1000), 100);
    balancer->workers[0].recovered_ms = 1000;
    cr_expect_eq(load_capacity(&balancer->workers[0], 1000), 4);
    cr_expect_eq(load_capacity(&balancer->workers[0], 6000), 50);
    cr_expect_eq(load_capacity(&balancer->workers[0], 11000), 100);
    balancer_free(balancer);
}

Test(balancer, slow_start_of_the_daemon_is_a_setting)
{
    fixture_reset(1);
    fixture_workers[0].max_connections = 100;
    fixture_settings.balance.slow_start = 10000;
    struct balancer *balancer = fixture_balancer();
    uint64_t born = balancer->born_ms;
    struct worker *a = &balancer->workers[0];
    cr_expect_gt(born, 0);
    cr_expect_eq(load_capacity(a, born), 100, "not by itself");
    fixture_settings.balance.slow_start_boot = 4000;
    cr_expect_eq(load_capacity(a, born), 4);
    cr_expect_eq(load_capacity(a, born + 2000), 50);
    cr_expect_eq(load_capacity(a, born + 4000), 100);
    a->recovered_ms = born + 1000;
    cr_expect_eq(load_capacity(a, born + 2000), 9, "the slower of both");
    balancer->born_ms = 0;
    a->recovered_ms = 0;
    cr_expect_eq(load_capacity(a, 1), 100, "taken over");
    balancer_free(balancer);
}

Test(balancer, workers_that_are_new_after_a_reload_start_slowly)
{
    fixture_reset(2);
    fixture_settings.balance.slow_start = 10000;
    struct balancer *old = fixture_balancer();
    struct worker_settings before = fixture_workers[1];
    old->born_ms = 77;
    old->workers[1].settings = &before;
    fixture_workers[1].port = 9;
    fixture_settings.worker_count = 3;
    fixture_workers[2] = fixture_workers[0];
    fixture_workers[2].name = str("new");
    struct balancer *new = fixture_balancer();
    balancer_inherit(new, old);
    uint64_t now = new->workers[2].recovered_ms;
    cr_expect_eq(new->born_ms, 77);
    cr_expect_eq(new->workers[0].recovered_ms, 0, "the same");
    cr_expect_gt(new->workers[1].recovered_ms, 0, "at another address");
    cr_assert_gt(now, 0, "new");
    cr_expect_lt(load_share(&new->workers[2], 0, now), SHARE_UNIT / 10);
    struct balancer *next = fixture_balancer();
    balancer_inherit(next, new);
    cr_expect_eq(next->workers[2].recovered_ms, now, "and goes on");
    balancer_free(next);
    balancer_free(new);
    balancer_free(old);
}

Test(balancer, while_all_are_down_one_try_a_second)
{
    fixture_reset(2);
    struct balancer *balancer = fixture_balancer();
    set_states(balancer, "DD");
    struct pick pick = {.now_ms = 5000};
    cr_expect_str_eq(picked(balancer, &pick), "a");
    worker_report(&balancer->workers[0], OUT_REFUSED, 1, 5000);
    cr_expect_str_eq(picked(balancer, &pick), "-");
    pick.now_ms = 5999;
    cr_expect_str_eq(picked(balancer, &pick), "-");
    pick.now_ms = 6000;
    cr_expect_str_eq(picked(balancer, &pick), "b", "the one whose failure is longest ago");
    worker_report(&balancer->workers[1], OUT_OK, 2, 6000);
    cr_expect_str_eq(picked(balancer, &pick), "b",
                     "it answered: no other has to wait for the prober");
    set_states(balancer, "DD");
    fixture_settings.health.path = str("/health");
    pick.now_ms = 7000;
    struct worker *forced = balancer_pick(balancer, &pick);
    cr_assert_not_null(forced);
    worker_report(forced, OUT_OK, 3, 7000);
    cr_expect_eq(worker_health(forced), HEALTH_DOWN, "the page decides, not the request");
    balancer_free(balancer);
}

Test(balancer, sixty_four_workers)
{
    int counts[WORKERS_MAX];
    static char names[WORKERS_MAX][4];
    fixture_reset(0);
    fixture_settings.worker_count = WORKERS_MAX;
    for (int i = 0; i < WORKERS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "w%02d", i);
        fixture_workers[i] = (struct worker_settings){
            .name = ajp_str_of(names[i], 3), .host = str("::1"), .port = 1, .weight = 1};
    }
    struct balancer *balancer = fixture_balancer();
    spread(balancer, 2 * WORKERS_MAX, false, counts);
    for (int i = 0; i < WORKERS_MAX; i++)
        cr_expect_eq(counts[i], 2);
    cr_expect_eq(balancer_find(balancer, str("w63"))->index, 63);
    cr_expect_null(balancer_find(balancer, str("w64")));
    cr_expect_null(balancer_find(balancer, AJP_NULL));
    balancer_free(balancer);
}

Test(balancer, name_that_does_not_resolve_is_down_until_it_does)
{
    char reason[REASON_MAX];
    fixture_reset(2);
    fixture_workers[1].host = str("no-such-host.invalid");
    struct balancer *first = fixture_balancer();
    struct worker *worker = &first->workers[1];
    cr_expect_eq(worker_health(&first->workers[0]), HEALTH_UP);
    cr_expect_eq(worker_health(worker), HEALTH_DOWN);
    worker_reason(worker, reason);
    cr_expect_str_eq(reason, ADDRESS_NOT_KNOWN);
    cr_expect(!address_known(worker));
    cr_expect_eq(worker_address(worker)->sa_family, AF_UNSPEC);
    cr_expect(address_set(worker, fixture_found("1", 1)));
    cr_expect(address_known(worker));
    worker->health = HEALTH_UP;
    struct balancer *second = fixture_balancer();
    balancer_inherit(second, first);
    cr_expect(address_known(&second->workers[1]), "a reload keeps what the name meant");
    cr_expect_eq(worker_health(&second->workers[1]), HEALTH_UP);
    balancer_free(first);
    balancer_free(second);
}

static char digit_of(const struct sockaddr *address)
{
    const struct sockaddr_in *in = (const void *)address;
    return address ? (char)('0' + (ntohl(in->sin_addr.s_addr) & 15)) : '-';
}

/* All that a connect goes through. */
static const char *walked(const struct worker *worker)
{
    static char seen[20];
    struct address_walk walk;
    size_t n = 0;
    for (const struct sockaddr *at = address_begin(worker, &walk); at && n + 1 < sizeof seen;
         at = address_next(worker, &walk))
        seen[n++] = digit_of(at);
    seen[n] = 0;
    return seen;
}

Test(worker, addresses_are_tried_in_the_resolver_s_order_from_the_one_that_answered)
{
    static const struct {
        const char *found, *answers, *then, *walk;
    } rows[] = {
        {"1", "1", "1", "1"},
        {"123", "1", "123", "123"},
        {"123", "2", "123", "231"},
        {"123", "3", "321", "321"}, /* another order: the one that answered all the same */
        {"123", "2", "312", "231"},
        {"123", "2", "13", "13"}, /* it is gone */
        {"12", "2", "4", "4"},
        {"1122", "2", "1122", "21"}, /* named twice */
        {"123456789", "1", "123456789", "12345678"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_reset(1);
        struct balancer *balancer = fixture_balancer();
        struct worker *worker = &balancer->workers[0];
        struct address_walk walk;
        address_set(worker, fixture_found(rows[i].found, 1));
        const struct sockaddr *at = address_begin(worker, &walk);
        while (at && digit_of(at) != rows[i].answers[0])
            at = address_next(worker, &walk);
        cr_assert_not_null(at);
        address_keep(worker, &walk);
        cr_expect_eq(digit_of(worker_address(worker)), rows[i].answers[0], "row %zu", i);
        address_set(worker, fixture_found(rows[i].then, 1));
        cr_expect_str_eq(walked(worker), rows[i].walk, "row %zu", i);
        balancer_free(balancer);
    }
}

/* A look-up ends while somebody connects. */
Test(worker, addresses_may_change_under_a_connect)
{
    fixture_reset(1);
    struct balancer *balancer = fixture_balancer();
    struct worker *worker = &balancer->workers[0];
    struct address_walk walk;
    address_set(worker, fixture_found("12", 1));
    address_begin(worker, &walk);
    address_set(worker, fixture_found("34", 1));
    cr_expect_eq(digit_of(address_now(worker, &walk)), '3');
    cr_expect_eq(digit_of(address_next(worker, &walk)), '3');
    cr_expect_null(address_next(worker, &walk));
    address_begin(worker, &walk);
    address_next(worker, &walk);
    address_set(worker, fixture_found("56", 1));
    address_keep(worker, &walk);
    cr_expect_eq(digit_of(worker_address(worker)), '5', "what answered is no address any more");
    balancer_free(balancer);
}

Test(worker, address_that_answered_outlives_a_reload)
{
    fixture_reset(1);
    struct balancer *old = fixture_balancer(), *new = fixture_balancer();
    struct address_walk walk;
    address_set(&old->workers[0], fixture_found("123", 1));
    address_set(&new->workers[0], fixture_found("312", 1));
    address_begin(&old->workers[0], &walk);
    address_next(&old->workers[0], &walk);
    address_keep(&old->workers[0], &walk);
    balancer_inherit(new, old);
    cr_expect_eq(digit_of(worker_address(&new->workers[0])), '2');
    balancer_free(old);
    balancer_free(new);
}

Test(worker, localhost_is_ipv4_first)
{
    if (!fixture_knows_localhost())
        cr_skip_test("no /etc/hosts here");
    fixture_reset(1);
    fixture_workers[0].host = str("localhost");
    struct balancer *balancer = fixture_balancer();
    cr_expect_eq(worker_address(&balancer->workers[0])->sa_family, AF_INET);
    balancer_free(balancer);
}

/* A script of reports, one letter each, every one 100 ms after the last: O ok, R refused,
 * T connect timeout, C CPing failed, S no CPong, F failed, f failed again by the same request,
 * N neutral, A a CPong came, b some byte came, w eleven seconds go by, s one; of the prober: +
 * well,
 * - refused or wrong, ~ no CPong, p no page. B a request begins. Silence lasts a second. After an x
 * it has never answered a CPing. */
static enum finding finding_of(char letter)
{
    static const char letters[] = "+-~p";
    static const enum finding findings[] = {FOUND_WELL, FOUND_BAD, FOUND_SILENT, FOUND_SLOW_PAGE};
    const char *at = strchr(letters, letter);
    cr_assert_not_null(at, "%c", letter);
    return findings[at - letters];
}

static enum health after(const char *script)
{
    fixture_reset(1);
    struct balancer *balancer = fixture_balancer();
    struct worker *w = &balancer->workers[0];
    uint64_t now = 1000, request = 1;
    w->answers_cping = *script != 'x';
    for (const char *p = script + (*script == 'x'); *p; p++, now += 100) {
        static const char letters[] = "ONRTCSF";
        static const enum worker_outcome outcomes[] = {
            OUT_OK,           OUT_NEUTRAL,      OUT_REFUSED, OUT_CONNECT_TIMEOUT,
            OUT_CPING_FAILED, OUT_CPING_SILENT, OUT_FAILED};
        const char *letter = strchr(letters, *p);
        if (letter)
            worker_report(w, outcomes[letter - letters], ++request, now);
        else if (*p == 'f')
            worker_report(w, OUT_FAILED, request, now);
        else if (*p == 'A')
            worker_answered(w, now);
        else if (*p == 'B')
            worker_begin(w, 0);
        else if (*p == 'b')
            worker_breathed(w, now);
        else if (*p == 'w' || *p == 's')
            now += *p == 'w' ? 11000 : 1000;
        else
            worker_probed(w, finding_of(*p), "as found", now);
    }
    enum health health = worker_health(w);
    balancer_free(balancer);
    return health;
}

Test(worker, health_moves_by_the_rules)
{
    static const struct {
        const char *script;
        enum health expected;
    } rows[] = {
        {"", HEALTH_UP},
        {"OOO", HEALTH_UP},
        {"R", HEALTH_SUSPECT},
        {"RR", HEALTH_DOWN},
        {"ROR", HEALTH_SUSPECT},
        {"RNR", HEALTH_DOWN},
        {"T", HEALTH_SILENT},
        {"TTTwTTT", HEALTH_SILENT}, /* users that wait for a connection alone never take it down */
        {"T+", HEALTH_UP},
        {"T-", HEALTH_DOWN},
        {"C", HEALTH_SUSPECT},
        {"CCCCCC", HEALTH_SUSPECT},
        {"F", HEALTH_UP},
        {"FF", HEALTH_UP},
        {"FFF", HEALTH_SUSPECT},
        {"Ffffff", HEALTH_UP},
        {"FffffF", HEALTH_SUSPECT},
        {"FFwF", HEALTH_UP},
        {"FFwFFF", HEALTH_SUSPECT},
        {"FFFFFFFFFFFF", HEALTH_SUSPECT}, /* users' requests alone never take it down */
        {"NNNNNNN", HEALTH_UP},
        {"FFF+", HEALTH_UP},
        {"FFF-", HEALTH_DOWN},
        {"-", HEALTH_SUSPECT},
        {"--", HEALTH_DOWN},
        {"-+", HEALTH_UP},
        {"RR-", HEALTH_DOWN},
        {"RR+", HEALTH_PROBE},
        {"RRO", HEALTH_DOWN}, /* no request was forced: this one began before */
        {"RR+OO", HEALTH_PROBE},
        {"RR+OOO", HEALTH_UP},
        {"RR+++", HEALTH_PROBE},
        {"RR++++", HEALTH_UP},
        {"RR+OOF", HEALTH_DOWN},
        {"RR+-", HEALTH_DOWN},
        {"RR+NNNN", HEALTH_PROBE},
        {"RR+R", HEALTH_DOWN},
        {"RR+OOOR", HEALTH_SUSPECT},
        /* silence is no refusal */
        {"S", HEALTH_SILENT},
        {"S+", HEALTH_UP},
        {"SA", HEALTH_UP},
        {"SO", HEALTH_UP},
        {"SN", HEALTH_SILENT},
        {"SSSwSSS", HEALTH_SILENT}, /* the prober alone takes it down */
        {"~", HEALTH_SILENT},
        {"C~", HEALTH_SILENT},
        {"~~~~~~~~", HEALTH_SILENT},
        {"~s~", HEALTH_DOWN},
        {"~~~sb~", HEALTH_SILENT}, /* bytes still come: busy is not dead */
        {"~sbs~", HEALTH_DOWN},
        {"~b", HEALTH_SILENT}, /* and yet no thread is free */
        {"~R", HEALTH_SILENT},
        {"~RR", HEALTH_DOWN},
        {"~-", HEALTH_DOWN}, /* the process has gone */
        {"~F", HEALTH_SILENT},
        {"~FFF", HEALTH_SILENT},
        {"~s~+", HEALTH_UP}, /* it is what it was: no probation */
        {"~s~O", HEALTH_UP},
        {"~s~A", HEALTH_UP},
        {"~s~-+", HEALTH_PROBE}, /* what answers is another process */
        {"RR~", HEALTH_DOWN},
        {"RR~+", HEALTH_PROBE},
        {"RR~A", HEALTH_DOWN},
        {"RR+~", HEALTH_DOWN},
        {"x~s~", HEALTH_SILENT}, /* perhaps it answers none */
        {"x~s~O", HEALTH_UP},
        {"x~sB~", HEALTH_SILENT}, /* a request has just begun */
        {"x~Bs~", HEALTH_SILENT},
        {"x~B~s~", HEALTH_DOWN}, /* nor its users */
        {"x~B~Os~", HEALTH_SILENT},
        {"x~B~s~O", HEALTH_UP},
        /* nor is a page that is late */
        {"p", HEALTH_SUSPECT},
        {"ppppp", HEALTH_SUSPECT},
        {"psp", HEALTH_DOWN},
        {"p+", HEALTH_UP},
        {"~p", HEALTH_SUSPECT},
        {"psp+", HEALTH_PROBE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(after(rows[i].script), rows[i].expected, "%s: %s", rows[i].script,
                     health_name(after(rows[i].script)));
}

Test(worker, prober_wants_several_equal_answers_where_told)
{
    static const struct {
        uint32_t fall, rise;
        const char *script; /* of the prober: + and - */
        enum health expected;
    } rows[] = {
        {1, 1, "-", HEALTH_DOWN},        {2, 1, "-", HEALTH_SUSPECT},
        {3, 1, "--", HEALTH_SUSPECT},    {3, 1, "---", HEALTH_DOWN},
        {3, 1, "--+--", HEALTH_SUSPECT}, {5, 1, "-----", HEALTH_DOWN},
        {1, 1, "-+", HEALTH_PROBE},      {1, 3, "-++", HEALTH_DOWN},
        {1, 3, "-+++", HEALTH_PROBE},    {1, 3, "-++-++", HEALTH_DOWN},
        {1, 2, "-++++", HEALTH_PROBE},   {1, 2, "-+++++", HEALTH_UP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_reset(1);
        fixture_settings.health.fall = rows[i].fall;
        fixture_settings.health.rise = rows[i].rise;
        struct balancer *balancer = fixture_balancer();
        struct worker *w = &balancer->workers[0];
        for (const char *p = rows[i].script; *p; p++)
            worker_probed(w, finding_of(*p), "as found", 1000);
        cr_expect_eq(worker_health(w), rows[i].expected, "fall %u rise %u %s: %s", rows[i].fall,
                     rows[i].rise, rows[i].script, health_name(worker_health(w)));
        balancer_free(balancer);
    }
}

static void count_wake(void *ctx)
{
    ++*(int *)ctx;
}

Test(worker, prober_is_woken_when_it_is_needed)
{
    int woken = 0;
    fixture_reset(1);
    struct balancer *balancer = fixture_balancer();
    balancer_set_wake(balancer, count_wake, &woken);
    worker_report(&balancer->workers[0], OUT_OK, 1, 1);
    cr_expect_eq(woken, 0);
    worker_report(&balancer->workers[0], OUT_REFUSED, 1, 1);
    cr_expect_eq(woken, 1);
    worker_report(&balancer->workers[0], OUT_REFUSED, 2, 1);
    cr_expect_eq(woken, 2);
    cr_expect_eq(balancer->workers[0].errors, 2);
    cr_expect_eq(balancer->workers[0].served, 1);
    balancer_free(balancer);
}

/* What serves nobody is tried again after growing pauses, by one request each. */
Test(worker, requests_without_a_reply_eject_it_for_a_while)
{
    fixture_reset(2);
    fixture_settings.health.max_fails = 3;
    fixture_settings.health.eject_time = 30000;
    struct balancer *balancer = fixture_balancer();
    struct worker *w = &balancer->workers[0];
    uint64_t now = 1000, request = 0;
    worker_report(w, OUT_FAILED, ++request, now);
    worker_report(w, OUT_FAILED, ++request, now);
    worker_replied(w, 500, now);
    for (int i = 0; i < 2; i++)
        worker_report(w, OUT_FAILED, ++request, now);
    worker_report(w, OUT_REPLY_TIMEOUT, ++request, now);
    worker_report(w, OUT_NEUTRAL, ++request, now);
    cr_expect_eq(w->ejected_ms, 0, "a reply came between, and none came late");
    static const uint64_t pauses[] = {5000, 10000, 20000, 30000, 30000};
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        worker_report(w, OUT_FAILED, ++request, now);
        cr_expect_eq(w->ejected_ms, now + pauses[i], "%zu", i);
        cr_expect_eq(w->recovered_ms, now + pauses[i], "then slowly");
        worker_report(w, OUT_FAILED, ++request, now + 1);
        cr_expect_eq(w->ejected_ms, now + pauses[i], "it may be of before");
        now += pauses[i];
    }
    worker_replied(w, 200, now);
    for (int i = 0; i < 3; i++)
        worker_report(w, OUT_FAILED, ++request, now);
    cr_expect_eq(w->ejected_ms, now + pauses[0]);
    balancer_free(balancer);
}
