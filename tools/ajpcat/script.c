/* SPDX-License-Identifier: Apache-2.0 */
/* Reads scripts: a step a line, words by blanks, "..." with \r \n \t \e \" \\ \xNN. */
#include "script.h"

#include "args.h"

#include <ajp/ajp.h>

#include <stdlib.h>
#include <string.h>

enum { WORDS = 64 };

struct line {
    struct text words[WORDS];
    size_t count;
    const char *why;
};

/* Two digits at s; false: something else. */
static bool hex_byte(const char *s, char *byte)
{
    static const char digits[] = "0123456789abcdef";
    unsigned value = 0;
    for (int i = 0; i < 2; i++) {
        const char *at = s[i] ? strchr(digits, s[i] | 32) : NULL;
        if (!at)
            return false;
        value = value << 4 | (unsigned)(at - digits);
    }
    *byte = (char)value;
    return true;
}

/* One escape behind the backslash; moves *s behind it. */
static bool take_escape(const char **s, struct text *out)
{
    static const char letters[] = "rntea0\"\\", bytes[] = "\r\n\t\033\a\0\"\\";
    const char *at = **s ? strchr(letters, **s) : NULL;
    if (at) {
        text_byte(out, bytes[at - letters]);
        (*s)++;
        return true;
    }
    char byte;
    if (**s != 'x' || !hex_byte(*s + 1, &byte))
        return false;
    text_byte(out, byte);
    *s += 3;
    return true;
}

static bool take_word(const char **s, struct text *out)
{
    bool quoted = **s == '"';
    const char *p = *s + quoted;
    text_str(out, "");
    while (*p && *p != '\n' && (quoted ? *p != '"' : !strchr(" \t\r#", *p))) {
        if (*p == '\\') {
            p++;
            if (!take_escape(&p, out))
                return false;
        } else {
            text_byte(out, *p++);
        }
    }
    if (quoted && *p != '"')
        return false;
    *s = p + quoted;
    return true;
}

static bool split(const char **s, struct line *l)
{
    for (;;) {
        *s += strspn(*s, " \t\r");
        if (**s == '#')
            *s += strcspn(*s, "\n");
        if (**s == '\n' || **s == '\0')
            return true;
        if (l->count == WORDS || !take_word(s, &l->words[l->count])) {
            l->why = "expected words, or \"...\" with \\r \\n \\t \\e \\\" \\\\ \\xNN in it";
            return false;
        }
        l->count++;
    }
}

static void put16(struct text *t, size_t n)
{
    text_byte(t, (char)(n >> 8 & 255));
    text_byte(t, (char)(n & 255));
}

static void put_string(struct text *t, const char *s, size_t len)
{
    put16(t, len);
    text_put(t, s, len);
    text_byte(t, '\0');
}

/* Around what out holds from the place on. */
static void wrap(struct text *out, size_t from)
{
    struct text payload = {0};
    text_str(out, ""); /* there may be nothing yet */
    text_put(&payload, out->at + from, out->len - from);
    out->len = from;
    text_str(out, "AB");
    put16(out, payload.len);
    text_put(out, payload.at, payload.len);
    text_free(&payload);
}

static bool put_hex(struct text *out, const struct line *l)
{
    for (size_t i = 1; i < l->count; i++) {
        char byte;
        for (const char *p = l->words[i].at; *p; p += 2) {
            if (!hex_byte(p, &byte))
                return false;
            text_byte(out, byte);
        }
    }
    return true;
}

/* Nothing is checked here: a worker may well send a status of 0 and a line end in a header. */
static bool put_headers(struct text *out, const struct line *l)
{
    uint64_t status;
    size_t headers = 0, first = 2;
    if (l->count < 2 || !parse_uint(l->words[1].at, 65535, &status))
        return false;
    text_byte(out, AJP_SEND_HEADERS);
    put16(out, status);
    if (l->count > 2 && !strchr(l->words[2].at, ':'))
        first = 3;
    put_string(out, first == 3 ? l->words[2].at : "OK", first == 3 ? l->words[2].len : 2);
    size_t count_at = out->len;
    put16(out, 0);
    for (size_t i = first; i < l->count; i++, headers++) {
        const char *at = l->words[i].at, *colon = strchr(at, ':');
        if (!colon)
            return false;
        size_t n = (size_t)(colon - at), skip = n + 1 + strspn(colon + 1, " ");
        put_string(out, at, n);
        put_string(out, at + skip, l->words[i].len - skip);
    }
    out->at[count_at] = (char)(headers >> 8);
    out->at[count_at + 1] = (char)headers;
    wrap(out, 0);
    return true;
}

static void put_chunk(struct text *out, const char *bytes, size_t n)
{
    size_t from = out->len;
    text_byte(out, AJP_BODY_CHUNK);
    put16(out, n);
    text_put(out, bytes, n);
    text_byte(out, '\0');
    wrap(out, from);
}

static bool put_bytes(struct text *out, const struct line *l)
{
    uint64_t n;
    char fill[8184];
    if (l->count != 2 || !parse_uint(l->words[1].at, 16 << 20, &n))
        return false;
    memset(fill, 'x', sizeof fill);
    for (; n > 0; n -= n < sizeof fill ? n : sizeof fill)
        put_chunk(out, fill, n < sizeof fill ? (size_t)n : sizeof fill);
    return true;
}

