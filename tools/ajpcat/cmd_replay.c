/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat replay: the requests of a capture again, and what is different now. */
#include "args.h"
#include "command.h"
#include "crc32.h"
#include "fetch.h"
#include "filter.h"
#include "json.h"
#include "reader.h"
#include "replay.h"
#include "term.h"
#include "view.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    FILTER,
    LIMIT,
    PACE,
    COMPARE,
    IGNORE,
    VERBOSE,
    JSON,
    SHOW_SECRETS,
    TIMEOUT,
    PACKET_SIZE,
    SECRET_FILE,
    TLS
};

static const struct arg table[] = {
    [FILTER] = {'f', "filter", "EXPRESSION", "only those for which it is true, see decode"},
    [LIMIT] = {'n', "limit", "N", "only the first N"},
    [PACE] = {0, "pace", NULL, "as far apart as they were; else each as soon as it can"},
    [COMPARE] = {0, "compare", "HEADER", "compare this header of the answers too"},
    [IGNORE] = {0, "ignore", "NAME", "do not compare this header, or status or body"},
    [VERBOSE] = {'v', "verbose", NULL, "a line also for what is the same"},
    [JSON] = {0, "json", NULL, "one JSON object a line for each request"},
    [SHOW_SECRETS] = {0, "show-secrets", NULL, "do not hide the values of secret headers"},
    [TIMEOUT] = {'m', "timeout", "TIME", "for connecting and for each answer (30s)"},
    [PACKET_SIZE] = {0, "packet-size", "BYTES", "largest packet, 8192 to 65536 (8192)"},
    [SECRET_FILE] = {0, "secret-file", "FILE", "secret to send; else AJP_SECRET"},
    SECURE_ARGS(TLS),
    [TLS + SECURE_OPTIONS] = {0}};

enum { BODY_MAX = 64 << 20 };

struct replayer {
    struct client client;
    struct url url;
    struct secure_options tls;
    const char *file, *target;
    struct filter_node *filter;
    struct replay_names names;
    struct replay_cookies cookies;
    struct text secret;
    bool pace, verbose, json, colour, show_secrets;
    uint64_t limit, timeout_ms, packet_size;
    uint64_t first_ns, began_ns; /* in the capture, and here */
    uint64_t late_ns;            /* the most that a request went out behind its time */
    uint64_t sent, same, different, failed, skipped;
    bool unreachable;
    /* of the request at work */
    const struct text *body;
    size_t body_at;
    struct replay_answer answer;
};

static size_t read_body(void *user, uint8_t *to, size_t most)
{
    struct replayer *r = user;
    size_t left = r->body->len - r->body_at, n = left < most ? left : most;
    if (n > 0)
        memcpy(to, r->body->at + r->body_at, n);
    r->body_at += n;
    return n;
}

static void on_head(void *user, const ajp_response *h)
{
    struct replayer *r = user;
    text_clear(&r->answer.head);
    text_put(&r->answer.head, h->payload, h->payload_len);
}

static void on_body(void *user, const uint8_t *data, size_t len)
{
    struct replayer *r = user;
    r->answer.crc32 = crc32_add(r->answer.crc32, data, len);
    r->answer.bytes += len;
}

static const char *value(const struct replayer *r, const struct replay_difference *d,
                         const struct text *t)
{
    bool hidden = !r->show_secrets && strcasecmp(d->name, "set-cookie") != 0 &&
                  view_is_secret(ajp_str_of(d->name, strlen(d->name)));
    return t->len == 0 ? NULL : hidden ? "(hidden)" : t->at;
}

