/* SPDX-License-Identifier: Apache-2.0 */
/* Byte classes: the vector loops say what the plain ones and a third, naive
 * reading of the rule say. */
#include "../../libajp/number.h"
#include "../../libajp/text.h"
#include "wire.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool naive_control(int c)
{
    return c == 127 || (c <= 31 && c != 9);
}

static size_t naive_count(const uint8_t *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += naive_control(p[i]);
    }
    return count;
}

static size_t naive_first(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n && !naive_control(p[i])) {
        i++;
    }
    return i;
}

Test(text, every_byte_is_classed)
{
    for (int c = 0; c < 256; c++) {
        cr_assert((ajp_in_control_table[c] == 1) == naive_control(c), "%d", c);
    }
}

Test(text, one_control_is_found_at_every_place_of_every_length)
{
    for (size_t n = 1; n <= 170; n += n < 70 ? 1 : 9) {
        uint8_t plain[170];
        memset(plain, 'a', sizeof plain);
        uint8_t *p = guard_copy(plain, n);
        cr_assert(ajp_in_text_scan(p, n) == n && ajp_in_text_controls(p, n) == 0);
        for (size_t i = 0; i < n; i++) {
            for (int c = 0; c < 256; c++) {
                p[i] = (uint8_t)c;
                const bool control = naive_control(c);
                cr_assert(ajp_in_text_scan(p, n) == (control ? i : n), "byte %d at %zu of %zu", c,
                          i, n);
                cr_assert(ajp_in_text_controls(p, n) == control, "byte %d at %zu of %zu", c, i, n);
            }
            p[i] = 'a';
        }
        guard_free(p, n);
    }
}

Test(text, random_bytes_count_alike)
{
    srand(7);
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[600];
        const size_t n = (size_t)rand() % sizeof bytes;
        const int range = rand() % 2 ? 256 : 40;
        for (size_t i = 0; i < n; i++) {
            bytes[i] = (uint8_t)(rand() % range + (range == 40 && rand() % 3 ? 30 : 0));
        }
        uint8_t *p = guard_copy(bytes, n);
        cr_assert(ajp_in_text_controls(p, n) == naive_count(p, n));
        cr_assert(ajp_in_text_controls_plain(p, n) == naive_count(p, n));
        cr_assert(ajp_in_text_controls_narrow(p, n) == naive_count(p, n));
        cr_assert(ajp_in_text_scan(p, n) == naive_first(p, n));
        guard_free(p, n);
    }
}

/* 255 blocks fill a byte lane; one more must not overflow it. */
Test(text, long_runs_of_controls_count_in_full)
{
    static uint8_t zeros[65536];
    for (size_t n = 0; n <= sizeof zeros; n += 16) {
        cr_assert(ajp_in_text_controls(zeros, n) == n, "%zu", n);
        cr_assert(ajp_in_text_controls_narrow(zeros, n) == n, "%zu", n);
    }
}

Test(text, tokens_are_those_of_http)
{
    for (int c = 0; c < 256; c++) {
        const uint8_t byte = (uint8_t)c;
        const bool token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') ||
                           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
        cr_assert(ajp_in_token_scan(&byte, 1) == token, "%d", c);
    }
    cr_assert(ajp_in_token_scan((const uint8_t *)"abc def", 7) == 3);
    cr_assert(ajp_in_token_scan((const uint8_t *)"abc", 0) == 0);
}

Test(text, a_token_is_judged_byte_by_byte_at_every_length)
{
    for (size_t n = 1; n <= 40; n++) {
        uint8_t plain[40];
        memset(plain, 'a', sizeof plain);
        uint8_t *p = guard_copy(plain, n);
        for (size_t i = 0; i < n; i++) {
            for (int c = 0; c < 256; c++) {
                const uint8_t byte = (uint8_t)c;
                const bool token = ajp_in_token_scan(&byte, 1) == 1;
                p[i] = byte;
                cr_assert(token_is(p, n) == token, "byte %d at %zu of %zu", c, i, n);
            }
            p[i] = i % 2 ? '-' : 'Z';
        }
        guard_free(p, n);
    }
}

Test(number, integers_are_big_endian)
{
    uint8_t p[2];
    for (unsigned n = 0; n < 65536; n++) {
        put16(p, n);
        cr_assert(p[0] == n / 256 && p[1] == n % 256 && get16(p) == n);
    }
}

Test(number, decimals)
{
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        {"0", 0},
        {"00", 0},
        {"10", 10},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"09223372036854775807", INT64_MAX},
        {"18446744073709551616", -1},
        {"99999999999999999999", -1},
        {"", -1},
        {"-1", -1},
        {"1a", -1},
        {"/", -1},
        {":", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint8_t *p = (const uint8_t *)rows[i].text;
        cr_assert(decimal_of(p, strlen(rows[i].text)) == rows[i].want, "'%s'", rows[i].text);
    }
}
