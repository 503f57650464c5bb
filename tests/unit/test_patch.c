/* SPDX-License-Identifier: Apache-2.0 */
/* Sending a request on: by reference when canonical, anew when not, and the two
 * ways give the same bytes. */
#include "wire.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define ATTRS  "05 s\"q=1\" 0a s\"n\" s\"v\" 0c s\"old\" 0b 01 00 06 s\"nodeB\" "
#define BASE   LINE("04") "00 02 a0 0b s\"h\" s\"x-a\" s\"1\" "
#define STORED LINE("ff") "00 00 0d s\"PATCH\" 05 s\"q\" ff"

struct patch_row {
    const char *label, *wire;
    uint64_t drop;
    const char *extra;
    size_t max;
    const char *want; /* NULL: refused with the status */
    ajp_status st;    /* of the patch; the encoder agrees unless it is ERR_ARG for form */
    int count;
};

static const struct patch_row rows[] = {
    {"nothing changes", BASE ATTRS "ff", 0, "", 8192, BASE ATTRS "ff", AJP_OK, 2},
    {"no attributes", BASE "ff", 0, "", 8192, BASE "ff", AJP_OK, 2},
    {"one dropped in the middle", BASE ATTRS "ff", 1 << 2, "", 8192,
     BASE "05 s\"q=1\" 0a s\"n\" s\"v\" 0b 01 00 06 s\"nodeB\" ff", AJP_OK, 3},
    {"the first dropped", BASE ATTRS "ff", 1, "", 8192,
     BASE "0a s\"n\" s\"v\" 0c s\"old\" 0b 01 00 06 s\"nodeB\" ff", AJP_OK, 3},
    {"the last dropped", BASE ATTRS "ff", 1 << 4, "", 8192,
     BASE "05 s\"q=1\" 0a s\"n\" s\"v\" 0c s\"old\" 0b 01 00 ff", AJP_OK, 3},
    {"all dropped", BASE ATTRS "ff", UINT64_MAX, "", 8192, BASE "ff", AJP_OK, 3},
    {"every other dropped", BASE ATTRS "ff", 0x0a, "", 8192,
     BASE "05 s\"q=1\" 0c s\"old\" 06 s\"nodeB\" ff", AJP_OK, 5},
    {"one added", BASE ATTRS "ff", 0, "03 s\"me\"", 8192, BASE ATTRS "03 s\"me\" ff", AJP_OK, 4},
    {"the secret replaced", BASE ATTRS "ff", 1 << 2, "0c s\"new\"", 8192,
     BASE "05 s\"q=1\" 0a s\"n\" s\"v\" 0b 01 00 06 s\"nodeB\" 0c s\"new\" ff", AJP_OK, 5},
    {"bits beyond the attributes mean nothing", BASE "05 s\"q\" ff", ~(uint64_t)1, "", 8192,
     BASE "05 s\"q\" ff", AJP_OK, 2},
    {"named attributes may come twice", BASE "0a s\"n\" s\"v\" ff", 0,
     "0a s\"n\" s\"w\" 0a s\"o\" s\"w\"", 8192,
     BASE "0a s\"n\" s\"v\" 0a s\"n\" s\"w\" 0a s\"o\" s\"w\" ff", AJP_OK, 4},
    {"a key size added", BASE "ff", 0, "0b 00 80", 8192, BASE "0b 00 80 ff", AJP_OK, 4},
    {"a certificate added", BASE "ff", 0, "07 00 02 0d 0a 00", 8192, BASE "07 00 02 0d 0a 00 ff",
     AJP_OK, 4},
    {"the secret twice", BASE ATTRS "ff", 0, "0c s\"new\"", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds one twice", BASE "ff", 0, "0c s\"a\" 0c s\"b\"", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra is cut", BASE "ff", 0, "0c 00 05 61", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a cut number", BASE "ff", 0, "0b 01", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a cut name", BASE "ff", 0, "0a 00 05 61", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a cut certificate", BASE "ff", 0, "07 00 05 61", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds an end", BASE "ff", 0, "ff", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds code 0", BASE "ff", 0, "00 s\"\"", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds code 14", BASE "ff", 0, "0e s\"\"", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a method", BASE "ff", 0, "0d s\"PATCH\"", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a null value", BASE "ff", 0, "03 ffff", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a null certificate", BASE "ff", 0, "07 ffff", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a null name", BASE "ff", 0, "0a ffff s\"v\"", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds an empty name", BASE "ff", 0, "0a s\"\" s\"v\"", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a null named value", BASE "ff", 0, "0a s\"n\" ffff", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a control", BASE "ff", 0, "05 00 01 0a 00", 8192, NULL, AJP_ERR_ARG, 0},
    {"extra holds a control in a name", BASE "ff", 0, "0a 00 01 0a 00 s\"v\"", 8192, NULL,
     AJP_ERR_ARG, 0},
    {"extra holds another terminator", BASE "ff", 0, "05 00 01 61 58", 8192, NULL, AJP_ERR_ARG, 0},
    {"the stored method stays", STORED, 2, "", 8192, LINE("ff") "00 00 0d s\"PATCH\" ff", AJP_OK,
     2},
    {"the stored method cannot be dropped", STORED, 1, "", 8192, NULL, AJP_ERR_ARG, 0},
    {"the stored method stays in its place", LINE("ff") "00 00 05 s\"q\" 0d s\"PATCH\" ff", 0, "",
     8192, LINE("ff") "00 00 05 s\"q\" 0d s\"PATCH\" ff", AJP_OK, 2},
    {"a packet too small", BASE ATTRS "ff", 0, "", 60, NULL, AJP_ERR_SPACE, 0},
    {"a packet too small for what is added", BASE "ff", 0, "03 s\"meeeeeeeeeeeee\"", 60, NULL,
     AJP_ERR_SPACE, 0},
};

static ajp_message decoded(const struct wire *w, const char *limits)
{
    const ajp_limits lim = limits_named(limits);
    ajp_message m;
    ajp_frame f;
    size_t used;
    cr_assert(ajp_frame_next(w->bytes, w->len, &lim, &f, &used) == AJP_OK);
    cr_assert(ajp_decode(&m, &f, false, &lim) == AJP_OK);
    return m;
}

/* No packet is longer than it may be, and none is refused that is as long. */
static void check_room(const struct patch_row *row, const ajp_request *r, const struct wire *extra,
                       size_t n)
{
    uint8_t head[4], out[8192];
    ajp_iov iov[AJP_PATCH_IOV];
    int count;
    size_t len;
    for (size_t max = n - 1; max <= n; max++) {
        const ajp_status want = max < n ? AJP_ERR_SPACE : AJP_OK;
        cr_assert(ajp_patch_iov(r, row->drop, extra->bytes, extra->len, max, head, iov, &count) ==
                      want,
                  "%s: room for %zu", row->label, max);
        cr_assert(ajp_reencode_request(r, row->drop, extra->bytes, extra->len, out, max, &len) ==
                      want,
                  "%s: anew: room for %zu", row->label, max);
    }
}

static void check_patch(const struct patch_row *row, const ajp_request *r, const struct wire *extra,
                        const struct wire *want)
{
    uint8_t head[4], out[8192];
    ajp_iov iov[AJP_PATCH_IOV];
    int count = -1;
    size_t n = 0;
    const ajp_status st =
        ajp_patch_iov(r, row->drop, extra->bytes, extra->len, row->max, head, iov, &count);
    cr_assert(st == row->st, "%s: %s", row->label, ajp_status_name(st));
    if (st != AJP_OK) {
        cr_assert(count == -1);
        return;
    }
    for (int i = 0; i < count; i++) {
        memcpy(out + n, iov[i].base, iov[i].len);
        n += iov[i].len;
    }
    cr_assert(n == want->len && memcmp(out, want->bytes, n) == 0, "%s: other bytes", row->label);
    cr_assert(count <= row->count + 1, "%s: %d pieces", row->label, count);
}

static void check_reencode(const struct patch_row *row, const ajp_request *r,
                           const struct wire *extra, const struct wire *want)
{
    uint8_t out[8192];
    size_t n = 4711;
    const ajp_status st =
        ajp_reencode_request(r, row->drop, extra->bytes, extra->len, out, row->max, &n);
    cr_assert(st == row->st, "%s: anew: %s", row->label, ajp_status_name(st));
    if (st == AJP_OK) {
        cr_assert(n == want->len && memcmp(out, want->bytes, n) == 0, "%s: anew: other bytes",
                  row->label);
    } else {
        cr_assert(n == 4711);
    }
}

ParameterizedTestParameters(patch, row)
{
    static size_t index[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        index[i] = i;
    }
    return cr_make_param_array(size_t, index, sizeof rows / sizeof rows[0]);
}

ParameterizedTest(const size_t *i, patch, row)
{
    const struct patch_row *row = &rows[*i];
    struct wire w = wire_of(row->wire), extra = wire_of(row->extra);
    struct wire want = wire_of(row->want != NULL ? row->want : "");
    const ajp_message m = decoded(&w, "strict");
    check_patch(row, &m.u.request, &extra, &want);
    check_reencode(row, &m.u.request, &extra, &want);
    if (row->st == AJP_OK) {
        check_room(row, &m.u.request, &extra, want.len);
    }
    wire_free(&w);
    wire_free(&extra);
    wire_free(&want);
}

/* What is accepted and not canonical: refused by the patch, canonical anew. */
static const struct {
    const char *label, *wire, *limits, *want;
} odd[] = {
    {"slack", BASE ATTRS "ff 00 00 ff", "relay", BASE ATTRS "ff"},
    {"a spelled name", LINE("02") "00 01 s\"HOST\" s\"h\" ff", "strict",
     LINE("02") "00 01 a0 0b s\"h\" ff"},
    {"a null value", LINE("02") "00 01 a0 0e ffff ff", "relay", LINE("02") "00 01 a0 0e s\"\" ff"},
    {"a null attribute", LINE("02") "00 00 05 ffff ff", "relay", LINE("02") "00 00 05 s\"\" ff"},
    {"a null named attribute", LINE("02") "00 00 0a s\"n\" ffff ff", "relay",
     LINE("02") "00 00 0a s\"n\" s\"\" ff"},
    {"a textual key size", LINE("02") "00 00 0b s\"256\" ff", "relay",
     LINE("02") "00 00 0b 01 00 ff"},
    {"an odd boolean", "> 02 02 s\"p\" s\"/\" ffff ffff ffff 00 50 07 00 00 ff", "relay",
     "> 02 02 s\"p\" s\"/\" ffff ffff ffff 00 50 01 00 00 ff"},
    {"a stored method with a code", LINE("ff") "00 00 05 s\"q\" 0d s\"GET\" ff", "strict",
     LINE("02") "00 00 05 s\"q\" ff"},
    {"an unknown attribute goes no further", LINE("02") "00 00 0e s\"u\" 05 s\"q\" 00 s\"w\" ff",
     "unknown_attr", LINE("02") "00 00 05 s\"q\" ff"},
    {"text that nobody looked at", LINE("02") "00 01 a0 0e s\"a\" ff", "controls",
     LINE("02") "00 01 a0 0e s\"a\" ff"},
    {"another terminator", LINE("02") "00 01 a0 0e 00 01 61 58 ff", "terminator",
     LINE("02") "00 01 a0 0e s\"a\" ff"},
};

ParameterizedTestParameters(patch, odd)
{
    static size_t index[64];
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        index[i] = i;
    }
    return cr_make_param_array(size_t, index, sizeof odd / sizeof odd[0]);
}

