/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange between a fake front and a fake back: what is retried, what never is,
 * and what a client gets to see of a reply. */
#include "core/exchange.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { WORKERS = 3 };

static struct worker_settings worker_settings[WORKERS];
static struct settings settings;
static struct shard shard;
static struct generation generation; /* its one user is this file */
static char error[128];

/* What the fakes saw. */
static int starts, ends, fails, wants, replies;
static struct worker *started[8];
static bool fresh[8];
static uint16_t fail_status;
static enum failure script[8];
static int script_len;
static char body[256];
static size_t body_len;
static struct part last_part;

static void fake_start(struct exchange *x)
{
    int at = starts++;

    started[at] = x->worker;
    fresh[at] = x->fresh_only;
    if (at < script_len)
        exchange_failed(x, script[at], "scripted");
    else
        x->link = &shard;
}

static void fake_back_part(struct exchange *x, const struct part *p)
{
    (void)x;
    memcpy(body + body_len, p->data, p->len);
    body_len += p->len;
}

static void fake_settle(struct exchange *x)
{
    (void)x;
}

static void fake_cancel(struct exchange *x)
{
    x->link = NULL;
}

static const struct back_ops back = {
    .start = fake_start, .part = fake_back_part, .settle = fake_settle, .cancel = fake_cancel};

static void fake_reply(struct exchange *x, const struct reply *r)
{
    (void)x;
    (void)r;
    replies++;
}

static void fake_part(struct exchange *x, const struct part *p)
{
    (void)x;
    memcpy(body + body_len, p->data, p->len);
    body_len += p->len;
    last_part = *p;
}

static void fake_end(struct exchange *x)
{
    (void)x;
    ends++;
}

static void fake_fail(struct exchange *x, uint16_t status)
{
    (void)x;
    fails++;
    fail_status = status;
}

static void fake_want(struct exchange *x, uint32_t max)
{
    (void)x;
    (void)max;
    wants++;
}

static const struct front_ops front = {
    .reply = fake_reply, .part = fake_part, .end = fake_end, .fail = fake_fail, .want = fake_want};

static void begin(void)
{
    static char names[WORKERS][8];

    memset(&settings, 0, sizeof(settings));
    for (int i = 0; i < WORKERS; i++) {
        snprintf(names[i], sizeof(names[i]), "node%c", 'A' + i);
        worker_settings[i] = (struct worker_settings){
            .name = ajp_str_of(names[i], 5),
            .proto = PROTO_AJP,
            .host = AJP_STR("127.0.0.1"),
            .port = 8009,
            .weight = 1,
            .packet_size = 8192,
        };
    }
    settings.workers = worker_settings;
    settings.worker_count = WORKERS;
    settings.threads = 1;
    settings.limits.max_attempts = 3;
    settings.session = (struct session_settings){.cookie = AJP_STR("JSESSIONID"),
                                                 .param = AJP_STR("jsessionid"),
                                                 .separator = '.',
                                                 .sticky = true};
    settings.retry = (struct retry_settings){.budget = 20, .replay_buffer = 100};
    log_setup(LEVEL_ERROR, LOG_TEXT);
    memset(&shard, 0, sizeof(shard));
    cr_assert_eq(loop_init(&shard.loop, 8192), 0);
    shard.settings = &settings;
    generation = (struct generation){.settings = &settings, .users = 1};
    generation.balancer = balancer_new(&settings, error, sizeof(error));
    cr_assert_not_null(generation.balancer, "%s", error);
    shard.pools = pools_new(&generation);
    shard.backs[PROTO_AJP] = &back;
    starts = ends = fails = wants = replies = script_len = 0;
    body_len = 0;
}

static void end(void)
{
    exchange_pool_clear(&shard);
    for (int i = 0; i < WORKERS; i++)
        cr_assert_eq(generation.balancer->workers[i].tally.busy, 0, "worker %d: busy count is back",
                     i);
    pools_leave(shard.pools);
    cr_assert_eq(generation.users, 1, "no exchange still holds its pools");
    balancer_free(generation.balancer);
    loop_close(&shard.loop);
}

/* Only the first worker is left. */
static void stop_others(void)
{
    for (int i = 1; i < WORKERS; i++)
        worker_set_activation(&generation.balancer->workers[i], ACTIVATION_STOP, 0);
}