static void tell_json(const struct replayer *r, const struct exchange *e, const char *result,
                      const char *why, const struct replay_difference *d, size_t count)
{
    struct text t = {0};
    struct json j = {.out = &t};
    json_open(&j, NULL, '{');
    json_int(&j, "frame", (int64_t)e->frame);
    json_cstring(&j, "method", e->method);
    json_cstring(&j, "uri", e->uri);
    json_cstring(&j, "query", e->query);
    json_cstring(&j, "result", result);
    json_cstring(&j, "why", why);
    json_open(&j, "differences", '[');
    for (size_t i = 0; i < count; i++) {
        json_open(&j, NULL, '{');
        json_cstring(&j, "what", d[i].name);
        json_cstring(&j, "before", value(r, &d[i], &d[i].before));
        json_cstring(&j, "after", value(r, &d[i], &d[i].after));
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
    puts(t.at);
    text_free(&t);
}

static void tell(const struct replayer *r, const struct exchange *e, const char *result,
                 const char *why, const struct replay_difference *d, size_t count)
{
    struct text t = {0};
    bool same = strcmp(result, "same") == 0;
    if (r->json) {
        tell_json(r, e, result, why, d, count);
        return;
    }
    if (same && !r->verbose)
        return;
    term_colour(&t, r->colour, same ? TERM_GREEN : d ? TERM_RED : TERM_YELLOW);
    text_fmt(&t, "%-7s", result);
    term_colour(&t, r->colour, TERM_PLAIN);
    text_fmt(&t, " frame %" PRIu64 " ", e->frame);
    term_cstring(&t, e->method);
    text_byte(&t, ' ');
    term_cstring(&t, e->uri);
    if (e->query) {
        text_byte(&t, '?');
        term_cstring(&t, e->query);
    }
    if (why) {
        text_str(&t, ": ");
        term_cstring(&t, why);
    }
    for (size_t i = 0; i < count; i++) {
        text_fmt(&t, "\n        %s: ", d[i].name);
        term_cstring(&t, value(r, &d[i], &d[i].before));
        text_str(&t, " -> ");
        term_cstring(&t, value(r, &d[i], &d[i].after));
    }
    puts(t.at);
    text_free(&t);
}

static void skip(struct replayer *r, const struct exchange *e, const char *why)
{
    r->skipped++;
    tell(r, e, "skipped", why, NULL, 0);
}

static void wait_for_turn(struct replayer *r, const struct exchange *e)
{
    if (r->began_ns == 0) {
        r->began_ns = now_ns();
        r->first_ns = e->start_ns;
    }
    uint64_t due = r->began_ns + (e->start_ns > r->first_ns ? e->start_ns - r->first_ns : 0);
    for (uint64_t now; r->pace && (now = now_ns()) < due;)
        poll(NULL, 0, (int)((due - now) / 1000000u) + 1);
    uint64_t now = now_ns();
    r->late_ns = now > due && now - due > r->late_ns ? now - due : r->late_ns;
}

static enum client_result send_it(struct replayer *r, const struct exchange *e,
                                  const uint8_t *packet, size_t len)
{
    struct fetch f = {
        .client = &r->client, .user = r, .read = read_body, .head = on_head, .body = on_body};
    enum client_result result = CLIENT_OK;
    r->body = &e->request.kept;
    r->body_at = 0;
    text_clear(&r->answer.head);
    r->answer = (struct replay_answer){.head = r->answer.head};
    if (r->client.link.fd < 0 || !ajp_session_idle(&r->client.session)) {
        client_close(&r->client);
        result = client_connect(&r->client, &r->url);
        r->unreachable = result == CLIENT_CONNECT;
    }
    if (result == CLIENT_OK)
        result = fetch_run(&f, packet, len);
    r->answer.status = f.status;
    return result;
}

/* The answers side by side. */
static void compare(struct replayer *r, const struct exchange *e)
{
    struct replay_difference d[REPLAY_DIFFERENCES];
    struct replay_answer before = {.damaged = !body_is_whole(&e->response, e->response_announced),
                                   .status = e->status,
                                   .bytes = e->response.bytes,
                                   .crc32 = e->response.crc32,
                                   .head = e->response_head};
    if (!e->complete) {
        tell(r, e, "sent", "the capture has no whole answer to compare with", NULL, 0);
        return;
    }
    replay_learn(&r->cookies, &before, &r->answer);
    size_t n = replay_compare(&before, &r->answer, &r->names, d);
    *(n ? &r->different : &r->same) += 1;
    tell(r, e, n ? "differs" : "same", NULL, n ? d : NULL, n);
    replay_differences_free(d, n);
}

static bool replay(void *user, const struct exchange *e)
{
    static uint8_t packet[AJP_PACKET_MAX];
    struct replayer *r = user;
    ajp_message m;
    size_t len;
    if (e->kind != EXCHANGE_REQUEST || (r->filter && !filter_accepts(r->filter, e)))
        return true;
    if (r->limit && r->sent + r->skipped == r->limit)
        return false;
    if (!view_decode(&e->request_head, AJP_TO_CONTAINER, &m) || m.kind != AJP_FORWARD_REQUEST) {
        skip(r, e, "the request does not decode");
        return true;
    }
    if (!body_is_whole(&e->request, e->announced) || e->request.kept.len < e->request.bytes ||
        (e->announced > 0 && (uint64_t)e->announced > e->request.bytes)) {
        skip(r, e, "the capture has not all of its body");
        return true;
    }
    ajp_status st =
        replay_request(&m.u.request, &r->cookies, ajp_str_of(r->secret.at, r->secret.len), packet,
                       r->packet_size, &len);
    if (st != AJP_OK) {
        skip(r, e, ajp_strerror(st));
        return true;
    }
    wait_for_turn(r, e);
    r->sent++;
    if (send_it(r, e, packet, len) == CLIENT_OK) {
        compare(r, e);
    } else {
        r->failed++;
        tell(r, e, "failed", r->client.why.at, NULL, 0);
        client_close(&r->client);
    }
    fflush(stdout);
    return !r->unreachable;
}

static int run(struct replayer *r)
{
    struct reader reader = {.command = "replay",
                            .user = r,
                            .show = replay,
                            .body = {.keep = BODY_MAX, .crc32 = true},
                            .keep_heads = true};
    client_init(&r->client, (uint32_t)r->packet_size, (int)r->timeout_ms);
    r->client.tls = r->tls;
    int code = reader_run(&reader, r->file);
    client_free(&r->client);
    if (code != 0)
        return code;
    fprintf(r->json ? stderr : stdout,
            "%" PRIu64 " sent: %" PRIu64 " the same, %" PRIu64 " different, %" PRIu64
            " failed; %" PRIu64 " skipped\n",
            r->sent, r->same, r->different, r->failed, r->skipped);
    if (r->pace && r->sent > 0) /* one at a time: an answer that takes longer delays the next */
        fprintf(r->json ? stderr : stdout, "sent at most %.0f ms behind the pace of the capture\n",
                (double)r->late_ns / 1e6);
    return r->unreachable ? CLIENT_CONNECT : r->different + r->failed > 0 ? EXIT_FAILED : 0;
}

static int add_name(const struct args *a, struct replay_names *n)
{
    if (n->count == sizeof n->names / sizeof *n->names)
        return args_wrong(a, "too many headers");
    n->names[n->count++] = a->value;
    return 0;
}

static void remove_name(struct replay_names *n, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->count; i++) {
        if (strcasecmp(n->names[i], name) != 0)
            n->names[kept++] = n->names[i];
    }
    n->count = kept;
}

