/* SPDX-License-Identifier: Apache-2.0 */
/* Plain streams on a loop, against a socket that the test holds itself: the kernel tells each
 * change once, and none may be missed. */
#include "net/stream.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop loop;

/* A stream and what came of it. */
struct side {
    struct stream stream;
    int peer;          /* the other end: a blocking socket */
    struct side *mate; /* closed at the next event; NULL: none */
    struct side *heir; /* and this one opened on the mate's descriptor */
    size_t piece;      /* most that one event takes */
    size_t len;        /* received */
    long last;         /* result of the last stream_recv that gave no bytes */
    int events, ends;  /* ends: told while nothing was read */
    bool writable, closed;
    uint8_t got[1 << 16];
};

static void on_event(struct stream *s, bool readable, bool writable);
static void on_closed(struct stream *s);

static void side_open(struct side *side, int fd)
{
    cr_assert_eq(stream_open(&side->stream, &loop, fd, NULL), 0);
    side->stream.on_event = on_event;
    side->stream.on_closed = on_closed;
    stream_want_read(&side->stream, true);
}

/* Closes the mate; its heir has the same descriptor from then on. */
static void close_mate(struct side *side)
{
    int fd = side->mate->stream.fd;

    stream_close(&side->mate->stream, false);
    if (side->heir == NULL)
        return;
    cr_assert_eq(fcntl(fd, F_GETFD), -1, "it was closed at once");
    cr_assert_eq(dup2(side->heir->peer, fd), fd);
    side_open(side->heir, fd);
    side->heir = NULL;
}

static void on_event(struct stream *s, bool readable, bool writable)
{
    struct side *side = CONTAINER_OF(s, struct side, stream);
    long n;

    side->events++;
    if (side->mate != NULL)
        close_mate(side);
    if (writable) {
        side->writable = true;
        stream_want_write(s, false);
    }
    if (!readable)
        return;
    n = stream_recv(s, side->got + side->len, side->piece);
    if (n > 0) {
        side->len += (size_t)n;
    } else {
        side->last = n;
        if (n != STREAM_AGAIN)
            stream_want_read(s, false);
    }
}

static void on_closed(struct stream *s)
{
    CONTAINER_OF(s, struct side, stream)->closed = true;
}

static void on_ended(struct stream *s)
{
    CONTAINER_OF(s, struct side, stream)->ends++;
}