static struct exchange *request(const char *method, int64_t length)
{
    struct exchange *x = exchange_take(&shard, &front, NULL);

    x->head.method = ajp_str_of(method, strlen(method));
    x->head.path = AJP_STR("/x");
    x->head.content_length = length;
    return x;
}

TestSuite(exchange, .init = begin, .fini = end);

struct retry_row {
    const char *label;
    const char *method;
    int64_t length;
    enum failure how;
    int starts;       /* attempts made when every attempt fails like this */
    uint16_t status;  /* what the client gets then */
    bool same_worker; /* the second attempt is at the first one's worker, on a new link */
};

static const struct retry_row retry_rows[] = {
    {"R1 refused, GET", "GET", -1, FAIL_REFUSED, 3, 503, false},
    {"R1 refused, POST", "POST", 10, FAIL_REFUSED, 3, 503, false},
    {"R1 connect time-out, POST", "POST", 10, FAIL_CONNECT_TIMEOUT, 3, 504, false},
    {"S2 CPing on a pooled link, POST", "POST", 10, FAIL_CPING_STALE, 3, 503, true},
    {"S2 CPing on a new link", "POST", 10, FAIL_CPING_FRESH, 3, 503, false},
    {"S2 no CPong on a new link", "POST", 10, FAIL_CPING_SILENT, 3, 503, false},
    {"R2 part of the head, pooled, POST", "POST", 10, FAIL_SEND_STALE, 3, 502, true},
    {"R2 part of the head, new, POST", "POST", 10, FAIL_SEND_FRESH, 3, 502, false},
    {"R3 silent pooled link, GET", "GET", -1, FAIL_SILENT_STALE, 2, 502, true},
    {"R3 silent pooled link, HEAD", "HEAD", -1, FAIL_SILENT_STALE, 2, 502, true},
    {"R3 silent pooled link, GET of length 0", "GET", 0, FAIL_SILENT_STALE, 2, 502, true},
    {"R3 silent pooled link, GET, body not begun", "GET", 5, FAIL_SILENT_STALE, 2, 502, true},
    {"R7 the app's 503, GET", "GET", -1, FAIL_APP_503, 2, 503, false},
    {"R7 the app's 503, POST", "POST", 5, FAIL_APP_503, 1, 503, false},
    {"R3 silent pooled link, POST", "POST", 10, FAIL_SILENT_STALE, 1, 502, false},
    {"R3 silent pooled link, empty POST", "POST", 0, FAIL_SILENT_STALE, 1, 502, false},
    {"R3 silent pooled link, DELETE", "DELETE", -1, FAIL_SILENT_STALE, 1, 502, false},
    {"R4 silent new link, GET", "GET", -1, FAIL_SILENT_FRESH, 1, 502, false},
    {"R5 broken reply, GET", "GET", -1, FAIL_BROKEN, 1, 502, false},
    {"S8 body asked for, GET", "GET", -1, FAIL_ASKED, 2, 502, false},
    {"S8 body asked for and not sent yet, GET", "GET", 10, FAIL_ASKED, 2, 502, false},
    {"S8 body asked for, PUT", "PUT", 10, FAIL_ASKED, 1, 502, false},
    {"S8 body asked for, POST", "POST", 10, FAIL_ASKED, 1, 502, false},
    {"a packet that was not asked for", "GET", 10, FAIL_BODY, 1, 502, false},
    {"R6 reply time-out, GET", "GET", -1, FAIL_REPLY_TIMEOUT, 1, 504, false},
    {"its machine has gone, GET", "GET", -1, FAIL_UNREACHABLE, 2, 504, false},
    {"its machine has gone, POST", "POST", 10, FAIL_UNREACHABLE, 1, 504, false},
    {"given up when it went down, GET", "GET", -1, FAIL_DOWN, 2, 504, false},
    {"given up when it went down, POST", "POST", 10, FAIL_DOWN, 1, 504, false},
    {"bad reply", "GET", -1, FAIL_BAD_REPLY, 1, 502, false},
    {"head too large", "GET", -1, FAIL_TOO_LARGE, 1, 431, false},
};

