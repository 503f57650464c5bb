/* SPDX-License-Identifier: Apache-2.0 */
/* Reassembly: a script of segments, and the log of what came out. */
#include "tcp.h"

#include "text.h"

#include <criterion/criterion.h>
#include <string.h>

enum { C, S };

struct step {
    int from;
    uint32_t seq, ack;
    uint8_t flags;
    const char *data;
    size_t missing;
};

static void on_data(void *user, struct tcp_flow *f, int side, const uint8_t *bytes, size_t len,
                    const struct segment *s)
{
    (void)s;
    text_fmt(user, "%u%c:%.*s ", (unsigned)f->number, "CS"[f->ends[side].port == 8009], (int)len,
             (const char *)bytes);
}

static void on_gap(void *user, struct tcp_flow *f, int side, uint64_t len, const struct segment *s)
{
    (void)s;
    text_fmt(user, "%u%c(%u) ", (unsigned)f->number, "CS"[f->ends[side].port == 8009],
             (unsigned)len);
}

static void on_closed(void *user, struct tcp_flow *f)
{
    text_fmt(user, "%u. ", (unsigned)f->number);
}

static void expect(const char *label, const struct step *steps, size_t count, const char *log)
{
    struct text t = {0};
    struct tcp_sink sink = {.user = &t, .data = on_data, .gap = on_gap, .closed = on_closed};
    struct tcp_table *table = tcp_table_new(&sink);
    for (size_t i = 0; i < count; i++) {
        const struct step *p = &steps[i];
        /* On the heap, so that a read past its end is noticed. */
        size_t len = p->data ? strlen(p->data) : 0;
        uint8_t *copy = xmalloc(len);
        memcpy(copy, p->data ? p->data : "", len);
        struct segment s = {.from = {.port = p->from == S ? 8009 : 4000},
                            .to = {.port = p->from == S ? 4000 : 8009},
                            .seq = p->seq,
                            .ack = p->ack,
                            .flags = p->flags,
                            .data = copy,
                            .len = len,
                            .missing = p->missing,
                            .frame = i + 1};
        tcp_table_add(table, &s);
        free(copy);
    }
    tcp_table_free(table);
    cr_expect_str_eq(t.at ? t.at : "", log, "%s: got %s", label, t.at ? t.at : "nothing");
    text_free(&t);
}

#define EXPECT(label, log, ...)                                                                    \
    expect(label, (const struct step[]){__VA_ARGS__},                                              \
           sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step), log)

#define OPEN                                                                                       \
    {C, 99, 0, TCP_SYN, NULL, 0},                                                                  \
    {                                                                                              \
        S, 499, 100, TCP_SYN | TCP_ACK, NULL, 0                                                    \
    }

Test(tcp, bytes_come_in_order)
{
    EXPECT("plain", "0C:ab 0S:xy 0C:cd 0. ", OPEN, {C, 100, 500, TCP_ACK, "ab", 0},
           {S, 500, 102, TCP_ACK, "xy", 0}, {C, 102, 502, TCP_ACK, "cd", 0});
    EXPECT("swapped", "0C:ab 0C:cd 0. ", OPEN, {C, 102, 500, TCP_ACK, "cd", 0},
           {C, 100, 500, TCP_ACK, "ab", 0});
    EXPECT("three, last first", "0C:ab 0C:cd 0C:ef 0. ", OPEN, {C, 104, 500, TCP_ACK, "ef", 0},
           {C, 102, 500, TCP_ACK, "cd", 0}, {C, 100, 500, TCP_ACK, "ab", 0});
    EXPECT("an answer waits for what it answers", "0C:ab 0S:xy 0. ", OPEN,
           {S, 500, 102, TCP_ACK, "xy", 0}, {C, 100, 500, TCP_ACK, "ab", 0});
}

Test(tcp, repeated_bytes_come_once)
{
    EXPECT("again", "0C:ab 0C:cd 0. ", OPEN, {C, 100, 500, TCP_ACK, "ab", 0},
           {C, 100, 500, TCP_ACK, "ab", 0}, {C, 102, 500, TCP_ACK, "cd", 0});
    EXPECT("overlap", "0C:ab 0C:cd 0. ", OPEN, {C, 100, 500, TCP_ACK, "ab", 0},
           {C, 101, 500, TCP_ACK, "bcd", 0});
    EXPECT("inside", "0C:abcd 0C:e 0. ", OPEN, {C, 100, 500, TCP_ACK, "abcd", 0},
           {C, 101, 500, TCP_ACK, "b", 0}, {C, 104, 500, TCP_ACK, "e", 0});
    EXPECT("keep-alive probe", "0C:ab 0C:cd 0. ", OPEN, {C, 100, 500, TCP_ACK, "ab", 0},
           {C, 101, 500, TCP_ACK, "?", 0}, {C, 102, 500, TCP_ACK, "cd", 0});
    EXPECT("SYN again", "0C:ab 0. ", OPEN, {C, 99, 0, TCP_SYN, NULL, 0},
           {C, 100, 500, TCP_ACK, "ab", 0});
}

