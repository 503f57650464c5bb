/* SPDX-License-Identifier: Apache-2.0 */
/* Which workers a path belongs to, from the file's words to the verdict. */
#include "balance/balancer.h"
#include "balance/routes.h"
#include "balance/sticky.h"
#include "config/options.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct program forward = {
    .name = "ajpforward", .summary = "forwards", .listen_protos = 1u << PROTO_AJP};

static const char workers[] = "listen:\n  - url: ajp://127.0.0.1:0\n"
                              "workers:\n"
                              "  - {name: a, url: 'ajp://127.0.0.1:1'}\n"
                              "  - {name: b, url: 'ajp://127.0.0.1:2'}\n"
                              "  - {name: c, url: 'ajp://127.0.0.1:3'}\n"
                              "  - {name: d, url: 'ajp://127.0.0.1:4'}\n";

static ajp_str str(const char *text)
{
    return text ? ajp_str_of(text, strlen(text)) : AJP_NULL;
}

static struct settings *settings_of(const char *routes)
{
    char path[] = "/tmp/routes-XXXXXX";
    char *argv[] = {"ajpforward", "--config", path, "--threads", "1"};
    struct settings *settings = NULL;
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    dprintf(fd, "%sroutes:\n%s", workers, routes);
    close(fd);
    int rc = options_parse(5, argv, &forward, &settings);
    unlink(path);
    cr_assert_eq(rc, -1);
    return settings;
}

/* The letters of the workers it may go to, or the status that refuses it. */
static const char *found(const struct settings *settings, const char *host, const char *path)
{
    static char text[16];
    struct head head = {
        .host = str(host), .server_name = str("fallback.example"), .path = str(path)};
    struct pick pick = {.outside = 0};
    uint16_t status = routes_find(settings, &head, &pick);
    size_t n = 0;
    snprintf(text, sizeof text, "%u", status);
    for (size_t i = 0; status == 0 && i < settings->worker_count; i++)
        if (!(pick.outside >> i & 1))
            text[n++] = settings->workers[i].name.ptr[0];
    if (status == 0)
        text[n] = '\0';
    return text;
}

static const char by_path[] =
    "  - {paths: ['/app/*', /app, '!/app/private/*', '!*.bak'], workers: [a, b]}\n"
    "  - {paths: ['/app/deep/*'], workers: [c]}\n"
    "  - {paths: ['*.jsp', /exact], workers: [d]}\n"
    "  - {paths: ['/docs/*.pdf', '/caf\xc3\xa9/*', '/a b/*'], workers: [b]}\n";

Test(routes, the_most_specific_pattern_decides)
{
    static const char *const rows[][2] = {
        {"/app", "ab"},
        {"/app/", "ab"},
        {"/app/x/y", "ab"},
        {"/app/x.jsp", "ab"}, /* /app/ is longer than .jsp */
        {"/app/deep/x", "c"},
        {"/app/deep", "ab"},
        {"/application", "404"},
        {"/", "404"},
        {"/other", "404"},
        {"/exact", "d"},
        {"/exact/", "404"},
        {"/x.jsp", "d"},
        {"/x/y/z.jsp", "d"},
        {"/x.jspx", "404"},
        {"/docs/1/x.pdf", "b"},
        {"/docs/x.txt", "404"},
        {"/docs/.pdf", "b"},
        {"/docs.pdf", "404"},
        {"/app/x.bak", "404"},
        {"/app/private/x", "404"},
        {"/app/private", "ab"}, /* the pattern says what is below */
        {"/app/deep/private/x", "c"},
        {"/app/deep/x.bak", "c"}, /* what another route leaves out is its own affair */
        {"/caf%C3%A9/x", "b"},
        {"/caf%c3%a9/x", "b"},
        {"/a%20b/x", "b"},
        {"*", "404"},
    };
    struct settings *settings = settings_of(by_path);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_str_eq(found(settings, "h", rows[i][0]), rows[i][1], "%s: %s", rows[i][0],
                         found(settings, "h", rows[i][0]));
    settings_free(settings);
}

