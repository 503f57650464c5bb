/* SPDX-License-Identifier: Apache-2.0 */
/* TLS contexts out of good and bad files, and TLS streams against each other on one loop. */
#include "base/log.h"
#include "net/listener.h"
#include "net/stream_tls.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/tls-XXXXXX";

/* Of the file in dir; four may be in use at a time. */
static const char *in_dir(const char *name)
{
    static char paths[4][64];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static void make_certificate(const char *name)
{
    char line[512];

    snprintf(line, sizeof(line),
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 "
             "-subj /CN=%s -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
             "-keyout %s/%s.key -out %s/%s.pem 2>/dev/null",
             name, dir, name, dir, name);
    cr_assert_eq(system(line), 0, "%s", line);
}

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_setup(LEVEL_ERROR, LOG_TEXT);
    cr_assert_not_null(mkdtemp(dir));
    make_certificate("own");
    make_certificate("other");
}

static void teardown(void)
{
    char line[64];

    snprintf(line, sizeof(line), "rm -r %s", dir);
    cr_assert_eq(system(line), 0);
}

TestSuite(tls_context, .init = setup, .fini = teardown);
TestSuite(tls_stream, .init = setup, .fini = teardown);

static void put_file(const char *name, const char *text, mode_t mode)
{
    FILE *f = fopen(in_dir(name), "w");

    fputs(text, f);
    fclose(f);
    chmod(in_dir(name), mode);
}

/* --- contexts --- */

Test(tls_context, bad_files_are_told_by_key_and_reason)
{
    const struct {
        const char *label, *certificate, *key, *ca, *blamed, *why;
    } rows[] = {
        {"missing", "none", "own.key", NULL, "certificate", "No such file"},
        {"junk", "junk", "own.key", NULL, "certificate", "got"},
        {"a key for a certificate", "own.key", "own.key", NULL, "certificate",
         "it holds a key, and no certificate"},
        {"missing key", "own.pem", "none", NULL, "key", "No such file"},
        {"junk key", "own.pem", "junk", NULL, "key", "it holds no key"},
        {"another's key", "own.pem", "other.key", NULL, "key", "it belongs to another certificate"},
        {"key for all to see", "own.pem", "open.key", NULL, "key",
         "its mode is 0644, chmod 600 it"},
        {"passphrase", "own.pem", "locked.key", NULL, "key", "it has a passphrase"},
        {"no key in the certificate's file", "own.pem", "own.pem", NULL, "key",
         "name its file as key beside the certificate"},
        {"a certificate for a key", "own.pem", "other.pem", NULL, "key",
         "it holds a certificate, and no key"},
        {"missing ca", "own.pem", "own.key", "none", "ca", "No such file"},
        {"junk ca", "own.pem", "own.key", "junk", "ca", "certificates of CAs"},
    };
    char line[256];

    put_file("junk", "junk\n", 0600);
    snprintf(line, sizeof(line), "cp %s/own.key %s/open.key && chmod 644 %s/open.key", dir, dir,
             dir);
    cr_assert_eq(system(line), 0);
    snprintf(line, sizeof(line),
             "openssl ec -aes128 -passout pass:x -in %s/own.key -out %s/locked.key 2>/dev/null",
             dir, dir);
    cr_assert_eq(system(line), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *key = NULL;
        char why[512] = "";
        struct tls_options o = {.name = "https://a:1",
                                .server = true,
                                .certificate = in_dir(rows[i].certificate),
                                .key = in_dir(rows[i].key),
                                .ca = rows[i].ca != NULL ? in_dir(rows[i].ca) : NULL,
                                .verify =
                                    rows[i].ca != NULL ? TLS_VERIFY_REQUIRE : TLS_VERIFY_NONE};

        cr_expect_null(tls_context_new(&o, &key, why, sizeof(why)), "%s", rows[i].label);
        cr_expect_str_eq(key, rows[i].blamed, "%s: %s", rows[i].label, why);
        cr_expect_not_null(strstr(why, rows[i].why), "%s: %s", rows[i].label, why);
    }
}