Test(exchange, retries_follow_the_table)
{
    for (size_t i = 0; i < sizeof(retry_rows) / sizeof(retry_rows[0]); i++) {
        const struct retry_row *row = &retry_rows[i];
        struct exchange *x;

        end();
        begin();
        x = request(row->method, row->length);
        for (script_len = 0; script_len < 8; script_len++)
            script[script_len] = row->how;
        exchange_start(x);
        cr_assert_eq(starts, row->starts, "%s: %d attempts", row->label, starts);
        cr_assert_eq(fails, 1, "%s: told the client %d times", row->label, fails);
        cr_assert_eq(fail_status, row->status, "%s: status %u", row->label, fail_status);
        if (row->starts > 1) {
            cr_assert_eq(started[0] == started[1], row->same_worker, "%s: worker", row->label);
            cr_assert_eq(fresh[1], row->same_worker, "%s: new link", row->label);
        }
        exchange_give(x);
    }
}

Test(exchange, a_retry_that_works_is_answered)
{
    struct exchange *x = request("POST", 10);
    struct reply r = {.status = 200, .content_length = -1};

    script[0] = FAIL_REFUSED;
    script_len = 1;
    exchange_start(x);
    cr_assert_eq(starts, 2);
    exchange_reply(x, &r);
    x->link = NULL;
    exchange_end(x);
    cr_assert_eq(ends, 1);
    cr_assert_eq(fails, 0);
    exchange_give(x);
}

struct lonely_row {
    const char *label;
    enum failure how;
    bool fresh; /* retry.fresh */
    uint16_t status;
};

static const struct lonely_row lonely_rows[] = {
    {"R1 refused", FAIL_REFUSED, false, 503},
    {"R2 part of the head, new", FAIL_SEND_FRESH, false, 503},
    {"R4 silent new link", FAIL_SILENT_FRESH, true, 502},
};

Test(exchange, without_another_worker_nothing_counts_as_a_retry)
{
    for (size_t i = 0; i < sizeof(lonely_rows) / sizeof(lonely_rows[0]); i++) {
        const struct lonely_row *row = &lonely_rows[i];
        struct exchange *x;

        end();
        begin();
        stop_others();
        settings.retry.fresh = row->fresh;
        x = request("GET", -1);
        script[0] = row->how;
        script_len = 1;
        exchange_start(x);
        cr_assert_eq(starts, 1, "%s", row->label);
        cr_assert_eq(fails, 1, "%s", row->label);
        cr_assert_eq(fail_status, row->status, "%s: status %u", row->label, fail_status);
        cr_assert_str_eq(x->reason, "scripted", "%s: the failure's own reason", row->label);
        cr_assert_eq(generation.balancer->workers[0].retries, 0, "%s: counted", row->label);
        cr_assert_eq(shard.window_retries, 0, "%s: budget spent", row->label);
        exchange_give(x);
    }
}

/* Nothing was sent: without another worker it is asked again, as soon as it answers. */
Test(exchange, who_is_not_answered_waits_where_no_other_worker_is)
{
    static const enum failure rows[] = {FAIL_CONNECT_TIMEOUT, FAIL_CPING_SILENT};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct exchange *x;

        end();
        begin();
        stop_others();
        worker_answered_cping(&generation.balancer->workers[0]);
        x = request("POST", 10);
        script[0] = rows[i];
        script_len = 1;
        exchange_start(x);
        cr_assert(worker_holds(x->worker));
        cr_assert_eq(starts, 2);
        cr_assert_eq(started[1], started[0]);
        cr_assert_eq(fails, 0);
        cr_assert_eq(x->worker->retries, 0);
        cr_assert_eq(shard.window_retries, 0);
        exchange_cancel(x, "gone");
        exchange_give(x);
    }
}

Test(exchange, the_apps_503_is_passed_on_where_no_other_worker_is)
{
    struct reply r = {.status = 503, .content_length = -1};
    struct exchange *x = request("GET", -1);

    stop_others();
    settings.retry.on_503 = true;
    exchange_start(x);
    exchange_reply(x, &r);
    cr_assert_eq(replies, 1, "its own page");
    cr_assert_eq(fails, 0);
    x->link = NULL;
    exchange_end(x);
    cr_assert_eq(ends, 1);
    exchange_give(x);
}