/* RELIABILITY S-40 to S-42, P-10 to P-13: what is compared is what the app server will see. */
Test(routes, no_spelling_leads_around_an_exception)
{
    static const char *const rows[][2] = {
        {"/app/private;a=b/x", "404"},
        {"/app;v=1/private/x", "404"},
        {"/app//private/x", "404"},
        {"//app/private/x", "404"},
        {"/app/./private/x", "404"},
        {"/app/x/../private/x", "404"},
        {"/app/%70rivate/x", "404"},
        {"/app/private/x;jsessionid=1.a", "404"},
        {"/%61pp/private/x", "404"},
        {"/x/../app/private/x", "404"},
        {"/app/deep/../private/x", "404"},
        {"/app/x.bak;v=1", "404"},
        {"/APP/private/x", "404"},
        {"/app/x/..;a/private/x", "400"},
        {"/app/x/..;/private/x", "400"},
        {"/../app/private/x", "400"},
        {"/app/%2e%2e/%2e%2e/x", "400"},
        {"/app%2fprivate/x", "400"},
        {"/app%5cprivate/x", "400"},
        {"/app\\private/x", "400"},
        {"/app/%00private/x", "400"},
        {"/app/%zz", "400"},
        {"app", "400"},
        {"/app/%2e%2e/app/x", "ab"},
        {"/app/%252e%252e/private/x", "ab"}, /* decoded once: no dots */
        {"/app/x;y=../z", "ab"},
        {"/app;jsessionid=1.a", "ab"},
        {"/app/priv%61te", "ab"},
    };
    struct settings *settings = settings_of(by_path);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_str_eq(found(settings, "h", rows[i][0]), rows[i][1], "%s: %s", rows[i][0],
                         found(settings, "h", rows[i][0]));
    settings_free(settings);
}

Test(routes, hosts_go_before_paths)
{
    static const char routes[] =
        "  - {paths: ['/*'], workers: [a]}\n"
        "  - {host: '*.example.com', paths: ['/*'], workers: [b]}\n"
        "  - {host: WWW.example.com, paths: ['/*', '!/no/*'], workers: [c]}\n"
        "  - {host: 'fallback.example', paths: ['/fb'], workers: [d]}\n"
        "  - {host: '::1', paths: ['/*'], workers: [d]}\n"
        "  - {paths: ['/long/path/*'], workers: [d]}\n";
    static const char *const rows[][3] = {
        {"www.example.com", "/", "c"},
        {"WWW.EXAMPLE.COM:8080", "/", "c"},
        {"www.example.com.", "/", "c"},
        {"www.example.com", "/long/path/x", "c"},
        {"www.example.com", "/no/x", "404"},
        {"api.example.com", "/", "b"},
        {"a.b.example.com:1", "/", "b"},
        {"example.com", "/", "a"},
        {"xexample.com", "/", "a"},
        {"other", "/long/path/x", "d"},
        {NULL, "/fb", "d"},
        {"", "/fb", "d"},
        {"[::1]:80", "/", "d"},
        {"[::1]", "/", "d"},
        {"h", "*", "a"},
    };
    struct settings *settings = settings_of(routes);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_str_eq(found(settings, rows[i][0], rows[i][1]), rows[i][2], "%s%s: %s",
                         rows[i][0], rows[i][1], found(settings, rows[i][0], rows[i][1]));
    settings_free(settings);
}

static void check_rows(const char *routes, const char *const (*rows)[3], size_t count)
{
    struct settings *settings = settings_of(routes);
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(found(settings, rows[i][0], rows[i][1]), rows[i][2], "%s%s: %s",
                         rows[i][0], rows[i][1], found(settings, rows[i][0], rows[i][1]));
    settings_free(settings);
}