static struct tls_context *listener_context(enum tls_verify verify)
{
    const char *key;
    char why[512];
    struct tls_options o = {.name = "https://127.0.0.1:0",
                            .server = true,
                            .certificate = in_dir("own.pem"),
                            .key = in_dir("own.key"),
                            .ca = verify != TLS_VERIFY_NONE ? in_dir("other.pem") : NULL,
                            .verify = verify};
    struct tls_context *c = tls_context_new(&o, &key, why, sizeof(why));

    cr_assert_not_null(c, "%s", why);
    return c;
}

static struct tls_context *worker_context(bool certificate)
{
    const char *key;
    char why[512];
    struct tls_options o = {.name = "nodeA",
                            .ca = in_dir("own.pem"),
                            .server_name = "127.0.0.1",
                            .verify = TLS_VERIFY_REQUIRE};
    struct tls_context *c;

    if (certificate) {
        o.certificate = in_dir("other.pem");
        o.key = in_dir("other.key");
    }
    c = tls_context_new(&o, &key, why, sizeof(why));
    cr_assert_not_null(c, "%s", why);
    return c;
}

Test(tls_context, a_key_may_lie_in_the_file_of_its_certificate)
{
    const char *key;
    char why[512], line[256];
    struct tls_options o = {.name = "https://a:1", .server = true, .certificate = in_dir("both")};
    struct tls_context *c;

    snprintf(line, sizeof(line), "umask 077 && cat %s/own.pem %s/own.key >%s/both", dir, dir, dir);
    cr_assert_eq(system(line), 0);
    c = tls_context_new(&o, &key, why, sizeof(why));
    cr_expect_not_null(c, "%s", why);
    tls_context_leave(c);
}

/* --- streams --- */

enum { ROOM = 8 << 20 };

/* One side: what it has got, and how it is to read. */
struct side {
    struct stream stream;
    uint8_t *got;
    size_t len, piece; /* bytes of one read */
    int events;
    long last; /* result of the last read */
    bool writable, closed;
};

static struct loop loop;
static struct listener listener;
static struct side server, client;
static struct tls_context *server_tls, *client_tls;

static void on_event(struct stream *s, bool readable, bool writable)
{
    struct side *side = CONTAINER_OF(s, struct side, stream);

    side->events++;
    if (writable) {
        side->writable = true;
        stream_want_write(s, false);
    }
    if (!readable)
        return;
    side->last = stream_recv(s, side->got + side->len, side->piece);
    if (side->last > 0)
        side->len += (size_t)side->last;
    else if (side->last != STREAM_AGAIN)
        stream_want_read(s, false);
}

static void on_closed(struct stream *s)
{
    CONTAINER_OF(s, struct side, stream)->closed = true;
}

static void prepare(struct side *side)
{
    side->stream.on_event = on_event;
    side->stream.on_closed = on_closed;
    side->piece = 1 << 16;
    side->got = malloc(ROOM);
}

static void on_accepted(struct listener *l, int fd)
{
    (void)l;
    cr_assert_eq(stream_open(&server.stream, &loop, fd, server_tls), 0);
    prepare(&server);
    stream_want(&server.stream, true, false);
}

static void on_stopped(struct listener *l)
{
    (void)l;
}

/* Turns the loop until the condition holds; fails after five seconds. */
#define UNTIL(condition)                                                                           \
    for (uint64_t end = uv_hrtime() + 5000000000u; !(condition);) {                                \
        cr_assert_lt(uv_hrtime(), end, "never: " #condition);                                      \
        loop_turn(&loop, false);                                                                   \
    }

static void turn(int times)
{
    while (times-- > 0)
        loop_turn(&loop, false);
}

static void connect_again(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);

    getsockname(listener.fd, (struct sockaddr *)&at, &len);
    server = (struct side){0};
    client = (struct side){0};
    cr_assert_eq(stream_connect(&client.stream, &loop, (struct sockaddr *)&at, client_tls), 0);
    prepare(&client);
    stream_want(&client.stream, false, true);
    UNTIL(client.writable);
}