Test(exchange, the_apps_503_is_passed_over_where_there_is_one)
{
    struct reply r = {.status = 503, .content_length = -1};
    struct exchange *x = request("GET", -1);

    settings.retry.on_503 = true;
    exchange_start(x);
    exchange_reply(x, &r);
    cr_assert_eq(replies, 0);
    cr_assert_eq(starts, 2);
    cr_assert_neq(started[0], started[1]);
    cr_assert_eq(started[0]->retries, 1);
    exchange_reply(x, &r);
    cr_assert_eq(replies, 1, "once");
    x->link = NULL;
    exchange_end(x);
    exchange_give(x);
}

struct replay_row {
    enum failure how;
    const char *label;
    const char *method;
    size_t sent; /* body bytes that went before the link died */
    bool open;   /* within a packet */
    uint32_t methods;
    bool again;
};

static const struct replay_row replay_rows[] = {
    {FAIL_SILENT_STALE, "S7 GET, all kept", "GET", 10, false, RETRY_METHODS_SAFE, true},
    {FAIL_SILENT_STALE, "S7 GET, as much as is kept", "GET", 100, false, RETRY_METHODS_SAFE, true},
    {FAIL_SILENT_STALE, "S7 GET, more than is kept", "GET", 101, false, RETRY_METHODS_SAFE, false},
    {FAIL_SILENT_STALE, "S7 GET, within a packet", "GET", 10, true, RETRY_METHODS_SAFE, false},
    {FAIL_SILENT_STALE, "S7 PUT, safe methods", "PUT", 10, false, RETRY_METHODS_SAFE, false},
    {FAIL_SILENT_STALE, "S7 PUT, idempotent", "PUT", 10, false, RETRY_METHODS_IDEMPOTENT, true},
    {FAIL_SILENT_STALE, "S7 POST, idempotent", "POST", 10, false, RETRY_METHODS_IDEMPOTENT, false},
    {FAIL_ASKED, "S8 GET, all kept", "GET", 10, false, RETRY_METHODS_SAFE, true},
    {FAIL_ASKED, "S8 GET, within a packet", "GET", 10, true, RETRY_METHODS_SAFE, false},
    {FAIL_ASKED, "S8 PUT, safe methods", "PUT", 10, false, RETRY_METHODS_SAFE, false},
    {FAIL_ASKED, "S8 PUT, idempotent methods", "PUT", 10, false, RETRY_METHODS_IDEMPOTENT, true},
    {FAIL_ASKED, "S8 POST, idempotent methods", "POST", 10, false, RETRY_METHODS_IDEMPOTENT, false},
    {FAIL_ASKED, "S8 PUT, more than is kept", "PUT", 101, false, RETRY_METHODS_IDEMPOTENT, false},
    {FAIL_SILENT_FRESH, "S7 GET, new link", "GET", 10, false, RETRY_METHODS_SAFE, false},
};

Test(exchange, a_kept_body_is_sent_again_whole_and_in_order)
{
    uint8_t data[200];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(replay_rows) / sizeof(replay_rows[0]); i++) {
        const struct replay_row *row = &replay_rows[i];
        struct exchange *x;
        struct part p = {
            .data = data, .len = row->sent, .packet = 200, .first = true, .last = !row->open};

        end();
        begin();
        settings.retry.methods = row->methods;
        x = request(row->method, (int64_t)row->sent);
        exchange_start(x);
        exchange_want(x, 200);
        cr_assert_eq(wants, 1, "%s", row->label);
        exchange_body(x, &p);
        body_len = 0;
        x->link = NULL;
        exchange_failed(x, row->how, "scripted");
        cr_assert_eq(starts, row->again ? 2 : 1, "%s: %d attempts", row->label, starts);
        if (row->again)
            cr_assert_eq(started[0] == started[1], row->how == FAIL_SILENT_STALE, "%s: worker",
                         row->label);
        cr_assert_eq(fails, row->again ? 0 : 1, "%s", row->label);
        if (row->again) {
            for (int n = 0; body_len < row->sent && n < 100; n++)
                exchange_want(x, 7);
            cr_assert_eq(body_len, row->sent, "%s: %zu bytes again", row->label, body_len);
            cr_assert_arr_eq(body, data, row->sent);
            cr_assert_eq(wants, 1, "%s: the client was not asked for what is kept", row->label);
            exchange_want(x, 7);
            cr_assert_eq(wants, 2, "%s: but for the rest", row->label);
            x->link = NULL;
            exchange_end(x);
        }
        exchange_give(x);
        cr_assert_eq(shard.loop.bufs.in_use, 0, "%s: every block came back", row->label);
    }
}