/* Turns the loop until the condition holds; fails after five seconds. */
#define UNTIL(condition)                                                                           \
    for (uint64_t until = uv_hrtime() + 5000000000u; !(condition);) {                              \
        cr_assert_lt(uv_hrtime(), until, "never: " #condition);                                    \
        loop_turn(&loop, false);                                                                   \
    }

static void turn(int times)
{
    while (times-- > 0)
        loop_turn(&loop, false);
}

/* Two ends of a connection. */
static void tcp_pair(int ends[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(listener, (struct sockaddr *)&at, len), 0);
    cr_assert_eq(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&at, &len);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(ends[0], (struct sockaddr *)&at, len), 0);
    ends[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    cr_assert_geq(ends[1], 0);
    close(listener);
}

static struct side *side_new(void)
{
    struct side *side = calloc(1, sizeof(*side));
    int ends[2];

    tcp_pair(ends);
    side->peer = ends[0];
    side->piece = sizeof(side->got);
    side->last = 1;
    side_open(side, ends[1]);
    return side;
}

static void side_free(struct side *side)
{
    if (side->peer >= 0)
        close(side->peer);
    stream_close(&side->stream, false);
    UNTIL(side->closed);
    free(side);
}

static void peer_says(const struct side *side, const char *text)
{
    cr_assert_eq(send(side->peer, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void peer_breaks_off(struct side *side)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(side->peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(side->peer);
    side->peer = -1;
}

/* Until the kernel has for the stream what its peer did last: no luck is needed afterwards. */
static void arrived(const struct side *side, short what)
{
    struct pollfd p = {.fd = side->stream.fd, .events = what};

    do
        cr_assert_eq(poll(&p, 1, 5000), 1);
    while ((p.revents & what) != what);
}

static void begin(void)
{
    cr_assert_eq(loop_init(&loop, 8192), 0);
}

static void end(void)
{
    cr_expect_eq(loop_close(&loop), 0, "no handle is left");
}

TestSuite(stream, .init = begin, .fini = end);

Test(stream, bytes_taken_in_pieces_are_all_told)
{
    struct side *side = side_new();

    side->piece = 3;
    peer_says(side, "0123456789abcdef");
    UNTIL(side->len == 16);
    cr_expect_eq(memcmp(side->got, "0123456789abcdef", 16), 0);
    turn(10);
    cr_expect_leq(side->events, 7, "six with bytes, one that may find none");
    side_free(side);
}

Test(stream, each_message_is_told)
{
    struct side *side = side_new();

    for (size_t i = 1; i <= 100; i++) {
        peer_says(side, "x");
        UNTIL(side->len == i);
    }
    turn(10);
    cr_expect_eq(side->events, 100, "one event, one read");
    side_free(side);
}

Test(stream, what_came_while_nobody_wanted_it_is_told_later)
{
    struct side *side = side_new();

    stream_want_read(&side->stream, false);
    peer_says(side, "held");
    arrived(side, POLLIN);
    turn(10);
    cr_expect_eq(side->events, 0);
    stream_want_read(&side->stream, true);
    UNTIL(side->len == 4);
    side_free(side);
}

Test(stream, a_peek_takes_nothing_and_the_byte_is_told_later)
{
    struct side *side = side_new();

    peer_says(side, "held");
    arrived(side, POLLIN);
    stream_want_read(&side->stream, false);
    cr_expect_eq(stream_peek(&side->stream), 1);
    turn(10);
    stream_want_read(&side->stream, true);
    UNTIL(side->len == 4);
    cr_expect_eq(stream_peek(&side->stream), STREAM_AGAIN);
    peer_says(side, "more");
    UNTIL(side->len == 8);
    side_free(side);
}

Test(stream, the_end_that_came_with_the_last_bytes_is_told)
{
    struct side *side = side_new();

    peer_says(side, "last words");
    shutdown(side->peer, SHUT_WR);
    arrived(side, POLLIN | POLLRDHUP);
    UNTIL(side->last <= 0);
    cr_expect_eq(side->last, 0);
    cr_expect_eq(side->len, 10);
    side_free(side);
}

Test(stream, the_end_that_came_later_is_told)
{
    struct side *side = side_new();

    peer_says(side, "words");
    UNTIL(side->len == 5);
    turn(5);
    shutdown(side->peer, SHUT_WR);
    UNTIL(side->last <= 0);
    cr_expect_eq(side->last, 0);
    side_free(side);
}

Test(stream, the_end_that_came_while_nobody_read_is_told)
{
    struct side *side = side_new();

    stream_want_read(&side->stream, false);
    peer_says(side, "words");
    shutdown(side->peer, SHUT_WR);
    arrived(side, POLLIN | POLLRDHUP);
    turn(5);
    cr_expect_eq(side->events, 0);
    stream_want_read(&side->stream, true);
    UNTIL(side->last <= 0);
    cr_expect_eq(side->last, 0);
    cr_expect_eq(side->len, 5);
    side_free(side);
}

/* FIN, and then RST, behind bytes that nobody takes: each is told once, and the bytes stay. */
Test(stream, an_end_is_told_ahead_of_bytes_that_nobody_reads)
{
    struct side *side = side_new();

    side->stream.on_ended = on_ended;
    stream_want_read(&side->stream, false);
    peer_says(side, "words");
    turn(5);
    cr_expect_eq(side->ends, 0);
    shutdown(side->peer, SHUT_WR);
    UNTIL(side->ends == 1);
    cr_expect(side->stream.ended && !side->stream.broken);
    turn(5);
    peer_breaks_off(side);
    UNTIL(side->ends == 2);
    cr_expect(side->stream.broken);
    turn(5);
    cr_expect_eq(side->ends, 2);
    cr_expect_eq(side->events, 0);
    stream_want_read(&side->stream, true);
    UNTIL(side->last <= 0);
    cr_expect_eq(side->len, 5);
    side_free(side);
}

Test(stream, who_reads_hears_of_an_end_by_reading_alone)
{
    struct side *side = side_new();

    side->stream.on_ended = on_ended;
    shutdown(side->peer, SHUT_WR);
    UNTIL(side->last <= 0);
    cr_expect_eq(side->ends, 0);
    side_free(side);
}

Test(stream, a_break_is_told_to_who_reads)
{
    struct side *side = side_new();

    turn(5);
    peer_breaks_off(side);
    UNTIL(side->last <= 0);
    cr_expect_eq(side->last, STREAM_FAILED);
    cr_expect_eq(side->stream.error, ECONNRESET);
    side_free(side);
}

Test(stream, a_break_is_told_to_who_only_writes)
{
    struct side *side = side_new();
    uint8_t much[1 << 16] = {0};
    struct iovec v = {much, sizeof(much)};
    long n;

    stream_want_read(&side->stream, false);
    while ((n = stream_send(&side->stream, &v, 1)) > 0)
        continue;
    cr_assert_eq(n, STREAM_AGAIN, "the socket is full");
    stream_want_write(&side->stream, true);
    turn(10);
    cr_expect(!side->writable);
    peer_breaks_off(side);
    UNTIL(side->writable);
    cr_expect_eq(stream_send(&side->stream, &v, 1), STREAM_FAILED);
    side_free(side);
}

Test(stream, a_full_socket_is_told_when_it_has_room)
{
    struct side *side = side_new();
    uint8_t much[1 << 16] = {0};
    struct iovec v[2] = {{much, 1000}, {much, sizeof(much)}};
    size_t sent = 0, taken = 0;

    for (int full = 0; full < 3;) {
        long n = stream_send(&side->stream, v, 2);

        cr_assert_neq(n, STREAM_FAILED);
        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        full++;
        side->writable = false;
        stream_want_write(&side->stream, true);
        while (taken < sent) {
            ssize_t got = recv(side->peer, side->got, sizeof(side->got), 0);

            cr_assert_gt(got, 0);
            taken += (size_t)got;
        }
        UNTIL(side->writable);
    }
    side_free(side);
}

Test(stream, who_wants_to_write_and_can_is_told)
{
    struct side *side = side_new();

    turn(5);
    cr_expect(!side->writable);
    for (int i = 0; i < 3; i++) {
        side->writable = false;
        stream_want_write(&side->stream, true);
        UNTIL(side->writable);
    }
    side_free(side);
}

Test(stream, one_that_another_closed_in_the_same_turn_is_not_told)
{
    struct side *a = side_new(), *b = side_new();

    turn(5);
    a->mate = b;
    b->mate = a;
    peer_says(a, "x");
    peer_says(b, "x");
    arrived(a, POLLIN);
    arrived(b, POLLIN);
    UNTIL(a->closed || b->closed);
    turn(5);
    cr_expect_eq(a->events + b->events, 1);
    cr_expect_eq(a->closed + b->closed, 1);
    a->mate = b->mate = NULL;
    side_free(a);
    side_free(b);
}

/* FI-37: what epoll tells of a descriptor was meant for who had it when the turn began. */
Test(stream, an_heir_of_a_descriptor_is_not_told_of_what_came_before)
{
    struct side *a = side_new(), *b = side_new(), *heir = calloc(1, sizeof(*heir));
    int ends[2];

    tcp_pair(ends);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    heir->peer = ends[0]; /* until it has the descriptor of whom it follows */
    heir->piece = sizeof(heir->got);
    turn(5);
    a->mate = b;
    b->mate = a;
    a->heir = b->heir = heir;
    peer_says(a, "x");
    peer_says(b, "x");
    arrived(a, POLLIN);
    arrived(b, POLLIN);
    UNTIL(a->closed || b->closed);
    turn(5);
    cr_expect_eq(a->events + b->events, 1);
    cr_expect_eq(heir->events, 0);
    cr_assert_eq(send(ends[1], "yes", 3, 0), 3);
    UNTIL(heir->len == 3);
    a->mate = b->mate = NULL;
    close(ends[1]);
    side_free(a);
    side_free(b);
    side_free(heir);
}

Test(stream, a_refused_connection_is_told)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int unused = socket(AF_INET, SOCK_STREAM, 0);
    struct side side = {.peer = -1};

    cr_assert_eq(bind(unused, (struct sockaddr *)&at, len), 0); /* and does not listen */
    getsockname(unused, (struct sockaddr *)&at, &len);
    cr_assert_eq(stream_connect(&side.stream, &loop, (struct sockaddr *)&at, NULL), 0);
    side.stream.on_event = on_event;
    side.stream.on_closed = on_closed;
    stream_want(&side.stream, false, true);
    UNTIL(side.writable);
    cr_expect_eq(stream_connect_error(&side.stream), ECONNREFUSED);
    stream_close(&side.stream, false);
    UNTIL(side.closed);
    close(unused);
}

static int order[8], order_len;

struct note {
    struct again again;
    int number, left;
};

static void on_note(struct again *a)
{
    struct note *note = CONTAINER_OF(a, struct note, again);

    order[order_len++] = note->number;
    if (--note->left > 0)
        loop_again(&loop, a);
}

Test(stream, what_asks_for_another_turn_gets_one_each_time)
{
    struct note first = {.number = 1, .left = 2}, second = {.number = 2, .left = 1};

    again_init(&first.again, on_note);
    again_init(&second.again, on_note);
    loop_again(&loop, &first.again);
    loop_again(&loop, &second.again);
    loop_again(&loop, &first.again);
    loop_turn(&loop, true);
    cr_expect_eq(order_len, 2, "each once a turn");
    loop_turn(&loop, true);
    cr_expect_eq(order_len, 3);
    cr_expect(order[0] == 1 && order[1] == 2 && order[2] == 1);
}

static void on_timer(uv_timer_t *t)
{
    *(bool *)t->data = true;
}

Test(stream, libuv_timers_and_descriptors_are_served_beside_streams)
{
    struct side *side = side_new();
    bool rang = false;
    uv_timer_t timer;

    uv_timer_init(&loop.uv, &timer);
    timer.data = &rang;
    uv_timer_start(&timer, on_timer, 20, 0);
    peer_says(side, "x");
    while (!rang || side->len == 0)
        loop_turn(&loop, true);
    uv_close((uv_handle_t *)&timer, NULL);
    side_free(side);
}
