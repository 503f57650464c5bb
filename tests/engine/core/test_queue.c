/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for one of two workers with a connection each. */
#include "core/queue.h"

#include <criterion/criterion.h>
#include <string.h>

enum { WORKERS = 2 };

static struct worker_settings worker_settings[WORKERS];
static struct settings settings;
static struct shard shard;
static struct generation generation; /* its one user is this file */
static struct worker *workers;
static int fails, wakes;
static uint16_t fail_status;

/* As back_ajp's, without a connection. */
static void fake_start(struct exchange *x)
{
    if (worker_holds(x->worker) && !queue_hold(x))
        return;
    if (capacity_take(x->worker, shard_now(&shard)) || queue_wait(x))
        x->link = &shard;
}

static void fake_cancel(struct exchange *x)
{
    x->link = NULL;
}

static void fake_fail(struct exchange *x, uint16_t status)
{
    (void)x;
    fails++;
    fail_status = status;
}

static void fake_end(struct exchange *x)
{
    (void)x;
}

static void fake_wake(struct shard *sh)
{
    (void)sh;
    wakes++;
}

static const struct back_ops back = {.start = fake_start, .cancel = fake_cancel};
static const struct front_ops front = {.fail = fake_fail, .end = fake_end};

static void begin(void)
{
    char error[128];

    memset(&settings, 0, sizeof(settings));
    for (int i = 0; i < WORKERS; i++)
        worker_settings[i] = (struct worker_settings){
            .name = i == 0 ? AJP_STR("a") : AJP_STR("b"),
            .proto = PROTO_AJP,
            .host = AJP_STR("127.0.0.1"),
            .port = 8009,
            .weight = 1,
            .packet_size = 8192,
            .max_connections = 1,
        };
    settings.workers = worker_settings;
    settings.worker_count = WORKERS;
    settings.threads = 1;
    settings.limits = (struct limits){.max_attempts = 3, .queue = 2};
    settings.timeouts.queue = 5000;
    settings.session = (struct session_settings){.cookie = AJP_STR("JSESSIONID"),
                                                 .param = AJP_STR("jsessionid"),
                                                 .separator = '.',
                                                 .sticky = true};
    log_setup(LEVEL_ERROR, LOG_TEXT);
    memset(&shard, 0, sizeof(shard));
    cr_assert_eq(loop_init(&shard.loop, 8192), 0);
    shard.settings = &settings;
    shard.wake_all = fake_wake;
    generation = (struct generation){.settings = &settings, .users = 1};
    generation.balancer = balancer_new(&settings, error, sizeof(error));
    cr_assert_not_null(generation.balancer, "%s", error);
    workers = generation.balancer->workers;
    for (int i = 0; i < WORKERS; i++)
        worker_answered_cping(&workers[i]);
    shard.pools = pools_new(&generation);
    shard.backs[PROTO_AJP] = &back;
    fails = wakes = 0;
}

static void end(void)
{
    exchange_pool_clear(&shard);
    for (int i = 0; i < WORKERS; i++) {
        cr_assert_eq(workers[i].tally.busy, 0);
        cr_assert_eq(workers[i].room->waiting, 0);
        cr_assert_eq(workers[i].room->suitors, 0);
        cr_assert_eq(workers[i].room->connections, 0);
    }
    pools_leave(shard.pools);
    cr_assert_eq(generation.users, 1);
    balancer_free(generation.balancer);
    loop_close(&shard.loop);
}

static struct exchange *request(void)
{
    struct exchange *x = exchange_take(&shard, &front, NULL);

    x->head.method = AJP_STR("POST");
    x->head.path = AJP_STR("/x");
    x->head.content_length = 10;
    return x;
}

static struct exchange *started(void)
{
    struct exchange *x = request();

    exchange_start(x);
    return x;
}

/* One that goes to w, as its session says. */
static struct exchange *started_at(struct worker *w)
{
    struct exchange *x = request();

    x->pools = pools_enter(shard.pools);
    x->pick.route = w->settings->name;
    x->worker = w;
    x->pick.sticky = true;
    x->attempts = 1;
    x->back = &back;
    worker_begin(w, 0);
    fake_start(x);
    return x;
}