Test(routes, stars_and_question_marks_stand_anywhere)
{
    static const char routes[] =
        "  - {paths: ['/*.cfm', '/*.cfm/*', '!/*/old/*.cfm'], workers: [a]}\n"
        "  - {paths: ['/v?/x', '/**/deep/**'], workers: [b]}\n"
        "  - {paths: ['/v?/?'], workers: [c]}\n"
        "  - {paths: ['*a*ab*c?'], workers: [d]}\n";
    static const char *const rows[][3] = {
        {"h", "/x.cfm", "a"},         {"h", "/x.cfm/1/2", "a"},     {"h", "/.cfm/", "a"},
        {"h", "/x.cfmx", "404"},      {"h", "/1/old/x.cfm", "404"}, {"h", "/old/x.cfm", "a"},
        {"h", "/v1/x", "b"}, /* more letters */
        {"h", "/v1/y", "c"},          {"h", "/v/x", "404"},         {"h", "/v12/x", "404"},
        {"h", "/v1/", "404"},         {"h", "/x/deep/", "b"},       {"h", "/x/deep", "404"},
        {"h", "//deep/x", "404"}, /* compared without the empty segment */
        {"h", "/aaabxcy", "d"},       {"h", "/aabc", "404"},        {"h", "/abab-abcc", "d"},
        {"h", "/aab-cd-cd-c", "404"}, {"h", "/aab-cd-cd-cx", "d"},
    };
    check_rows(routes, rows, sizeof rows / sizeof *rows);
}

Test(routes, an_entry_may_have_several_hosts)
{
    static const char routes[] =
        "  - {hosts: [One.example, '*.two.example'], paths: [/x], workers: [a]}\n"
        "  - {hosts: [one.example], paths: ['*', '!*'], workers: [a]}\n"
        "  - {paths: ['/*'], workers: [b]}\n";
    static const char *const rows[][3] = {
        {"one.example", "/x", "a"},   {"a.two.example", "/x", "a"}, {"two.example", "/x", "b"},
        {"one.example", "/y", "404"}, {"a.two.example", "/y", "b"}, {"three.example", "/x", "b"},
    };
    check_rows(routes, rows, sizeof rows / sizeof *rows);
}

/* As mod_jk has them: slashes, then all of the length; an exact one is not better by itself. */
Test(routes, the_order_by_slashes_is_that_of_mod_jk)
{
    static const char patterns[] = "  - {paths: ['/a/*'], workers: [a]}\n"
                                   "  - {paths: ['/*.jsp', '/a*', '/a?'], workers: [b]}\n"
                                   "  - {paths: ['/a', '/'], workers: [c]}\n"
                                   "  - {paths: ['*', '/b?', '/?c'], workers: [d]}\n";
    static const char *const rows[][5] = {
        {"/a/x.jsp", "b", "a"}, {"/a", "c", "b"},  {"/a/", "a", "a"},  {"/", "c", "c"},
        {"/bc", "d", "d"},      {"/ab", "b", "b"}, {"/x/y", "d", "d"}, {"/b.jsp", "b", "b"},
    };
    char slashes[512];
    snprintf(slashes, sizeof slashes, "%sroute_order: slashes\n", patterns);
    for (size_t order = 0; order < 2; order++) {
        struct settings *settings = settings_of(order ? slashes : patterns);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            cr_expect_str_eq(found(settings, "h", rows[i][0]), rows[i][1 + order], "%zu %s: %s",
                             order, rows[i][0], found(settings, "h", rows[i][0]));
        settings_free(settings);
    }
}

/* --- workers outside, for the balancer --- */

enum { OUTSIDE_AB = 3 };

static const char *picked(struct balancer *balancer, struct pick *pick)
{
    struct worker *worker = balancer_pick(balancer, pick);
    return worker ? worker->settings->name.ptr : "-";
}

