/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of malformed and odd packets, each whole, cut, and shortened. */
#include "decode_rows.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

static bool is_canonical(const ajp_message *m)
{
    switch (m->kind) {
    case AJP_FORWARD_REQUEST:
        return m->u.request.canonical;
    case AJP_SEND_HEADERS:
        return m->u.response.canonical;
    default: /* what has no such flag */
        return true;
    }
}

static ajp_status decode_bytes(const uint8_t *bytes, size_t len, const ajp_limits *lim,
                               ajp_message *m)
{
    ajp_frame f;
    size_t used = 0;
    m->fault = 0;
    const ajp_status st = ajp_frame_next(bytes, len, lim, &f, &used);
    return st == AJP_OK ? ajp_decode(m, &f, false, lim) : st;
}

static void check_whole(const struct decode_row *row, const struct wire *w, const ajp_limits *lim)
{
    ajp_message m;
    uint8_t *copy = guard_copy(w->bytes, w->len);
    const ajp_status st = decode_bytes(copy, w->len, lim, &m);
    cr_assert(st == row->want, "%s: %s, not %s (fault %u)", row->label, ajp_status_name(st),
              ajp_status_name(row->want), m.fault);
    if (st < 0) {
        cr_assert(m.fault == row->fault, "%s: fault %u, not %d", row->label, m.fault, row->fault);
    } else if (st == AJP_OK) {
        cr_assert(is_canonical(&m) == row->fault, "%s: canonical %d", row->label, !row->fault);
    }
    guard_free(copy, w->len);
}

/* A part of a packet never reads as a whole one, and never beyond itself. */
static void check_cut(const struct decode_row *row, const struct wire *w, const ajp_limits *lim)
{
    for (size_t n = 0; n < w->len; n++) {
        ajp_message m;
        uint8_t *copy = guard_copy(w->bytes, n);
        const ajp_status st = decode_bytes(copy, n, lim, &m);
        cr_assert(st == AJP_MORE || st == row->want, "%s: cut at %zu: %s", row->label, n,
                  ajp_status_name(st));
        guard_free(copy, n);
    }
}

/* The same bytes in a packet that says it is shorter: refused within its end. */
static void check_short(const struct decode_row *row, const struct wire *w, const ajp_limits *lim)
{
    for (size_t n = 4; n < w->len; n++) {
        ajp_message m;
        uint8_t *copy = guard_copy(w->bytes, n);
        copy[2] = (uint8_t)((n - 4) >> 8);
        copy[3] = (uint8_t)(n - 4);
        const ajp_status st = decode_bytes(copy, n, lim, &m);
        cr_assert(st < 0 || lim->lenient != 0 || m.kind != AJP_FORWARD_REQUEST ||
                      row->want == AJP_ERR_TRAILING,
                  "%s: shortened to %zu it is taken", row->label, n);
        cr_assert(st >= 0 || m.fault <= n - 4, "%s: fault %u past the end", row->label, m.fault);
        guard_free(copy, n);
    }
}

static void check_row(const struct decode_row *row)
{
    const ajp_limits lim = limits_named(row->limits);
    struct wire w = wire_of(row->wire);
    check_whole(row, &w, &lim);
    check_cut(row, &w, &lim);
    check_short(row, &w, &lim);
    wire_free(&w);
}

static struct criterion_test_params indices(size_t count)
{
    static size_t index[512];
    for (size_t i = 0; i < count; i++) {
        index[i] = i;
    }
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTestParameters(decode, request_row)
{
    return indices(request_row_count);
}

ParameterizedTest(const size_t *i, decode, request_row)
{
    check_row(&request_rows[*i]);
}

ParameterizedTestParameters(decode, response_row)
{
    return indices(response_row_count);
}

ParameterizedTest(const size_t *i, decode, response_row)
{
    check_row(&response_rows[*i]);
}

ParameterizedTestParameters(decode, frame_row)
{
    return indices(frame_row_count);
}

ParameterizedTest(const size_t *i, decode, frame_row)
{
    check_row(&frame_rows[*i]);
}

Test(decode, more_attributes_than_a_patch_can_number_are_refused)
{
    ajp_limits lim = ajp_limits_default;
    struct wire w = wire_of(LINE("02") "00 00 (0a s\"n\" s\"v\") x65 ff");
    ajp_message m;
    lim.max_attrs = 1000;
    cr_assert(decode_bytes(w.bytes, w.len, &lim, &m) == AJP_ERR_ATTR_LIMIT);
    lim.max_attrs = 2;
    cr_assert(decode_bytes(w.bytes, w.len, &lim, &m) == AJP_ERR_ATTR_LIMIT && m.fault == 57);
    wire_free(&w);
}