/* It was answered; its connection closes. */
static void done(struct exchange *x)
{
    x->link = NULL;
    capacity_give(&shard, x->worker);
    exchange_end(x);
    exchange_give(x);
}

TestSuite(queue, .init = begin, .fini = end);

Test(queue, a_waiter_goes_where_a_connection_comes_free)
{
    struct exchange *one = started(), *two = started(), *x = started();
    struct worker *first = x->worker;
    bool its_own = one->worker == first;

    cr_assert_neq(one->worker, two->worker);
    cr_assert(x->queued);
    cr_assert_eq(first->room->suitors, 0);
    cr_assert_eq(workers[1 - first->index].room->suitors, 1);
    wakes = 0;
    done(its_own ? two : one);
    cr_assert_eq(wakes, 1, "who waits for another worker is told too");
    queue_look_again(&shard);
    cr_assert_not(x->queued);
    cr_assert_neq(x->worker, first);
    cr_assert_eq(x->attempts, 1, "it is its first");
    done(x);
    done(its_own ? one : two);
}

Test(queue, a_sessions_waiter_stays_while_its_worker_is_of_use)
{
    struct exchange *x, *y, *at_work = started_at(&workers[0]);

    x = started_at(&workers[0]);
    y = started_at(&workers[0]);
    cr_assert(x->queued && y->queued);
    cr_assert_eq(workers[1].room->suitors, 0);
    wakes = 0;
    worker_set_activation(&workers[0], ACTIVATION_DRAIN, 0);
    queue_look_again(&shard);
    cr_assert_eq(x->worker, &workers[0]);
    worker_set_activation(&workers[0], ACTIVATION_STOP, 0);
    queue_look_again(&shard);
    cr_assert_eq(x->worker, &workers[1]);
    cr_assert_not(x->queued);
    cr_assert_eq(y->worker, &workers[1], "to wait there");
    cr_assert(y->queued);
    done(at_work);
    done(x);
    queue_look_again(&shard);
    cr_assert_not(y->queued);
    done(y);
    cr_assert_eq(fails, 0);
}

Test(queue, a_full_one_sends_on_until_all_are)
{
    struct exchange *x[8];

    for (int i = 0; i < 7; i++) /* one at work, two in line, at each; the last has no place */
        x[i] = started_at(&workers[0]);
    cr_assert_eq(workers[0].room->waiting, 2);
    cr_assert_eq(workers[1].room->waiting, 2);
    cr_assert_eq(fails, 1);
    cr_assert_eq(fail_status, 503);
    exchange_give(x[6]);
    for (int i = 0; i < 6; i++)
        if (x[i]->queued) {
            exchange_cancel(x[i], "gone");
            exchange_give(x[i]);
            x[i] = NULL;
        }
    for (int i = 0; i < 6; i++)
        if (x[i] != NULL)
            done(x[i]);
}

/* Else it would look past the connection that it is served with, for ever. */
Test(queue, a_waiter_takes_any_connection)
{
    struct exchange *x, *at_work = started_at(&workers[0]);

    x = request();
    x->fresh_only = true;
    x->pools = pools_enter(shard.pools);
    x->worker = &workers[0];
    x->attempts = 1;
    x->back = &back;
    worker_begin(x->worker, 0);
    fake_start(x);
    cr_assert(x->queued);
    cr_assert_not(x->fresh_only);
    exchange_cancel(x, "gone");
    exchange_give(x);
    done(at_work);
}

/* Its worker has fallen silent: nothing is sent there, and yet it stays its own. */
Test(queue, a_silent_workers_sessions_wait_for_it)
{
    struct exchange *x[8];

    worker_settings[0].max_connections = worker_settings[1].max_connections = 0;
    settings.limits.queue = 2;
    worker_probed(&workers[0], FOUND_SILENT, "test", 1);
    for (int i = 0; i < 8; i++) {
        x[i] = started_at(&workers[0]);
        cr_assert(x[i]->queued, "no line is too long");
    }
    queue_look_again(&shard);
    for (int i = 0; i < 8; i++)
        cr_assert(x[i]->queued && x[i]->worker == &workers[0]);
    worker_answered(&workers[0], 2);
    queue_look_again(&shard);
    for (int i = 0; i < 8; i++) {
        cr_assert(!x[i]->queued && x[i]->worker == &workers[0]);
        done(x[i]);
    }
    cr_assert_eq(fails, 0);
}