Test(routes, nothing_leads_to_a_worker_outside)
{
    char error[256];
    struct settings *settings = settings_of(by_path);
    struct balancer *balancer = balancer_new(settings, error, sizeof error);
    cr_assert_not_null(balancer, "%s", error);
    log_setup(LEVEL_ERROR, LOG_TEXT);
    struct pick pick = {.now_ms = 10000, .outside = OUTSIDE_AB};
    for (int i = 0; i < 8; i++)
        cr_expect_str_eq(picked(balancer, &pick), i % 2 ? "d" : "c");
    pick = (struct pick){
        .now_ms = 10000, .outside = OUTSIDE_AB, .route = str("a"), .session_id = str("1.a")};
    const char *heir = picked(balancer, &pick);
    cr_expect(*heir == 'c' || *heir == 'd');
    cr_expect(!pick.sticky);
    pick.route = str("d");
    cr_expect_str_eq(picked(balancer, &pick), "d");
    cr_expect(pick.sticky);
    pick.tried = 8;
    cr_expect_str_eq(picked(balancer, &pick), "c");
    pick.tried = 12;
    cr_expect_str_eq(picked(balancer, &pick), "-", "rather none");
    balancer->workers[2].health = balancer->workers[3].health = HEALTH_DOWN;
    pick = (struct pick){.now_ms = 10000, .outside = OUTSIDE_AB};
    heir = picked(balancer, &pick);
    cr_expect(*heir == 'c' || *heir == 'd', "even when all that may be used are down");
    balancer_free(balancer);
    settings_free(settings);
}

Test(routes, the_session_of_a_worker_inside_counts)
{
    char error[256];
    struct settings *settings = settings_of(by_path);
    struct balancer *balancer = balancer_new(settings, error, sizeof error);
    cr_assert_not_null(balancer, "%s", error);
    struct field field = {str("Cookie"), str("JSESSIONID=1.a; JSESSIONID=2.d")};
    struct head head = {.path = str("/"), .fields = &field, .field_count = 1};
    struct pick pick = {.outside = OUTSIDE_AB};
    cr_expect(sticky_find(balancer, &head, &pick));
    cr_expect_eq(pick.route.ptr[0], 'd');
    pick.outside = 0;
    cr_expect(sticky_find(balancer, &head, &pick));
    cr_expect_eq(pick.route.ptr[0], 'a');
    balancer_free(balancer);
    settings_free(settings);
}

/* --- weights of a route's own --- */

static const char by_weight[] = "  - {paths: [/left], workers: [a=3, b]}\n"
                                "  - {paths: [/right], workers: [a=1, b=3]}\n"
                                "  - {paths: [/rest], workers: [a, b]}\n";

static struct pick pick_for(const struct settings *settings, const char *path)
{
    struct head head = {.host = str("h"), .path = str(path)};
    struct pick pick = {.now_ms = 10000};
    cr_assert_eq(routes_find(settings, &head, &pick), 0);
    return pick;
}

/* Requests to the three routes in turn, each of 10,000 bytes; counts those of each that went to
 * worker a. Held ones are not over when the next comes. */
static void share_out(const struct settings *settings, struct balancer *balancer, bool hold,
                      int counts[3])
{
    static const char *const paths[] = {"/left", "/right", "/rest"};
    static char keys[2400][8];
    for (size_t n = 0; n < 2400; n++) {
        struct pick pick = pick_for(settings, paths[n % 3]);
        snprintf(keys[n], sizeof keys[n], "%zu", n);
        pick.key = str(keys[n]);
        struct worker *worker = balancer_pick(balancer, &pick);
        counts[n % 3] += worker->index == 0;
        worker_begin(worker, pick.weighting);
        worker_measure_traffic(worker, pick.weighting, 10000);
        if (!hold)
            worker_end(worker, pick.weighting);
    }
}