Test(exchange, retries_stay_within_their_budget)
{
    int again = 0;

    for (int i = 0; i < 1000; i++) {
        struct exchange *x = request("GET", -1);

        starts = 0;
        script[0] = FAIL_SILENT_STALE;
        script_len = 1;
        exchange_start(x);
        again += starts == 2;
        if (starts == 1)
            cr_assert_eq(fail_status, 503, "not tried again for want of budget: %u", fail_status);
        if (x->link != NULL) {
            x->link = NULL;
            exchange_end(x);
        }
        exchange_give(x);
    }
    cr_assert_eq(again, 200, "%d of 1000 were tried again", again);
    struct exchange *x = request("POST", 10);
    starts = 0;
    exchange_start(x);
    cr_assert_eq(starts, 1);
    cr_assert_eq(fail_status, 502, "never tried again, whatever the budget is: %u", fail_status);
    exchange_give(x);
}

Test(exchange, nothing_is_retried_once_a_reply_has_begun)
{
    struct exchange *x = request("GET", -1);
    struct reply r = {.status = 200, .content_length = -1};

    exchange_start(x);
    exchange_reply(x, &r);
    x->link = NULL;
    exchange_failed(x, FAIL_SILENT_STALE, "scripted");
    cr_assert_eq(starts, 1);
    cr_assert_eq(fails, 1);
    exchange_give(x);
}

struct length_row {
    const char *label;
    const char *method;
    uint16_t status;
    int64_t announced;
    const char *sent;
    const char *passed;
    bool whole;
    bool excess;
};

static const struct length_row length_rows[] = {
    {"as announced", "GET", 200, 5, "hello", "hello", true, false},
    {"unknown length", "GET", 200, -1, "hello", "hello", true, false},
    {"too short", "GET", 200, 100, "hello", "hello", false, false},
    {"too long is cut", "GET", 200, 3, "hello", "hel", true, true},
    {"zero announced", "GET", 200, 0, "hello", "", true, true},
    {"HEAD drops the body", "HEAD", 200, 5, "hello", "", true, false},
    {"HEAD without a body is whole", "HEAD", 200, 5, "", "", true, false},
    {"304 drops the body", "GET", 304, 5, "hello", "", true, false},
    {"204 drops the body", "GET", 204, -1, "hello", "", true, false},
};

Test(exchange, reply_bodies_are_held_to_their_length)
{
    for (size_t i = 0; i < sizeof(length_rows) / sizeof(length_rows[0]); i++) {
        const struct length_row *row = &length_rows[i];
        struct reply r = {.status = row->status, .content_length = row->announced};
        size_t n = strlen(row->sent);

        for (size_t cut = 0; cut <= n; cut++) {
            struct exchange *x = request(row->method, -1);
            struct part p = {.data = (const uint8_t *)row->sent,
                             .len = cut,
                             .packet = (uint16_t)n,
                             .first = true,
                             .last = cut == n};

            starts = ends = fails = 0;
            body_len = 0;
            exchange_start(x);
            exchange_reply(x, &r);
            if (n > 0)
                exchange_part(x, &p);
            if (cut < n) {
                p = (struct part){.data = (const uint8_t *)row->sent + cut,
                                  .len = n - cut,
                                  .packet = (uint16_t)n,
                                  .last = true};
                exchange_part(x, &p);
            }
            x->link = NULL;
            exchange_end(x);
            cr_assert_eq(body_len, strlen(row->passed), "%s cut at %zu: %zu bytes", row->label, cut,
                         body_len);
            cr_assert_eq(memcmp(body, row->passed, body_len), 0, "%s", row->label);
            cr_assert_eq(ends, row->whole ? 1 : 0, "%s", row->label);
            cr_assert_eq(fails, row->whole ? 0 : 1, "%s", row->label);
            cr_assert_eq(x->excess, row->excess, "%s", row->label);
            if (body_len > 0)
                cr_assert(last_part.last, "%s: the packet was ended", row->label);
            exchange_give(x);
        }
    }
}
