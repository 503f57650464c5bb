/* SPDX-License-Identifier: Apache-2.0 */
/* The language of `ajpcat serve --script`. */
#include "script.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* All that the script sends, in hex. */
static void sent(const struct script *s, char *out, size_t cap)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < s->steps[i].bytes.len && at + 3 < cap; k++)
            at += (size_t)snprintf(out + at, cap - at, "%02x",
                                   (unsigned char)s->steps[i].bytes.at[k]);
    }
}

Test(script, steps_send_what_they_say)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        {"", ""},
        {"# nothing but a comment\n\n", ""},
        {"hex 41 42 0003", "41420003"},
        {"packet 05 01", "414200020501"},
        {"end", "414200020501"},
        {"end close # the last", "414200020500"},
        {"cpong\nflush", "41420001094142000403000000"},
        {"get 8186", "41420003061ffa"},
        {"body hi", "414200060300026869"
                    "00"},
        {"body \"a b\\n\\x00\\e\\\"\"", "4142000b0300076120620a001b2200"},
        {"bytes 3", "4142000703000378787800"},
        {"text \"HTTP/1.1 \" 200", "485454502f312e3120323030"},
        {"headers 204 None", "4142000c0400cc00044e6f6e65000000"},
        {"headers 0 X \"a: b\\r\"", "414200120400000001580000010001610000"
                                    "02620d00"},
        {"headers 200 a:b", "4142001204"
                            "00c800024f4b00000100016100000162"
                            "00"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct script s = {0};
        unsigned line;
        const char *why = "";
        char hex[256];
        cr_assert(script_parse(&s, rows[i].text, &line, &why), "row %zu: %s", i, why);
        sent(&s, hex, sizeof hex);
        cr_expect_str_eq(hex, rows[i].hex, "row %zu: %s gives %s", i, rows[i].text, hex);
        script_free(&s);
    }
}

Test(script, bytes_are_cut_into_packets)
{
    struct script s = {0};
    unsigned line;
    const char *why;
    cr_assert(script_parse(&s, "bytes 20000", &line, &why));
    cr_expect_eq(s.steps[0].bytes.len, 20000 + 3 * 8);
    script_free(&s);
}

Test(script, mistakes_are_found_with_their_line)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *why;
    } rows[] = {
        {"expect request\nfrobnicate\n", 2, "expected headers, body, bytes"},
        {"\n\nexpect answer", 3, "expected expect request"},
        {"wait long", 1, "expected wait and a duration"},
        {"hex 4", 1, "expected hex HEX"},
        {"hex 4g", 1, "expected hex HEX"},
        {"headers abc", 1, "expected headers STATUS"},
        {"headers 200 OK nocolon", 1, "expected headers STATUS"},
        {"body", 1, "expected body TEXT"},
        {"body \"open", 1, "expected words"},
        {"body \"\\q\"", 1, "expected words"},
        {"end maybe", 1, "expected end"},
        {"end\nrepeat", 2, "expected an expect or wait before it"},
        {"close now", 1, "expected headers, body"},
        {"get 70000", 1, "expected get N"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct script s = {0};
        unsigned line = 0;
        const char *why = "";
        cr_expect(!script_parse(&s, rows[i].text, &line, &why), "row %zu is taken", i);
        cr_expect_eq(line, rows[i].line, "row %zu: line %u", i, line);
        cr_expect(strncmp(why, rows[i].why, strlen(rows[i].why)) == 0, "row %zu: %s", i, why);
        script_free(&s);
    }
}

Test(script, every_fault_can_be_played)
{
    script_faults_load();
    for (const struct script_fault *f = script_faults; f->name; f++) {
        const struct script *s = script_fault_find(f->name);
        cr_assert_not_null(s, "%s", f->name);
        cr_expect_gt(s->count, 0);
    }
    cr_expect_null(script_fault_find("no such"));
}