static void begin(enum tls_verify verify, bool certificate)
{
    uint16_t port = 0;

    server_tls = listener_context(verify);
    client_tls = worker_context(certificate);
    cr_assert_eq(loop_init(&loop, 8192), 0);
    listener.accepted = on_accepted;
    listener.stopped = on_stopped;
    cr_assert_eq(listener_start(&listener, &loop, listener_bind("127.0.0.1", &port, false)), 0);
    connect_again();
}

static void close_sides(void)
{
    stream_close(&client.stream, false);
    stream_close(&server.stream, false);
    UNTIL(client.closed && server.closed);
    free(client.got);
    free(server.got);
}

static void end(void)
{
    close_sides();
    listener_stop(&listener);
    cr_expect_eq(loop_close(&loop), 0, "no handle is left");
    tls_context_leave(server_tls);
    tls_context_leave(client_tls);
}

static uint8_t *bytes(size_t n)
{
    uint8_t *p = malloc(n);
    uint32_t x = 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (uint8_t)(x >> 24);
    }
    return p;
}

/* Sends all of it, with the loop's help. */
static void send_all(struct side *from, const uint8_t *p, size_t n)
{
    while (n > 0) {
        struct iovec v = {(void *)(uintptr_t)p, n};
        long sent = stream_send(&from->stream, &v, 1);

        cr_assert_neq(sent, STREAM_FAILED);
        if (sent > 0) {
            p += sent;
            n -= (size_t)sent;
        } else {
            turn(1);
        }
    }
}

Test(tls_stream, both_sides_are_connected_and_say_why_not)
{
    begin(TLS_VERIFY_REQUIRE, true);
    cr_expect_eq(stream_connect_error(&client.stream), 0);
    send_all(&client, (const uint8_t *)"hello", 5);
    UNTIL(server.len == 5);
    cr_expect_eq(memcmp(server.got, "hello", 5), 0);
    cr_expect_not_null(stream_tls_facts(&server.stream)->client_cert_pem.ptr);
    end();
}

Test(tls_stream, a_record_is_read_in_pieces_though_the_socket_is_silent)
{
    uint8_t *p = bytes(16384);

    begin(TLS_VERIFY_NONE, false);
    server.piece = 100;
    send_all(&client, p, 16384);
    UNTIL(server.len == 16384);
    cr_expect_eq(memcmp(server.got, p, 16384), 0);
    cr_expect_geq(server.events, 16384 / 100);
    turn(10);
    cr_expect_leq(server.events, 16384 / 100 + 4, "and then there are no more events");
    free(p);
    end();
}

Test(tls_stream, no_events_while_nobody_wants_them)
{
    uint8_t *p = bytes(1000);
    int events;

    begin(TLS_VERIFY_NONE, false);
    server.piece = 100;
    send_all(&client, p, 1000);
    UNTIL(server.len >= 300);
    stream_want_read(&server.stream, false);
    events = server.events;
    turn(20);
    cr_expect_eq(server.events, events);
    stream_want_read(&server.stream, true);
    UNTIL(server.len == 1000);
    cr_expect_eq(memcmp(server.got, p, 1000), 0);
    free(p);
    end();
}

Test(tls_stream, pieces_of_any_size_arrive_in_order)
{
    static const size_t sizes[] = {1, 0, 5000, 16384, 3, 40000, 0, 16383, 2, 10};
    enum { N = sizeof(sizes) / sizeof(sizes[0]) };
    uint8_t *p = bytes(1 << 17);
    struct iovec v[N];
    size_t total = 0;

    begin(TLS_VERIFY_NONE, false);
    for (size_t i = 0; i < N; total += sizes[i++])
        v[i] = (struct iovec){p + total, sizes[i]};
    cr_assert_eq(stream_send(&client.stream, v, N), (long)total);
    UNTIL(server.len == total);
    cr_expect_eq(memcmp(server.got, p, total), 0);
    free(p);
    end();
}

