/* SPDX-License-Identifier: Apache-2.0 */
/* The prober against a worker that answers, lies, hangs or is not there. */
#include "balance/health.h"

#include "balance_fixture.h"

#include <stdlib.h>
#include <unistd.h>

enum behaviour { ANSWER, JUNK, SILENT, CLOSE };

enum { CLIENTS = 8 };

static struct loop net;
static uv_loop_t *const loop = &net.uv;
static uv_tcp_t listener;
static enum behaviour behaviour;
static int connections, cpings;
static uv_tcp_t *clients[CLIENTS]; /* the first ones, as long as they are open */
static int unanswered;             /* CPings of all of them */

static void on_closed(uv_handle_t *handle)
{
    for (int i = 0; i < CLIENTS; i++)
        if ((uv_handle_t *)clients[i] == handle)
            clients[i] = NULL;
    free(handle);
}

static void give_space(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char space[64];
    (void)handle;
    (void)size;
    *buf = uv_buf_init(space, sizeof space);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    static const char cping[] = {0x12, 0x34, 0, 1, 10};
    static char answers[][5] = {{'A', 'B', 0, 1, 9}, {'H', 'T', 'T', 'P', '/'}};
    if (n < 0) {
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    cpings += n == sizeof cping && memcmp(buf->base, cping, sizeof cping) == 0;
    unanswered += behaviour == SILENT;
    if (behaviour != SILENT) {
        uv_buf_t out = uv_buf_init(answers[behaviour == JUNK], 5);
        uv_try_write(stream, &out, 1);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    uv_tcp_t *client = malloc(sizeof *client);
    cr_assert_eq(status, 0);
    uv_tcp_init(loop, client);
    cr_assert_eq(uv_accept(server, (uv_stream_t *)client), 0);
    if (connections < CLIENTS)
        clients[connections] = client;
    connections++;
    if (behaviour == CLOSE)
        uv_close((uv_handle_t *)client, on_closed);
    else
        uv_read_start((uv_stream_t *)client, give_space, on_read);
}

static uint16_t listen_anywhere(void)
{
    struct sockaddr_in addr;
    int len = sizeof addr;
    uv_ip4_addr("127.0.0.1", 0, &addr);
    uv_tcp_init(loop, &listener);
    uv_tcp_bind(&listener, (struct sockaddr *)&addr, 0);
    cr_assert_eq(uv_listen((uv_stream_t *)&listener, 16, on_connection), 0);
    uv_tcp_getsockname(&listener, (struct sockaddr *)&addr, &len);
    return ntohs(addr.sin_port);
}

static struct balancer *balancer;
static struct worker *worker;
static struct health_prober *prober;

static void start(enum behaviour how, enum proto proto)
{
    log_setup(LEVEL_ERROR, LOG_TEXT);
    cr_assert_eq(loop_init(&net, 8192), 0);
    behaviour = how;
    connections = cpings = unanswered = 0;
    fixture_reset(1);
    fixture_workers[0].port = listen_anywhere();
    fixture_workers[0].proto = proto;
    balancer = fixture_balancer();
    worker = &balancer->workers[0];
    worker_answered_cping(worker);
    prober = health_start(balancer, &net);
    cr_assert_not_null(prober);
}

static void stop(void)
{
    health_stop(prober);
    if (!uv_is_closing((uv_handle_t *)&listener))
        uv_close((uv_handle_t *)&listener, NULL);
    loop_close(&net); /* runs until no handle is left */
    balancer_free(balancer);
}

/* All that was asked is answered. */
static void wake_up(void)
{
    static char pong[] = {'A', 'B', 0, 1, 9};
    uv_buf_t out = uv_buf_init(pong, sizeof pong);
    behaviour = ANSWER;
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i] && unanswered > 0)
            uv_try_write((uv_stream_t *)clients[i], &out, 1);
    unanswered = 0;
}

static void die(void)
{
    behaviour = CLOSE;
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i] && !uv_is_closing((uv_handle_t *)clients[i]))
            uv_close((uv_handle_t *)clients[i], on_closed);
}

static int deaf, crowd[CLIENTS];

/* Nobody takes connections any more, and the kernel has no place for more of them. */
static void fill_backlog(void)
{
    struct sockaddr_in addr;
    int len = sizeof addr;
    uv_os_fd_t fd;
    uv_tcp_getsockname(&listener, (struct sockaddr *)&addr, &len);
    cr_assert_eq(uv_fileno((uv_handle_t *)&listener, &fd), 0);
    deaf = dup(fd);
    uv_close((uv_handle_t *)&listener, NULL);
    loop_turn(&net, false);
    cr_assert_eq(listen(deaf, 0), 0);
    for (int i = 0; i < CLIENTS; i++) {
        crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(crowd[i], (struct sockaddr *)&addr, sizeof addr);
    }
}

static void empty_backlog(void)
{
    close(deaf);
    for (int i = 0; i < CLIENTS; i++)
        close(crowd[i]);
}

