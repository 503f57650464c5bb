/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets, and what becomes of request attributes at a listener and at a worker. */
#include "front/ajp_policy.h"
#include "map/attributes.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static ajp_str str(const char *text)
{
    return text ? ajp_str_of(text, strlen(text)) : AJP_NULL;
}

/* --- secrets --- */

static const char right[] = "a secret of thirty two characters";

/* Instructions that a comparison takes: it runs in a child that is stepped through. */
static long steps_of(const char *given)
{
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        bool same = secret_equal(str(given), str(right));
        raise(SIGSTOP);
        _exit(same);
    }
    int status = 0;
    long steps = 0;
    bool stepped = false;
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        bool marked = WSTOPSIG(status) == SIGSTOP;
        if (marked && stepped)
            break;
        stepped = true;
        steps++;
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0)
            break;
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return stepped ? steps : -1;
}

Test(policy, comparing_secrets_takes_as_long_wherever_they_differ)
{
    static const char *const wrong[] = {
        "X secret of thirty two characters",
        "a secret of thirty Xwo characters",
        "a secret of thirty two characterX",
        "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    };
    long want = steps_of(right);
    if (want < 0)
        cr_skip_test("this system lets nobody trace");
    cr_assert_gt(want, (long)strlen(right), "every byte is looked at");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_eq(steps_of(wrong[i]), want, "%s", wrong[i]);
}

/* A request with the attributes that add writes. */
static struct ajp_verdict judged(const struct listener_settings *listener,
                                 void (*add)(ajp_writer *w, const void *ctx), const void *ctx)
{
    static uint8_t packet[8192];
    static ajp_message m;
    ajp_request_line line = {.method = AJP_STR("GET"),
                             .protocol = AJP_STR("HTTP/1.1"),
                             .uri = AJP_STR("/"),
                             .remote_addr = AJP_STR("192.0.2.1"),
                             .server_name = AJP_STR("h")};
    ajp_limits limits = ajp_limits_relay;
    ajp_session session;
    ajp_writer w;
    size_t len, used;
    ajp_writer_init(&w, packet, sizeof packet);
    ajp_write_request(&w, &line);
    add(&w, ctx);
    cr_assert_eq(ajp_writer_finish(&w, &len), AJP_OK);
    ajp_session_init(&session, AJP_CONTAINER, &limits);
    cr_assert_eq(ajp_session_recv(&session, packet, len, &used, &m), AJP_OK);
    return ajp_policy(listener, &m.u.request, true);
}

static void add_secret(ajp_writer *w, const void *ctx)
{
    if (ctx)
        ajp_write_attr(w, AJP_ATTR_SECRET, str(ctx));
}

Test(policy, two_secrets_are_right_while_one_takes_over)
{
    static const struct {
        const char *current, *next, *given;
        uint16_t status;
    } rows[] = {
        {"old", NULL, "old", 0},      {"old", NULL, "new", 403},     {"old", NULL, NULL, 403},
        {"old", "new", "old", 0},     {"old", "new", "new", 0},      {"old", "new", "ol", 403},
        {"old", "new", "older", 403}, {"old", "new", "oldold", 403}, {"old", "new", "", 403},
        {"old", "new", NULL, 403},    {NULL, NULL, "anything", 0},   {NULL, NULL, NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct listener_settings listener = {.secret = str(rows[i].current),
                                             .secret_next = str(rows[i].next)};
        struct ajp_verdict v = judged(&listener, add_secret, rows[i].given);
        cr_expect_eq(v.status, rows[i].status, "%zu: %s", i, rows[i].given);
    }
}

/* --- attributes --- */

#define TEXT(text)                                                                                 \
    {                                                                                              \
        .ptr = text, .len = sizeof text - 1                                                        \
    }
#define RULE(text)                                                                                 \
    {                                                                                              \
        .name = TEXT(text)                                                                         \
    }
#define PREFIX(text)                                                                               \
    {                                                                                              \
        .name = TEXT(text), .prefix = true                                                         \
    }
#define PAIR(from, to)                                                                             \
    {                                                                                              \
        .name = TEXT(from), .value = TEXT(to)                                                      \
    }
#define LIST(array)                                                                                \
    {                                                                                              \
        array, sizeof array / sizeof *array                                                        \
    }

static const struct attribute_rule front_allow[] = {PREFIX("MY_"), RULE("exact"), PREFIX("javax.")};
static const struct attribute_rule front_deny[] = {RULE("MY_SECRET"), PREFIX("CERT_")};
static const struct attribute_pair front_rename[] = {PAIR("HTTP_USER", "SSO_USER")};
static const struct attribute_pair front_add[] = {PAIR("ZONE", "dmz")};
static const struct attribute_policy front = {.allow = LIST(front_allow),
                                              .deny = LIST(front_deny),
                                              .rename = LIST(front_rename),
                                              .add = LIST(front_add)};

static void add_named(ajp_writer *w, const void *ctx)
{
    ajp_write_named(w, str(ctx), AJP_STR("1"));
}

Test(policy, a_listener_allows_denies_and_refuses_by_name)
{
    static const struct {
        const char *name;
        bool allowed, forbidden;
    } rows[] = {
        {"MY_THING", true, false},
        {"MY_", true, false},
        {"MY_SECRET", false, false},
        {"exact", true, false},
        {"exactly", false, false},
        {"HTTP_USER", true, false},
        {"SSO_USER", false, false},
        {"JK_LB_ACTIVATION", true, false},
        {"CERT_SUBJECT", false, false},
        {"javax.servlet.request.cipher_suite", true, false},
        {"javax.other", true, false},
        {"javax.servlet.include.request_uri", false, true},
        {"javax.servlet.forward.path_info", false, true},
        {"jakarta.servlet.error.status_code", false, true},
        {"org.apache.catalina.x", false, true},
        {"remote_user", false, true},
        {"ssl_key_size", false, true},
        {"secret", false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct listener_settings listener = {.attributes = front};
        struct ajp_verdict v = judged(&listener, add_named, rows[i].name);
        cr_expect_eq(v.status, rows[i].allowed ? 0 : 403, "%s", rows[i].name);
        listener.reaction = REACTION_DROP;
        v = judged(&listener, add_named, rows[i].name);
        cr_expect_eq(v.status, rows[i].forbidden ? 403 : 0, "%s is dropped", rows[i].name);
        cr_expect_eq(v.drop, rows[i].allowed ? 0 : 1, "%s", rows[i].name);
    }
}

static const struct attribute_rule back_allow[] = {RULE("SSO_USER"), RULE("MY_A")};
static const struct attribute_rule back_deny[] = {RULE("AJP_SSL_PROTOCOL")};
static const struct attribute_pair back_rename[] = {PAIR("MY_A", "THEIR_A"), PAIR("MY_B", "B")};
static const struct attribute_pair back_add[] = {PAIR("NODE", "1")};
static const struct attribute_policy back = {.allow = LIST(back_allow),
                                             .deny = LIST(back_deny),
                                             .rename = LIST(back_rename),
                                             .add = LIST(back_add)};

Test(policy, a_name_goes_through_the_listener_and_then_the_worker)
{
    static const struct {
        const char *name, *front_only, *back_only, *both;
    } rows[] = {
        {"AJP_REMOTE_PORT", "AJP_REMOTE_PORT", "AJP_REMOTE_PORT", "AJP_REMOTE_PORT"},
        {"AJP_SSL_PROTOCOL", "AJP_SSL_PROTOCOL", NULL, NULL},
        {"HTTP_USER", "SSO_USER", NULL, "SSO_USER"},
        {"SSO_USER", NULL, "SSO_USER", NULL}, /* only what was renamed */
        {"MY_A", "MY_A", "THEIR_A", "THEIR_A"},
        {"MY_B", "MY_B", "B", "B"},
        {"MY_C", "MY_C", NULL, NULL},
        {"THEIR_A", "THEIR_A", NULL, NULL},
        {"ZONE", NULL, NULL, NULL}, /* the listener's own says so */
        {"NODE", "NODE", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ajp_str name = str(rows[i].name);
        const char *want[] = {rows[i].front_only, rows[i].back_only, rows[i].both, rows[i].name};
        ajp_str got[] = {
            attribute_at_worker(&front, NULL, name), attribute_at_worker(NULL, &back, name),
            attribute_at_worker(&front, &back, name), attribute_at_worker(NULL, NULL, name)};
        for (size_t k = 0; k < 4; k++)
            cr_expect(want[k] ? got[k].len == strlen(want[k]) &&
                                    memcmp(got[k].ptr, want[k], got[k].len) == 0
                              : !got[k].ptr,
                      "%s, column %zu: %.*s", rows[i].name, k, (int)got[k].len, got[k].ptr);
    }
}