Test(queue, who_is_of_no_session_need_not_wait_for_it)
{
    struct exchange *x;

    worker_settings[0].max_connections = worker_settings[1].max_connections = 0;
    for (int i = 0; i < WORKERS; i++)
        worker_probed(&workers[i], FOUND_SILENT, "test", 1);
    x = started();
    cr_assert(x->queued, "for want of others");
    cr_assert_eq(x->worker->room->waiting, 1);
    worker_answered(&workers[1 - x->worker->index], 2);
    queue_look_again(&shard);
    cr_assert_not(x->queued);
    cr_assert_eq(worker_health(x->worker), HEALTH_UP);
    done(x);
}

Test(queue, a_silent_workers_sessions_go_on_when_it_is_down)
{
    struct exchange *x, *y;

    worker_settings[0].max_connections = worker_settings[1].max_connections = 0;
    settings.health.silence = 100;
    worker_probed(&workers[0], FOUND_SILENT, "test", 1);
    x = started_at(&workers[0]);
    worker_probed(&workers[0], FOUND_SILENT, "test", 101);
    cr_assert_eq(worker_health(&workers[0]), HEALTH_DOWN);
    queue_look_again(&shard);
    cr_assert_eq(x->worker, &workers[1]);
    cr_assert_not(x->queued);
    done(x);
    worker_set_activation(&workers[1], ACTIVATION_STOP, 102);
    y = started();
    cr_assert_eq(y->worker, &workers[0], "the only one: it may answer yet");
    cr_assert(y->queued);
    queue_look_again(&shard);
    cr_assert(y->queued);
    worker_answered(&workers[0], 103);
    queue_look_again(&shard);
    cr_assert_not(y->queued);
    done(y);
    cr_assert_eq(fails, 0);
}

/* All of its connections are stuck, and nobody else's turn comes: that is no reason to leave it. */
Test(queue, who_waits_for_a_connection_waits_on_when_its_worker_falls_silent)
{
    for (int silent = 0; silent < 2; silent++) {
        struct exchange *at_work, *x;
        uint64_t until;

        settings.timeouts.queue = 200;
        at_work = started_at(&workers[0]);
        x = started_at(&workers[0]);
        x->reply_timeout = 60000;
        cr_assert(x->queued);
        if (silent)
            worker_probed(&workers[0], FOUND_SILENT, "test", 1);
        until = shard_now(&shard) + 600;
        while (shard_now(&shard) < until)
            loop_turn(&shard.loop, false);
        cr_assert_eq(x->queued, silent);
        cr_assert_eq(x->worker, &workers[silent ? 0 : 1]);
        worker_answered(&workers[0], 2);
        done(at_work);
        queue_look_again(&shard);
        cr_assert_not(x->queued);
        cr_assert_eq(x->worker, &workers[silent ? 0 : 1]);
        done(x);
    }
    cr_assert_eq(fails, 0);
}

/* Its backlog is not to overflow at once. */
Test(queue, a_worker_that_answers_again_gets_its_connections_by_and_by)
{
    enum { COUNT = 100 };
    struct exchange *x[COUNT];
    int left = 0;

    worker_settings[0].max_connections = 0;
    worker_probed(&workers[0], FOUND_SILENT, "test", 1);
    for (int i = 0; i < COUNT; i++)
        x[i] = started_at(&workers[0]);
    worker_answered(&workers[0], 2);
    shard.pools->counts[0].connecting = 63;
    queue_look_again(&shard);
    for (int i = 0; i < COUNT; i++)
        left += x[i]->queued;
    cr_assert_eq(left, 0, "the fake opens none");
    for (int i = 0; i < COUNT; i++)
        done(x[i]);
    worker_probed(&workers[0], FOUND_SILENT, "test", 3);
    x[0] = started_at(&workers[0]);
    worker_answered(&workers[0], 4);
    shard.pools->counts[0].connecting = 64;
    queue_look_again(&shard);
    cr_assert(x[0]->queued);
    shard.pools->counts[0].connecting--;
    queue_next(&shard, shard.pools, &workers[0]);
    cr_assert_not(x[0]->queued);
    done(x[0]);
    shard.pools->counts[0].connecting = 0;
}
