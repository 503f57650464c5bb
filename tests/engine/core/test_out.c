/* SPDX-License-Identifier: Apache-2.0 */
/* Gathered output against a peer that takes what it is told to take. */
#include "net/out.h"

#include <criterion/criterion.h>
#include <string.h>

static uint8_t got[1 << 20];
static size_t got_len, may_take;
static int sends, pieces; /* calls, and iovecs of the last one */
static bool broken;

static long fake_send(struct stream *s, const struct iovec *v, int n)
{
    size_t sent = 0;

    (void)s;
    sends++;
    pieces = n;
    if (broken)
        return STREAM_FAILED;
    for (int i = 0; i < n; i++) {
        size_t take = v[i].iov_len < may_take ? v[i].iov_len : may_take;

        memcpy(got + got_len, v[i].iov_base, take);
        got_len += take;
        may_take -= take;
        sent += take;
    }
    return sent > 0 ? (long)sent : STREAM_AGAIN;
}

static const struct stream_io fake_io = {.send = fake_send};
static struct loop loop;
static struct stream s;
static struct out o;

static void begin(size_t take)
{
    buf_pool_init(&loop.bufs, 16384, 16);
    /* closing: no descriptor stands behind it, so no interest is armed */
    s = (struct stream){.loop = &loop, .io = &fake_io, .closing = true};
    out_init(&o);
    got_len = 0;
    sends = 0;
    broken = false;
    may_take = take;
}

static void end(void)
{
    out_clear(&o, &loop);
    cr_assert_eq(loop.bufs.in_use, 0, "every block came back");
    buf_pool_clear(&loop.bufs);
}

Test(out, pieces_leave_in_one_call)
{
    begin(SIZE_MAX);
    out_copy(&o, &s, "head", 4);
    out_copy(&o, &s, "body", 4);
    cr_assert_eq(sends, 0);
    cr_assert(out_flush(&o, &s));
    cr_assert_eq(sends, 1);
    cr_assert_eq(got_len, 8);
    cr_assert_arr_eq(got, "headbody", 8);
    cr_assert_eq(loop.bufs.in_use, 0, "idle output holds nothing");
    end();
}

Test(out, a_run_of_borrowed_bytes_leaves_as_one_piece)
{
    static const uint8_t run[] = "AB head AB chunk AB end";

    begin(SIZE_MAX);
    out_borrow(&o, &s, run, 0);
    out_borrow(&o, &s, run, 8);
    out_borrow(&o, &s, run + 8, 9);
    out_borrow(&o, &s, run + 17, 6);
    cr_assert(out_flush(&o, &s));
    cr_assert_eq(pieces, 1);
    cr_assert_eq(got_len, 23);
    cr_assert_arr_eq(got, run, 23);
    out_borrow(&o, &s, run, 8);
    out_borrow(&o, &s, run + 17, 6); /* with a gap before it: copied behind */
    out_copy(&o, &s, "!", 1);
    cr_assert(out_flush(&o, &s));
    cr_assert_eq(pieces, 2);
    cr_assert_arr_eq(got + 23, "AB head AB end!", 15);
    end();
}

/* Small and large pieces, taken by the kernel in runs of every size. */
Test(out, nothing_is_lost_or_doubled_whatever_the_kernel_takes)
{
    static uint8_t big[70000], wanted[1 << 20];

    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i * 31 + i / 251);
    for (size_t step = 1; step < 40000; step = step * 3 + 1) {
        size_t len = 0;
        int rounds = 0;

        begin(step);
        for (int i = 0; i < 20; i++) {
            size_t n = (size_t)(i * 997) % sizeof(big);

            memcpy(wanted + len, big + i, n);
            len += n;
            if (i % 3 == 0)
                out_copy(&o, &s, big + i, n);
            else
                out_borrow(&o, &s, big + i, n);
            if (i % 4 == 3)
                cr_assert(out_flush(&o, &s));
        }
        while (got_len < len && rounds++ < 1000000) {
            may_take = step;
            cr_assert(out_flush(&o, &s));
        }
        cr_assert_eq(got_len, len, "step %zu", step);
        cr_assert_eq(memcmp(got, wanted, len), 0, "step %zu", step);
        cr_assert_eq(out_backlog(&o), 0);
        end();
    }
}

Test(out, what_was_borrowed_may_change_after_the_flush)
{
    uint8_t body[5000];

    begin(100);
    memset(body, 'a', sizeof(body));
    out_borrow(&o, &s, body, sizeof(body));
    cr_assert(out_flush(&o, &s));
    cr_assert_eq(out_backlog(&o), 4900);
    memset(body, 'b', sizeof(body));
    may_take = SIZE_MAX;
    cr_assert(out_flush(&o, &s));
    cr_assert_eq(got_len, 5000);
    for (size_t i = 0; i < got_len; i++)
        cr_assert_eq(got[i], 'a');
    end();
}

Test(out, a_broken_connection_stays_broken)
{
    begin(SIZE_MAX);
    broken = true;
    out_copy(&o, &s, "x", 1);
    cr_assert_not(out_flush(&o, &s));
    broken = false;
    out_copy(&o, &s, "y", 1);
    cr_assert_not(out_flush(&o, &s));
    cr_assert_eq(got_len, 0);
    end();
}

Test(out, reserved_room_joins_its_neighbours)
{
    uint8_t *to;

    begin(SIZE_MAX);
    out_copy(&o, &s, "ab", 2);
    to = out_reserve(&o, &s, 4000);
    cr_assert_not_null(to);
    memcpy(to, "cd", 2);
    out_commit(&o, 2);
    cr_assert_not_null(out_reserve(&o, &s, 10));
    out_commit(&o, 0);
    out_copy(&o, &s, "ef", 2);
    cr_assert(out_flush(&o, &s));
    cr_assert_eq(sends, 1);
    cr_assert_arr_eq(got, "abcdef", 6);
    end();
}