Test(tcp, sequence_numbers_wrap)
{
    EXPECT("wrap", "0C:abcd 0C:ef 0. ", {C, 0xfffffffd, 0, TCP_SYN, NULL, 0},
           {S, 499, 0xfffffffe, TCP_SYN | TCP_ACK, NULL, 0},
           {C, 0xfffffffe, 500, TCP_ACK, "abcd", 0}, {C, 2, 500, TCP_ACK, "ef", 0});
    EXPECT("wrap, swapped", "0C:abcd 0C:ef 0. ", {C, 0xfffffffd, 0, TCP_SYN, NULL, 0},
           {S, 499, 0xfffffffe, TCP_SYN | TCP_ACK, NULL, 0}, {C, 2, 500, TCP_ACK, "ef", 0},
           {C, 0xfffffffe, 500, TCP_ACK, "abcd", 0});
}

Test(tcp, a_connection_may_be_open_already)
{
    EXPECT("open", "0C:ab 0S:xy 0. ", {C, 100, 500, TCP_ACK, "ab", 0},
           {S, 500, 102, TCP_ACK, "xy", 0});
    EXPECT("the other side is ahead of its acknowledgement", "0C:ab 0S:xy 0. ",
           {C, 100, 500, TCP_ACK, NULL, 0}, {C, 100, 506, TCP_ACK, "ab", 0},
           {S, 506, 102, TCP_ACK, "xy", 0});
}

Test(tcp, bytes_that_never_come_are_a_gap)
{
    EXPECT("at the end", "0C:ab 0C(3) 0C:fg 0. ", OPEN, {C, 100, 500, TCP_ACK, "ab", 0},
           {C, 105, 500, TCP_ACK, "fg", 0});
    EXPECT("told by the other side only", "0C:ab 0S(7) 0C:cd 0. ", OPEN,
           {C, 100, 500, TCP_ACK, "ab", 0}, {C, 102, 507, TCP_ACK, "cd", 0});
    EXPECT("cut by the snap length", "0C:ab 0C(3) 0C:fg 0. ", OPEN, {C, 100, 500, TCP_ACK, "ab", 3},
           {C, 105, 500, TCP_ACK, "fg", 0});
}

Test(tcp, a_connection_ends_and_its_ports_are_used_again)
{
    EXPECT("two FINs", "0C:ab 0. 1C:cd 1. ", OPEN, {C, 100, 500, TCP_ACK | TCP_FIN, "ab", 0},
           {S, 500, 103, TCP_ACK | TCP_FIN, NULL, 0}, {C, 103, 501, TCP_ACK, NULL, 0},
           {C, 7000, 0, TCP_SYN, NULL, 0}, {C, 7001, 1, TCP_ACK, "cd", 0});
    EXPECT("RST", "0C:ab 0. 1C:cd 1. ", OPEN, {C, 100, 500, TCP_ACK, "ab", 0},
           {S, 500, 102, TCP_RST | TCP_ACK, NULL, 0}, {C, 7000, 0, TCP_SYN, NULL, 0},
           {C, 7001, 1, TCP_ACK, "cd", 0});
    EXPECT("SYN late", "0C:ab 0. ", {C, 100, 500, TCP_ACK, "ab", 0}, {C, 99, 0, TCP_SYN, NULL, 0});
    EXPECT("SYN later still", "0C:ab 0S:xy 0C:cd 0. ", {S, 499, 100, TCP_SYN | TCP_ACK, NULL, 0},
           {C, 100, 500, TCP_ACK, "ab", 0}, {S, 500, 102, TCP_ACK, "xy", 0},
           {C, 99, 0, TCP_SYN, NULL, 0}, {C, 102, 502, TCP_ACK, "cd", 0});
    EXPECT("SYN without an end", "0C:ab 0. 1C:cd 1. ", OPEN, {C, 100, 500, TCP_ACK, "ab", 0},
           {C, 7000, 0, TCP_SYN, NULL, 0}, {C, 7001, 1, TCP_ACK, "cd", 0});
}

Test(tcp, a_reset_may_stand_before_what_was_sent_before_it)
{
    EXPECT("swapped", "0C:ab 0S:xy 0. ", OPEN, {C, 100, 500, TCP_ACK, "ab", 0},
           {C, 102, 502, TCP_RST | TCP_ACK, NULL, 0}, {S, 500, 102, TCP_ACK, "xy", 0});
    EXPECT("a hole is filled behind it", "0C:ab 0C:cd 0. ", OPEN, {C, 102, 500, TCP_ACK, "cd", 0},
           {S, 500, 104, TCP_RST | TCP_ACK, NULL, 0}, {C, 100, 500, TCP_ACK, "ab", 0});
}

/* Of many connections that are reset, each is closed soon, and none is used after it is gone. */
Test(tcp, reset_connections_are_closed_before_long)
{
    enum { MANY = 5000, SOON = 40 };
    struct text t = {0};
    struct tcp_table *table = tcp_table_new(
        &(struct tcp_sink){.user = &t, .data = on_data, .gap = on_gap, .closed = on_closed});
    for (unsigned i = 0; i < MANY; i++) {
        struct segment s = {.from = {.port = 4000},
                            .to = {.port = 8009},
                            .seq = 1000 * i,
                            .flags = i % 2 ? TCP_RST : TCP_SYN,
                            .frame = i + 1};
        s.from.port = (uint16_t)(4000 + i / 2 % 100);
        tcp_table_add(table, &s);
    }
    size_t closed = 0;
    for (size_t i = 0; i < t.len; i++)
        closed += t.at[i] == '.';
    cr_expect_geq(closed, MANY / 2 - SOON, "%zu of %d", closed, MANY / 2);
    tcp_table_free(table);
    text_free(&t);
}