/* Runs the loop until the worker is in that health; false after ten seconds. */
static bool comes_to(enum health health)
{
    uint64_t end = uv_now(loop) + 10000;
    while (worker_health(worker) != health && uv_now(loop) < end)
        loop_turn(&net, true);
    return worker_health(worker) == health;
}

static void suspect(void)
{
    worker_report(worker, OUT_CPING_FAILED, 1, uv_now(loop));
    cr_assert_eq(worker_health(worker), HEALTH_SUSPECT);
}

Test(health, suspect_that_answers_is_up_again)
{
    start(ANSWER, PROTO_AJP);
    suspect();
    uint64_t from = uv_now(loop);
    cr_expect(comes_to(HEALTH_UP));
    cr_expect_lt(uv_now(loop) - from, 500, "at once");
    cr_expect_eq(cpings, 1);
    stop();
}

Test(health, suspect_that_does_not_answer_is_down)
{
    static const enum behaviour rows[] = {JUNK, CLOSE};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start(rows[i], PROTO_AJP);
        suspect();
        uint64_t from = uv_now(loop);
        cr_expect(comes_to(HEALTH_DOWN), "row %zu", i);
        cr_expect_lt(uv_now(loop) - from, 900, "row %zu: one timeout at most", i);
        stop();
    }
}

/* What is wrong for a moment is given time to pass. */
Test(health, checks_of_a_suspect_are_spaced)
{
    start(JUNK, PROTO_AJP);
    fixture_settings.health.fall = 5;
    uint64_t from = uv_now(loop);
    suspect();
    cr_expect(comes_to(HEALTH_DOWN));
    cr_expect_eq(connections, 4, "what made it suspect was the first failure");
    cr_expect_geq(uv_now(loop) - from, 3 * 150, "half an interval between two");
    cr_expect_lt(uv_now(loop) - from, 2000);
    stop();
}

Test(health, prober_s_own_suspect_is_looked_at_again_later)
{
    start(JUNK, PROTO_AJP);
    fixture_settings.health.interval = 2000;
    cr_expect(comes_to(HEALTH_SUSPECT), "without a request");
    uint64_t from = uv_now(loop);
    cr_expect(comes_to(HEALTH_DOWN));
    cr_expect_eq(connections, 2);
    cr_expect_geq(uv_now(loop) - from, 500);
    stop();
}

Test(health, moment_of_wrong_answers_takes_nobody_out)
{
    start(JUNK, PROTO_AJP);
    fixture_settings.health.interval = 4000;
    fixture_settings.health.fall = 3;
    suspect();
    uint64_t from = uv_now(loop);
    while (uv_now(loop) - from < 50)
        loop_turn(&net, false);
    cr_expect_eq(connections, 1, "one check at once");
    cr_expect_eq(worker_health(worker), HEALTH_SUSPECT);
    behaviour = ANSWER;
    cr_expect(comes_to(HEALTH_UP));
    cr_expect_lt(uv_now(loop) - from, 2000, "soon");
    stop();
}

Test(health, http_worker_is_asked_for_the_connection_only)
{
    start(SILENT, PROTO_HTTP);
    suspect();
    cr_expect(comes_to(HEALTH_UP));
    cr_expect_eq(cpings, 0);
    stop();
}

/* Its process is stopped, or all of its threads are busy. */
Test(health, silent_worker_is_noticed_at_once_and_down_much_later)
{
    start(SILENT, PROTO_AJP);
    suspect();
    uint64_t from = uv_now(loop);
    cr_expect(comes_to(HEALTH_SILENT));
    cr_expect_lt(uv_now(loop) - from, 400, "after one timeout");
    cr_expect(worker_holds(worker));
    cr_expect(comes_to(HEALTH_DOWN));
    cr_expect_geq(uv_now(loop) - from, fixture_settings.health.silence);
    cr_expect(worker_holds(worker), "who has no other worker waits for it");
    cr_expect_eq(connections, 1, "one CPing waits all the time");
    stop();
}

Test(health, silent_worker_that_answers_is_up_at_once)
{
    for (int down = 0; down < 2; down++) {
        start(SILENT, PROTO_AJP);
        suspect();
        cr_expect(comes_to(down ? HEALTH_DOWN : HEALTH_SILENT));
        uint64_t from = uv_now(loop);
        wake_up();
        cr_expect(comes_to(HEALTH_UP), "without probation");
        cr_expect_lt(uv_now(loop) - from, 50, "what was asked first is answered");
        cr_expect_eq(connections, 1);
        stop();
    }
}

/* Its users were answered: the check that is not, yet, was asked before. */
Test(health, silent_worker_that_was_heard_has_its_time_again)
{
    start(SILENT, PROTO_AJP);
    fixture_settings.health.timeout = 600;
    suspect();
    cr_expect(comes_to(HEALTH_SILENT));
    uint64_t from = uv_now(loop);
    worker_answered(worker, from);
    cr_expect_eq(worker_health(worker), HEALTH_UP);
    cr_expect(comes_to(HEALTH_SILENT));
    cr_expect_geq(uv_now(loop) - from, 600);
    cr_expect_eq(connections, 1);
    stop();
}