Test(tls_stream, a_full_socket_loses_nothing)
{
    uint8_t *p = bytes(ROOM);
    size_t sent = 0;

    begin(TLS_VERIFY_NONE, false);
    UNTIL(server.stream.on_event != NULL);
    stream_want_read(&server.stream, false);
    for (int again = 0; again < 3;) { /* offered anew, at other addresses, with more behind it */
        size_t n = ROOM - sent < 50000 ? ROOM - sent : 50000 + (size_t)again;
        uint8_t *copy = malloc(n);
        struct iovec v = {memcpy(copy, p + sent, n), n};
        long k = stream_send(&client.stream, &v, 1);

        cr_assert_neq(k, STREAM_FAILED);
        if (k > 0)
            sent += (size_t)k;
        else
            again++;
        free(copy);
        cr_assert_lt(sent, ROOM, "the socket never fills");
    }
    stream_want_read(&server.stream, true);
    send_all(&client, p + sent, ROOM - sent);
    UNTIL(server.len == ROOM);
    cr_expect_eq(memcmp(server.got, p, ROOM), 0);
    free(p);
    end();
}

Test(tls_stream, an_end_is_told_from_a_cut)
{
    begin(TLS_VERIFY_NONE, false);
    server.last = 1;
    stream_shutdown(&client.stream);
    UNTIL(server.last == 0);
    cr_expect_eq(stream_peek(&server.stream), 0);
    close_sides();

    connect_again();
    UNTIL(server.stream.on_event != NULL);
    turn(5);
    server.last = 1;
    shutdown(client.stream.fd, SHUT_WR); /* as anyone in between could */
    UNTIL(server.last == STREAM_FAILED);
    cr_expect_str_eq(stream_why(&server.stream), "connection cut without TLS close_notify");
    end();
}

Test(tls_stream, a_peek_takes_nothing)
{
    begin(TLS_VERIFY_NONE, false);
    UNTIL(server.stream.on_event != NULL);
    turn(5);
    stream_want_read(&server.stream, false);
    cr_expect_eq(stream_peek(&server.stream), STREAM_AGAIN);
    send_all(&client, (const uint8_t *)"abc", 3);
    UNTIL(stream_peek(&server.stream) == 1);
    stream_want_read(&server.stream, true);
    UNTIL(server.len == 3);
    end();
}

Test(tls_stream, a_client_that_is_refused_is_told_and_so_are_we)
{
    begin(TLS_VERIFY_REQUIRE, false);
    stream_want_read(&client.stream, true);
    UNTIL(server.last == STREAM_FAILED && client.last == STREAM_FAILED);
    cr_expect_str_eq(stream_why(&server.stream), "peer did not return a certificate");
    cr_expect_not_null(strstr(stream_why(&client.stream), "certificate required"));
    end();
}

Test(tls_stream, a_worker_is_met_again_without_a_full_handshake)
{
    begin(TLS_VERIFY_REQUIRE, true);
    stream_want_read(&client.stream, true);
    UNTIL(atomic_load(&client_tls->session) != NULL);
    close_sides();
    connect_again();
    UNTIL(SSL_CTX_sess_hits(server_tls->ssl) == 1);
    end();
}

Test(tls_stream, a_connection_outlives_what_its_settings_owned)
{
    begin(TLS_VERIFY_NONE, false);
    UNTIL(server.stream.on_event != NULL);
    tls_context_leave(server_tls);
    tls_context_leave(client_tls);
    send_all(&client, (const uint8_t *)"abc", 3);
    UNTIL(server.len == 3);
    close_sides();
    listener_stop(&listener);
    cr_expect_eq(loop_close(&loop), 0);
}