ParameterizedTest(const size_t *i, patch, odd)
{
    struct wire w = wire_of(odd[*i].wire), want = wire_of(odd[*i].want);
    const ajp_message m = decoded(&w, odd[*i].limits);
    uint8_t head[4], out[8192];
    ajp_iov iov[AJP_PATCH_IOV];
    int count;
    size_t n = 0;
    cr_assert(!m.u.request.canonical, "%s", odd[*i].label);
    cr_assert(ajp_patch_iov(&m.u.request, 0, NULL, 0, 8192, head, iov, &count) == AJP_ERR_ARG);
    cr_assert(ajp_reencode_request(&m.u.request, 0, NULL, 0, out, sizeof out, &n) == AJP_OK, "%s",
              odd[*i].label);
    cr_assert(n == want.len && memcmp(out, want.bytes, n) == 0, "%s", odd[*i].label);
    const struct wire again = {out, n};
    cr_assert(decoded(&again, "strict").u.request.canonical, "%s", odd[*i].label);
    wire_free(&w);
    wire_free(&want);
}

Test(patch, controls_that_leniency_let_in_do_not_leave)
{
    struct wire w = wire_of(LINE("02") "00 01 s\"x\" 00 02 0d 0a 00 ff");
    const ajp_message m = decoded(&w, "controls");
    uint8_t out[256];
    size_t n;
    cr_assert(ajp_reencode_request(&m.u.request, 0, NULL, 0, out, sizeof out, &n) == AJP_ERR_TEXT);
    wire_free(&w);
}

