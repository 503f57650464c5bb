/* SPDX-License-Identifier: Apache-2.0 */
/* Hot spares: who stands in, and for whom. */
#include "balance_fixture.h"

enum { WORKERS = 4 };

static void quiet(void)
{
    log_setup(LEVEL_ERROR, LOG_TEXT);
}

TestSuite(spares, .init = quiet);

/* One letter a worker. Of the file: p spare, y standby, x and z those two, stopped by now.
 * D is down, Z silent; d drain and s stop were set at run time; e drain and t stop are of the file.
 */
static struct balancer *balancer_of(const char *states)
{
    fixture_reset(WORKERS);
    for (size_t w = 0; w < WORKERS; w++) {
        enum activation *activation = &fixture_workers[w].activation;
        if (strchr("px", states[w]))
            *activation = ACTIVATION_SPARE;
        else if (strchr("yz", states[w]))
            *activation = ACTIVATION_STANDBY;
        else if (strchr("et", states[w]))
            *activation = states[w] == 'e' ? ACTIVATION_DRAIN : ACTIVATION_STOP;
    }
    struct balancer *balancer = fixture_balancer();
    for (size_t w = 0; w < WORKERS; w++) {
        struct worker *worker = &balancer->workers[w];
        if (states[w] == 'D')
            worker->health = HEALTH_DOWN;
        else if (states[w] == 'Z')
            worker->health = HEALTH_SILENT;
        else if (strchr("dsxz", states[w]))
            worker_set_activation(worker, states[w] == 'd' ? ACTIVATION_DRAIN : ACTIVATION_STOP, 1);
    }
    return balancer;
}

/* Who gets new requests, '+' or '-'. */
static const char *tally_of(struct balancer *balancer)
{
    static char tally[WORKERS + 1];
    memset(tally, '-', WORKERS);
    for (int i = 0; i < 10 * WORKERS; i++) {
        struct pick pick = {.now_ms = 1};
        const struct worker *worker = balancer_pick(balancer, &pick);
        if (worker)
            tally[worker->index] = '+';
    }
    return tally;
}

Test(spares, stand_in_one_for_one)
{
    static const struct {
        const char *states, *tally;
    } rows[] = {
        {"UUpp", "++--"},
        {"DDDD", "+---"},
        {"DUpp", "-++-"},
        {"DDpp", "--++"},
        {"DUDp", "-+-+"},
        /* silent ones are no use to new sessions */
        {"ZUpp", "-++-"},
        {"ZZpp", "--++"},
        {"ZDDD", "+---"},
        /* drained and stopped ones cannot be used either */
        {"dUpp", "-++-"},
        {"sUpp", "-++-"},
        {"eUpp", "-++-"},
        {"tUpp", "-++-"},
        {"sdpp", "--++"},
        {"dDpU", "--++"},
        {"sDpp", "--++"},
        /* who only stands by leaves no gap */
        {"UUxp", "++--"},
        {"DUxp", "-+-+"},
        {"sUxp", "-+-+"},
        {"UUzp", "++--"},
        {"UUyp", "++--"},
        /* a spare goes before a standby */
        {"sypy", "--+-"},
        {"Dypy", "--+-"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct balancer *balancer = balancer_of(rows[i].states);
        cr_expect_str_eq(tally_of(balancer), rows[i].tally, "%s: %s", rows[i].states,
                         tally_of(balancer));
        balancer_free(balancer);
    }
}

Test(spares, rest_when_the_worker_is_back)
{
    struct balancer *balancer = balancer_of("sUpp");
    cr_expect_str_eq(tally_of(balancer), "-++-");
    worker_set_activation(&balancer->workers[0], ACTIVATION_ACTIVE, 1);
    cr_expect_str_eq(tally_of(balancer), "++--");
    balancer_free(balancer);
}

Test(spares, keep_the_sessions_they_took)
{
    struct balancer *balancer = balancer_of("UUpp");
    struct pick pick = {.route = str("c"), .session_id = str("1.c"), .now_ms = 1};
    cr_expect_eq(balancer_pick(balancer, &pick), &balancer->workers[2]);
    cr_expect(pick.sticky);
    balancer_free(balancer);
}

Test(spares, can_be_made_at_run_time)
{
    struct balancer *balancer = balancer_of("UUUU");
    worker_set_activation(&balancer->workers[3], ACTIVATION_SPARE, 1);
    cr_expect_str_eq(tally_of(balancer), "+++-");
    worker_set_activation(&balancer->workers[0], ACTIVATION_STOP, 1);
    cr_expect_str_eq(tally_of(balancer), "-+++");
    struct balancer *next = fixture_balancer();
    balancer_inherit(next, balancer);
    cr_expect_str_eq(tally_of(next), "-+++", "after a reload");
    worker_set_activation(&next->workers[3], ACTIVATION_ACTIVE, 1);
    cr_expect_str_eq(tally_of(next), "-+++", "no spare any more, but active");
    balancer_free(next);
    balancer_free(balancer);
}
