/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting frames, and body packets as ajp_decode sees them. */
#include "wire.h"
#include <criterion/criterion.h>
#include <string.h>

Test(frame, cuts_one_after_the_other)
{
    struct wire w = wire_of("> 0a " END1 "> ");
    ajp_frame f = {0};
    size_t used = 0;
    cr_assert(ajp_frame_next(w.bytes, w.len, NULL, &f, &used) == AJP_OK);
    cr_assert(used == 5 && f.len == 1 && f.payload == w.bytes + 4 && f.dir == AJP_TO_CONTAINER);
    cr_assert(ajp_frame_next(w.bytes + 5, w.len - 5, NULL, &f, &used) == AJP_OK);
    cr_assert(used == 6 && f.len == 2 && f.payload == w.bytes + 9 && f.dir == AJP_TO_SERVER);
    cr_assert(ajp_frame_next(w.bytes + 11, w.len - 11, NULL, &f, &used) == AJP_OK);
    cr_assert(used == 4 && f.len == 0 && f.dir == AJP_TO_CONTAINER);
    wire_free(&w);
}

Test(frame, more_leaves_outputs_alone)
{
    ajp_frame f = {NULL, 77, 9};
    size_t used = 99;
    cr_assert(ajp_frame_next((const uint8_t *)"\x12\x34\0\5\2\2", 6, NULL, &f, &used) == AJP_MORE);
    cr_assert(ajp_frame_next((const uint8_t *)"", 0, NULL, &f, &used) == AJP_MORE);
    cr_assert(f.len == 77 && f.dir == 9 && f.payload == NULL && used == 99);
}