Test(patch, sixty_four_attributes_each_dropped)
{
    struct wire w = wire_of(LINE("02") "00 00 (0a s\"n\" s\"v\") x64 ff");
    const ajp_message m = decoded(&w, "strict");
    uint8_t head[4];
    ajp_iov iov[AJP_PATCH_IOV];
    for (unsigned i = 0; i < 64; i++) {
        int count = 0;
        size_t n = 0;
        cr_assert(ajp_patch_iov(&m.u.request, (uint64_t)1 << i, NULL, 0, 8192, head, iov, &count) ==
                  AJP_OK);
        for (int k = 0; k < count; k++) {
            n += iov[k].len;
        }
        cr_assert(n == w.len - 9, "%u: %zu", i, n);
    }
    int count = 0;
    cr_assert(ajp_patch_iov(&m.u.request, 0x5555555555555555u, NULL, 0, 8192, head, iov, &count) ==
              AJP_OK);
    cr_assert(count <= AJP_PATCH_IOV);
    wire_free(&w);
}

Test(patch, a_packet_never_exceeds_64_kib)
{
    static uint8_t extra[65500];
    struct wire w = wire_of(BASE "ff");
    const ajp_message m = decoded(&w, "strict");
    uint8_t head[4];
    ajp_iov iov[AJP_PATCH_IOV];
    int count;
    memset(extra, 'a', sizeof extra);
    memcpy(extra, "\x03\xff\xd8", 3);
    extra[sizeof extra - 1] = 0;
    cr_assert(ajp_patch_iov(&m.u.request, 0, extra, sizeof extra, 100000, head, iov, &count) ==
              AJP_ERR_SPACE);
    wire_free(&w);
}

Test(patch, a_response_anew)
{
    struct wire w = wire_of("< 04 00 c8 00 01 0a 00 00 02 s\"DATE\" s\"d\" s\"x\" ffff \"junk\"");
    struct wire want = wire_of("< 04 00 c8 ffff 00 02 a0 04 s\"d\" s\"x\" s\"\"");
    const ajp_message m = decoded(&w, "relay");
    uint8_t out[256];
    size_t n = 0;
    cr_assert(!m.u.response.canonical && m.slack == 4);
    cr_assert(ajp_reencode_response(&m.u.response, out, sizeof out, &n) == AJP_OK);
    cr_assert(n == want.len && memcmp(out, want.bytes, n) == 0);
    cr_assert(ajp_reencode_response(&m.u.response, out, 20, &n) == AJP_ERR_SPACE);
    wire_free(&w);
    wire_free(&want);
}