static bool is(const struct text *t, const char *word)
{
    return t->len == strlen(word) && memcmp(t->at, word, t->len) == 0;
}

/* "end" and "end reuse" let the connection be used again, "end close" does not. */
static bool put_end(struct text *out, const struct line *l)
{
    uint8_t packet[AJP_SMALL_MAX];
    bool close = l->count == 2 && is(&l->words[1], "close");
    if (l->count > 2 || (l->count == 2 && !close && !is(&l->words[1], "reuse")))
        return false;
    text_put(out, packet, ajp_make_end(packet, !close));
    return true;
}

static bool put_get(struct text *out, const struct line *l)
{
    uint8_t packet[AJP_SMALL_MAX];
    uint64_t n;
    if (l->count != 2 || !parse_uint(l->words[1].at, 65535, &n))
        return false;
    text_put(out, packet, ajp_make_get_body(packet, (uint16_t)n));
    return true;
}

static bool put_small(struct text *out, const struct line *l)
{
    uint8_t packet[AJP_SMALL_MAX];
    bool pong = is(&l->words[0], "cpong");
    text_put(out, packet, pong ? ajp_make_cpong(packet) : ajp_make_flush(packet));
    return l->count == 1;
}

static bool put_packet(struct text *out, const struct line *l)
{
    bool ok = put_hex(out, l);
    wrap(out, 0);
    return ok;
}

static bool put_text(struct text *out, const struct line *l)
{
    for (size_t i = 1; i < l->count; i++)
        text_put(out, l->words[i].at, l->words[i].len);
    return l->count > 1;
}

static bool put_body(struct text *out, const struct line *l)
{
    if (l->count == 2)
        put_chunk(out, l->words[1].at, l->words[1].len);
    return l->count == 2;
}

static const struct {
    const char *word;
    bool (*put)(struct text *out, const struct line *l);
    const char *why;
} senders[] = {
    {"headers", put_headers, "expected headers STATUS [REASON] [\"NAME: VALUE\"]..."},
    {"body", put_body, "expected body TEXT"},
    {"bytes", put_bytes, "expected bytes N"},
    {"end", put_end, "expected end [reuse|close]"},
    {"get", put_get, "expected get N"},
    {"cpong", put_small, "expected cpong alone"},
    {"flush", put_small, "expected flush alone"},
    {"packet", put_packet, "expected packet HEX..."},
    {"hex", put_hex, "expected hex HEX..."},
    {"text", put_text, "expected text TEXT..."},
};

static bool read_expect(const struct line *l, struct script_step *step)
{
    static const char *const kinds[] = {[EXPECT_ANY] = "any",
                                        [EXPECT_REQUEST] = "request",
                                        [EXPECT_DATA] = "data",
                                        [EXPECT_CPING] = "cping"};
    step->verb = SCRIPT_EXPECT;
    for (size_t i = 0; l->count == 2 && i < sizeof kinds / sizeof *kinds; i++) {
        if (is(&l->words[1], kinds[i])) {
            step->number = i;
            return true;
        }
    }
    return false;
}

static bool read_step(struct line *l, struct script_step *step)
{
    const struct text *word = &l->words[0];
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
        if (is(word, senders[i].word)) {
            l->why = senders[i].why;
            return senders[i].put(&step->bytes, l);
        }
    }
    if (is(word, "expect")) {
        l->why = "expected expect request, data, cping or any";
        return read_expect(l, step);
    }
    if (is(word, "wait")) {
        l->why = "expected wait and a duration such as 250ms";
        step->verb = SCRIPT_WAIT;
        return l->count == 2 && parse_duration_ms(l->words[1].at, &step->number);
    }
    l->why = "expected headers, body, bytes, flush, end, get, cpong, packet, hex, text, expect, "
             "wait, close, reset or repeat";
    step->verb = is(word, "close")   ? SCRIPT_CLOSE
                 : is(word, "reset") ? SCRIPT_RESET
                                     : SCRIPT_REPEAT;
    return l->count == 1 && (step->verb != SCRIPT_REPEAT || is(word, "repeat"));
}

static bool waits_somewhere(const struct script *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->steps[i].verb == SCRIPT_EXPECT || s->steps[i].verb == SCRIPT_WAIT)
            return true;
    }
    return false;
}

static bool add_step(struct script *s, struct line *l, unsigned number)
{
    s->steps = xrealloc(s->steps, (s->count + 1) * sizeof *s->steps);
    s->steps[s->count] = (struct script_step){.line = number};
    if (!read_step(l, &s->steps[s->count++]))
        return false;
    l->why = "expected an expect or wait before it";
    return s->steps[s->count - 1].verb != SCRIPT_REPEAT || waits_somewhere(s);
}

bool script_parse(struct script *s, const char *text, unsigned *line, const char **why)
{
    bool ok = true;
    *line = 0;
    for (const char *p = text; ok && *p; p += *p == '\n') {
        struct line l = {0};
        ++*line;
        ok = split(&p, &l) && (l.count == 0 || add_step(s, &l, *line));
        *why = l.why;
        for (size_t i = 0; i < WORDS; i++)
            text_free(&l.words[i]);
    }
    return ok;
}

void script_free(struct script *s)
{
    for (size_t i = 0; i < s->count; i++)
        text_free(&s->steps[i].bytes);
    free(s->steps);
    *s = (struct script){0};
}
