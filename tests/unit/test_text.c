/* SPDX-License-Identifier: Apache-2.0 */
/* Byte classes: the vector loops say what the plain ones and a third, naive
 * reading of the rule say. */
#include "../../libajp/number.h"
#include "../../libajp/text.h"
#include "../../libajp/writer.h"
#include "wire.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool naive_control(int c)
{
    return c == 127 || (c <= 31 && c != 9);
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
        cr_assert(ajp_in_text_scan(p, n) == n);
        for (size_t i = 0; i < n; i++) {
            for (int c = 0; c < 256; c++) {
                p[i] = (uint8_t)c;
                const bool control = naive_control(c);
                cr_assert(ajp_in_text_scan(p, n) == (control ? i : n), "byte %d at %zu of %zu", c,
                          i, n);
            }
            p[i] = 'a';
        }
        guard_free(p, n);
    }
}

Test(text, the_first_control_of_random_bytes_is_found)
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
        cr_assert(ajp_in_text_scan(p, n) == naive_first(p, n));
        guard_free(p, n);
    }
}

static bool printable(int c)
{
    return c >= 32 && c < 127;
}

static bool in_usual_name(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

/* Strings of n bytes at every place of a packet; the bytes around them are odd, and
 * must not matter. */
Test(text, usual_text_is_printable_whatever_stands_around_it)
{
    uint8_t packet[48];
    for (size_t size = 1; size <= sizeof packet; size++) {
        memset(packet, 0, sizeof packet);
        uint8_t *base = guard_copy(packet, size);
        for (size_t at = 0; at < size; at++) {
            for (size_t n = 1; n <= size - at; n++) {
                memset(base, 0, size);
                memset(base + at, 'a', n);
                const bool usual = text_is_usual(base + at, n, base, base + size);
                cr_assert(usual == (size >= 16), "%zu at %zu of %zu", n, at, size);
                base[at + n / 2] = '\t';
                cr_assert_not(text_is_usual(base + at, n, base, base + size));
            }
        }
        guard_free(base, size);
    }
}

Test(text, each_byte_at_each_place_is_usual_or_not)
{
    for (size_t n = 1; n <= 40; n++) {
        uint8_t plain[56];
        memset(plain, 1, sizeof plain);
        uint8_t *p = guard_copy(plain, n < 16 ? 16 : n);
        memset(p, 'a', n);
        for (size_t i = 0; i < n; i++) {
            for (int c = 0; c < 256; c++) {
                p[i] = (uint8_t)c;
                cr_assert(text_is_usual(p, n, p, p + (n < 16 ? 16 : n)) == printable(c));
                if (n <= NAME_QUICK) {
                    cr_assert((name_odd(p, n) == 0) == in_usual_name(c), "%d at %zu of %zu", c, i,
                              n);
                }
            }
            p[i] = i % 2 ? '-' : 'Z';
        }
        guard_free(p, n < 16 ? 16 : n);
    }
}

Test(text, a_copy_is_whole_and_says_whether_it_is_usual)
{
    for (size_t n = 0; n <= 70; n++) {
        uint8_t plain[70], to[72];
        memset(plain, '~', sizeof plain);
        uint8_t *p = guard_copy(plain, n);
        for (size_t i = 0; i < n; i++) {
            for (int c = 0; c < 256; c++) {
                p[i] = (uint8_t)c;
                memset(to, 7, sizeof to);
                cr_assert((copy_text(to + 1, (const char *)p, n) == 0) == printable(c));
                cr_assert(to[0] == 7 && memcmp(to + 1, p, n) == 0 && to[n + 1] == 7);
            }
            p[i] = (uint8_t)(' ' + i);
        }
        cr_assert(copy_text(to, (const char *)p, n) == 0);
        guard_free(p, n);
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

Test(text, a_copied_name_is_whole_if_it_is_said_to_be_usual)
{
    for (size_t n = 1; n <= 40; n++) {
        uint8_t plain[40], to[42];
        memset(plain, 'a', sizeof plain);
        uint8_t *p = guard_copy(plain, n);
        for (size_t i = 0; i < n; i++) {
            for (int c = 0; c < 256; c++) {
                p[i] = (uint8_t)c;
                memset(to, 7, sizeof to);
                const bool usual = copy_name(to + 1, (const char *)p, n) == 0;
                cr_assert(usual == (in_usual_name(c) && n <= NAME_QUICK), "%d at %zu of %zu", c, i,
                          n);
                cr_assert(to[0] == 7 && to[n + 1] == 7);
                cr_assert(!usual || memcmp(to + 1, p, n) == 0, "%d at %zu of %zu", c, i, n);
            }
            p[i] = i % 2 ? '-' : 'Z';
        }
        guard_free(p, n);
    }
}

Test(text, a_header_s_name_is_judged_byte_by_byte_at_every_length)
{
    for (size_t n = 1; n <= 40; n++) {
        uint8_t plain[40], to[64];
        memset(plain, 'a', sizeof plain);
        uint8_t *p = guard_copy(plain, n);
        for (size_t i = 0; i < n; i++) {
            for (int c = 0; c < 256; c++) {
                const uint8_t byte = (uint8_t)c;
                const bool token = ajp_in_token_scan(&byte, 1) == 1;
                ajp_writer w;
                size_t len = 0;
                p[i] = byte;
                ajp_writer_init(&w, to, sizeof to);
                ajp_write_response(&w, 200, AJP_NULL);
                ajp_write_header(&w, ajp_str_of((const char *)p, n), AJP_STR(""));
                const ajp_status st = ajp_writer_finish(&w, &len);
                cr_assert(st == (token ? AJP_OK : AJP_ERR_HEADER), "byte %d at %zu of %zu", c, i,
                          n);
                cr_assert(!token || memcmp(to + 13, p, n) == 0);
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
        {"9", 9},
        {"12345678", 12345678},
        {"99999999", 99999999},
        {"123456789", 123456789},
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

Test(number, few_digits_are_read_as_many_are)
{
    uint8_t p[8];
    srand(5);
    for (int round = 0; round < 400000; round++) {
        const size_t n = (size_t)rand() % 8 + 1;
        for (size_t i = 0; i < 8; i++) {
            p[i] = (uint8_t)(rand() % 40 ? '0' + rand() % 10 : rand());
        }
        cr_assert(decimal_of_few(p + 8, n) == decimal_of(p + 8 - n, n), "%.8s %zu", p, n);
    }
}