Test(frame, length_past_the_limit_is_refused_at_the_header)
{
    static const struct {
        uint32_t max;
        const char *head;
        ajp_status want;
    } rows[] = {
        {8192, "12 34 1f fc", AJP_MORE},
        {8192, "12 34 1f fd", AJP_ERR_FRAME_SIZE},
        {65536, "41 42 ff fc", AJP_MORE},
        {65536, "41 42 ff fd", AJP_ERR_FRAME_SIZE},
        {65536, "41 42 ff ff", AJP_ERR_FRAME_SIZE},
        {16, "12 34 00 0c", AJP_MORE},
        {16, "12 34 00 0d", AJP_ERR_FRAME_SIZE},
        {0, "12 34 00 00", AJP_ERR_FRAME_SIZE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ajp_limits lim = ajp_limits_default;
        struct wire w = wire_of(rows[i].head);
        ajp_frame f;
        size_t used;
        lim.max_packet = rows[i].max;
        cr_assert(ajp_frame_next(w.bytes, w.len, &lim, &f, &used) == rows[i].want, "%s of %u",
                  rows[i].head, rows[i].max);
        wire_free(&w);
    }
}

Test(frame, want_tells_the_whole)
{
    cr_assert(ajp_frame_want((const uint8_t *)"", 0) == 4);
    cr_assert(ajp_frame_want((const uint8_t *)"\x12\x34\x01", 3) == 4);
    cr_assert(ajp_frame_want((const uint8_t *)"\x12\x34\x01\x02", 4) == 4 + 0x102);
    cr_assert(ajp_frame_want((const uint8_t *)"\x12\x34\xff\xff", 4) == 4 + 0xffff);
}

/* Body packets: a flag tells them from typed ones, nothing in them does. */
Test(frame, data_packets)
{
    static const struct {
        const char *wire, *limits;
        ajp_status want;
        int fault;
        size_t len, slack;
    } rows[] = {
        {"> 00 05 \"hello\"", "strict", AJP_OK, 0, 5, 0},
        {"> ", "strict", AJP_OK, 0, 0, 0},
        {"> 00 00", "strict", AJP_OK, 0, 0, 0},
        {"> 00", "relay", AJP_ERR_TRUNCATED, 0, 0, 0},
        {"> 00 06 \"hello\"", "relay", AJP_ERR_TRUNCATED, 0, 0, 0},
        {"> 00 04 \"hello\"", "strict", AJP_ERR_TRAILING, 6, 0, 0},
        {"> 00 04 \"hello\"", "relay", AJP_OK, 0, 4, 1},
        {"> 00 00 00 ff", "relay", AJP_OK, 0, 0, 2},
        {"> ff ff", "relay", AJP_ERR_TRUNCATED, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const ajp_limits lim = limits_named(rows[i].limits);
        struct wire w = wire_of(rows[i].wire);
        uint8_t *copy = guard_copy(w.bytes, w.len);
        ajp_message m;
        ajp_frame f;
        size_t used;
        cr_assert(ajp_frame_next(copy, w.len, &lim, &f, &used) == AJP_OK);
        const ajp_status st = ajp_decode(&m, &f, true, &lim);
        cr_assert(st == rows[i].want && m.kind == AJP_DATA, "%s", rows[i].wire);
        cr_assert(m.fault == rows[i].fault, "%s: %u", rows[i].wire, m.fault);
        if (st == AJP_OK) {
            cr_assert(m.u.body.len == rows[i].len && m.u.body.packet == rows[i].len);
            cr_assert(m.u.body.first && m.u.body.complete && m.slack == rows[i].slack);
            cr_assert(rows[i].len == 0 || m.u.body.data == copy + 6);
        }
        guard_free(copy, w.len);
        wire_free(&w);
    }
}

Test(frame, expect_data_says_nothing_about_the_container_s_packets)
{
    struct wire w = wire_of(END1);
    ajp_message m;
    ajp_frame f;
    size_t used;
    cr_assert(ajp_frame_next(w.bytes, w.len, NULL, &f, &used) == AJP_OK);
    cr_assert(ajp_decode(&m, &f, true, NULL) == AJP_OK);
    cr_assert(m.kind == AJP_END_RESPONSE && m.u.reuse);
    wire_free(&w);
}

Test(frame, small_messages_carry_their_numbers)
{
    static const struct {
        const char *wire;
        ajp_kind kind;
        int number;
    } rows[] = {
        {"< 06 1f fa", AJP_GET_BODY, 8186},
        {"< 06 00 00", AJP_GET_BODY, 0},
        {"< 06 ff ff", AJP_GET_BODY, 65535},
        {"< 05 00", AJP_END_RESPONSE, 0},
        {"< 05 01", AJP_END_RESPONSE, 1},
        {"< 03 00 02 61 62 00", AJP_BODY_CHUNK, 2},
        {"< 09", AJP_CPONG, -1},
        {"> 0a", AJP_CPING, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wire w = wire_of(rows[i].wire);
        ajp_message m;
        ajp_frame f;
        size_t used;
        cr_assert(ajp_frame_next(w.bytes, w.len, NULL, &f, &used) == AJP_OK);
        cr_assert(ajp_decode(&m, &f, false, NULL) == AJP_OK && m.kind == rows[i].kind);
        const int number = m.kind == AJP_GET_BODY       ? m.u.wanted
                           : m.kind == AJP_END_RESPONSE ? m.u.reuse
                           : m.kind == AJP_BODY_CHUNK   ? (int)m.u.body.len
                                                        : -1;
        cr_assert(number == rows[i].number, "%s", rows[i].wire);
        wire_free(&w);
    }
}

Test(frame, bytes_behind_a_message_are_counted)
{
    static const struct {
        const char *wire;
        unsigned slack;
    } rows[] = {
        {"< 03 00 05 \"hello\" 00", 0},
        {"< 03 00 05 \"hello\"", 0}, /* not even a pad */
        {"< 03 00 05 \"hello\" 00 00 ff", 2},
        {"< 03 00 00 00 00", 1},
        {"< 05 01", 0},
        {"< 05 01 00 00 ff", 3},
        {"< 05", 0},
        {"< 06 1f fa 00", 1},
        {"< 09 00 00", 2},
        {"> 0a 00 00 ff", 3},
        {GET "00 00 ff", 3},
        {HEADERS "\"junk\"", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wire w = wire_of(rows[i].wire);
        ajp_frame f;
        ajp_message m;
        size_t used;
        cr_assert(ajp_frame_next(w.bytes, w.len, &ajp_limits_relay, &f, &used) == AJP_OK);
        cr_assert(ajp_decode(&m, &f, false, &ajp_limits_relay) == AJP_OK, "%s", rows[i].wire);
        cr_assert(m.slack == rows[i].slack, "%s: %u", rows[i].wire, m.slack);
        wire_free(&w);
    }
}