Test(health, silent_worker_that_closes_is_down_at_once)
{
    start(SILENT, PROTO_AJP);
    fixture_settings.health.silence = 60000;
    suspect();
    cr_expect(comes_to(HEALTH_SILENT));
    uint64_t from = uv_now(loop);
    die();
    cr_expect(comes_to(HEALTH_DOWN));
    cr_expect_lt(uv_now(loop) - from, 50);
    cr_expect_not(worker_holds(worker));
    stop();
}

/* Its machine answers for it, as far as the connection before tells. */
Test(health, full_backlog_is_silence)
{
    start(ANSWER, PROTO_AJP);
    suspect();
    cr_expect(comes_to(HEALTH_UP), "this connection stays open");
    behaviour = SILENT;
    fill_backlog();
    suspect();
    cr_expect(comes_to(HEALTH_SILENT), "no connection comes about");
    cr_expect(comes_to(HEALTH_DOWN));
    cr_expect(worker_holds(worker));
    wake_up();
    cr_expect(comes_to(HEALTH_UP));
    empty_backlog();
    stop();
}

/* Without such a connection it may as well have gone. */
Test(health, no_connection_at_all_is_an_end)
{
    start(ANSWER, PROTO_AJP);
    fill_backlog();
    fixture_settings.health.silence = 60000;
    suspect();
    cr_expect(comes_to(HEALTH_DOWN));
    cr_expect_not(worker_holds(worker));
    empty_backlog();
    stop();
}

Test(health, reasons_say_what_is_wrong_and_for_how_long)
{
    char why[REASON_MAX];
    start(SILENT, PROTO_AJP);
    suspect();
    worker_reason(worker, why);
    cr_expect_str_eq(why, "no answer to CPing");
    cr_expect(comes_to(HEALTH_SILENT));
    worker_reason(worker, why);
    cr_expect_str_eq(why, "no CPong within 100 ms");
    die();
    cr_expect(comes_to(HEALTH_DOWN));
    worker_reason(worker, why);
    cr_expect_str_eq(why, "connection closed");
    stop();
}

Test(health, dead_worker_is_noticed_and_comes_back_by_itself)
{
    start(CLOSE, PROTO_AJP);
    suspect();
    cr_expect(comes_to(HEALTH_DOWN));
    behaviour = ANSWER;
    cr_expect(comes_to(HEALTH_PROBE));
    cr_expect(comes_to(HEALTH_UP), "three answers, without a request");
    stop();
}

Test(health, frozen_worker_with_requests_at_it_is_found)
{
    start(SILENT, PROTO_AJP);
    worker_begin(worker, 0);
    cr_expect(comes_to(HEALTH_SILENT), "nobody reported anything");
    cr_expect(comes_to(HEALTH_DOWN));
    worker_end(worker, 0);
    stop();
}

Test(health, closed_port_is_found_by_the_probe)
{
    start(ANSWER, PROTO_AJP);
    uv_close((uv_handle_t *)&listener, NULL);
    loop_turn(&net, false);
    suspect();
    cr_expect(comes_to(HEALTH_DOWN));
    stop();
}

Test(health, name_of_a_dead_worker_is_looked_up_again)
{
    if (!fixture_knows_localhost())
        cr_skip_test("no /etc/hosts here");
    start(ANSWER, PROTO_AJP);
    fixture_workers[0].host = str("localhost");
    health_stop(prober);
    prober = health_start(balancer, &net); /* sees that the host is a name now */
    address_set(worker, fixture_found("9", fixture_workers[0].port));
    suspect();
    cr_expect(comes_to(HEALTH_DOWN), "nobody listens there");
    cr_expect(comes_to(HEALTH_PROBE), "at the name's address somebody does");
    stop();
}

Test(health, other_addresses_are_tried_at_once_and_who_answers_is_kept)
{
    start(ANSWER, PROTO_AJP);
    address_set(worker, fixture_found("981", fixture_workers[0].port));
    suspect();
    uint64_t from = uv_now(loop);
    cr_expect(comes_to(HEALTH_UP), "127.0.0.9 and 127.0.0.8 refuse, 127.0.0.1 answers");
    cr_expect_lt(uv_now(loop) - from, 500, "at once");
    cr_expect_eq(cpings, 1);
    cr_expect(
        address_same(worker_address(worker), fixture_found("1", fixture_workers[0].port)->ai_addr));
    stop();
}

Test(health, stop_in_the_middle_of_a_probe_leaves_nothing)
{
    start(SILENT, PROTO_AJP);
    suspect();
    while (connections == 0)
        loop_turn(&net, true);
    stop();
}