static int set_operand(const struct args *a, struct replayer *r)
{
    const char *why;
    if (!r->file) {
        r->file = a->value;
        return 0;
    }
    if (r->target)
        return args_wrong(a, "expected a file and a server, not also \"%s\"", a->value);
    r->target = a->value;
    return url_parse(a->value, &r->url, &why) ? 0 : args_wrong(a, "%s: %s", a->value, why);
}

static int set_number(const struct args *a, struct replayer *r, int row)
{
    bool ok = row == LIMIT     ? args_uint(a, 1, UINT64_MAX, &r->limit)
              : row == TIMEOUT ? args_duration_ms(a, &r->timeout_ms)
                               : args_uint(a, AJP_PACKET_DEFAULT, AJP_PACKET_MAX, &r->packet_size);
    return ok ? 0 : EXIT_USAGE;
}

static int set_option(const struct args *a, struct replayer *r, int row)
{
    const char *why;
    switch (row) {
    case FILTER:
        filter_free(r->filter);
        r->filter = filter_option(a);
        return r->filter ? 0 : EXIT_USAGE;
    case LIMIT:
    case TIMEOUT:
    case PACKET_SIZE:
        return set_number(a, r, row);
    case PACE:
        r->pace = true;
        return 0;
    case COMPARE:
        return add_name(a, &r->names);
    case IGNORE:
        remove_name(&r->names, a->value);
        return 0;
    case VERBOSE:
        r->verbose = true;
        return 0;
    case JSON:
        r->json = true;
        return 0;
    case SHOW_SECRETS:
        r->show_secrets = true;
        return 0;
    case SECRET_FILE:
        return secret_load(a->value, &r->secret, &why)
                   ? 0
                   : args_wrong(a, "--secret-file %s: %s", a->value, why);
    case ARGS_OPERAND:
        return set_operand(a, r);
    default: /* of TLS */
        secure_option(&r->tls, (enum secure_option)(row - TLS), a->value);
        return 0;
    }
}

int cmd_replay(int argc, char **argv)
{
    struct args a;
    const char *why;
    int row, code = 0;
    struct replayer r = {.timeout_ms = 30000,
                         .packet_size = AJP_PACKET_DEFAULT,
                         .colour = term_has_colour(STDOUT_FILENO),
                         .names = {{"status", "content-type", "content-encoding", "location",
                                    "www-authenticate", "cache-control", "set-cookie", "body"},
                                   8}};
    args_init(&a, argc, argv, "FILE|- HOST:PORT",
              "Sends the requests of a capture to a server and compares the answers.", table);
    secret_load(NULL, &r.secret, &why);
    while (code == 0 && (row = args_next(&a)) != ARGS_END)
        code =
            row == ARGS_ERROR || row == ARGS_HELP ? -1 - args_exit(row) : set_option(&a, &r, row);
    if (code < 0)
        code = -1 - code;
    else if (code == 0 && !r.target)
        code = args_wrong(&a, "expected a capture and a server: FILE HOST:PORT");
    else if (code == 0)
        code = run(&r);
    filter_free(r.filter);
    replay_cookies_free(&r.cookies);
    text_free(&r.secret);
    text_free(&r.answer.head);
    return code;
}