Test(routes, each_keeps_the_weights_that_it_gives)
{
    for (int method = METHOD_BUSYNESS; method <= METHOD_HASH; method++)
        for (int hold = 0; hold < 2; hold++) {
            char error[256];
            int counts[3] = {0}, off = method == METHOD_HASH ? 45 : 8;
            if (method == METHOD_LATENCY && !hold)
                continue; /* while nothing waits, the quickest gets all */
            struct settings *settings = settings_of(by_weight);
            settings->balance.method = (enum method)method;
            settings->balance.slow_start = 0;
            struct balancer *balancer = balancer_new(settings, error, sizeof error);
            cr_assert_not_null(balancer, "%s", error);
            share_out(settings, balancer, hold, counts);
            cr_expect_leq(abs(counts[0] - 600), off, "%d %d: %d", method, hold, counts[0]);
            cr_expect_leq(abs(counts[1] - 200), off, "%d %d: %d", method, hold, counts[1]);
            /* Who holds least gets what has no weights of its own: the others' hold counts. */
            if (hold == 0 || method == METHOD_HASH || method == METHOD_REQUESTS)
                cr_expect_leq(abs(counts[2] - 400), off, "%d %d: %d", method, hold, counts[2]);
            balancer_free(balancer);
            settings_free(settings);
        }
}

/* One that comes back, or whose weight is set, has nothing to make up by any weighting. */
Test(routes, one_that_comes_back_is_level_in_each)
{
    char error[256];
    int counts[3] = {0};
    struct settings *settings = settings_of(by_weight);
    settings->balance.method = METHOD_REQUESTS;
    settings->balance.slow_start = 0;
    struct balancer *balancer = balancer_new(settings, error, sizeof error);
    cr_assert_not_null(balancer, "%s", error);
    balancer->workers[0].activation = ACTIVATION_STOP;
    share_out(settings, balancer, false, counts);
    cr_assert(counts[0] == 0 && counts[1] == 0 && counts[2] == 0);
    worker_set_activation(&balancer->workers[0], ACTIVATION_ACTIVE, 10000);
    share_out(settings, balancer, false, counts);
    cr_expect_leq(abs(counts[0] - 600), 8, "%d", counts[0]);
    cr_expect_leq(abs(counts[1] - 200), 8, "%d", counts[1]);
    cr_expect_leq(abs(counts[2] - 400), 8, "%d", counts[2]);
    balancer_free(balancer);
    settings_free(settings);
}

/* Its session may take another route next. */
Test(routes, the_successor_of_a_session_is_the_same_in_each)
{
    char error[256], id[16];
    struct settings *settings = settings_of(by_weight);
    struct balancer *balancer = balancer_new(settings, error, sizeof error);
    cr_assert_not_null(balancer, "%s", error);
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "%d.gone", i);
        struct worker *found[2];
        for (int k = 0; k < 2; k++) {
            struct pick pick = pick_for(settings, k ? "/left" : "/right");
            pick.session_id = str(id);
            pick.route = str("gone");
            found[k] = balancer_pick(balancer, &pick);
        }
        cr_assert_eq(found[0], found[1], "session %d", i);
    }
    balancer_free(balancer);
    settings_free(settings);
}

/* A spare stands in for the active workers of its own path alone. */
Test(routes, spares_stand_in_for_who_is_inside)
{
    char error[256];
    struct settings *settings = settings_of(by_path);
    struct balancer *balancer = balancer_new(settings, error, sizeof error);
    cr_assert_not_null(balancer, "%s", error);
    balancer->has_spares = true;
    balancer->workers[3].activation = ACTIVATION_SPARE;
    balancer->workers[0].health = HEALTH_DOWN;
    struct pick pick = {.now_ms = 10000, .outside = OUTSIDE_AB};
    for (int i = 0; i < 4; i++)
        cr_expect_str_eq(picked(balancer, &pick), "c", "a is down, and none of this path's");
    pick.outside = 2;
    bool stood_in = false;
    for (int i = 0; i < 4; i++)
        stood_in |= *picked(balancer, &pick) == 'd';
    cr_expect(stood_in);
    balancer_free(balancer);
    settings_free(settings);
}
