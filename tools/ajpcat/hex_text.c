/* SPDX-License-Identifier: Apache-2.0 */
/* From lines to pieces: offsets that begin anew, times and sides in the lines between, the log of
 * mod_jk. */
#include "hex_text.h"

#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NONE = -1, TALKS_MAX = 1024, FILL_MAX = 1 << 16, ROW_MAX = 16 };

/* What is being read of a connection. */
struct hex_talk {
    uint64_t key;
    ptrdiff_t piece; /* the one that goes on, NONE */
    bool same;       /* a "*" was seen */
    int side;
    size_t wanted; /* what the log says of the next piece */
    bool payload;
};

static struct hex_talk *talk_of(struct hex_text *t, uint64_t key)
{
    for (size_t i = 0; i < t->talk_count; i++) {
        if (t->talks[i].key == key)
            return &t->talks[i];
    }
    if (t->talk_count == TALKS_MAX)
        return &t->talks[TALKS_MAX - 1];
    t->talks = xrealloc(t->talks, (t->talk_count + 1) * sizeof *t->talks);
    t->talks[t->talk_count] =
        (struct hex_talk){.key = key, .piece = NONE, .side = NONE, .wanted = SIZE_MAX};
    return &t->talks[t->talk_count++];
}

static struct hex_piece *begin_piece(struct hex_text *t, struct hex_talk *talk)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 16;
        t->pieces = xrealloc(t->pieces, t->cap * sizeof *t->pieces);
    }
    struct hex_piece *p = &t->pieces[t->count];
    *p = (struct hex_piece){.side = talk->side,
                            .talk = (unsigned)(talk - t->talks),
                            .time_ns = t->time_ns,
                            .total = SIZE_MAX,
                            .wanted = talk->wanted,
                            .payload = talk->payload};
    talk->piece = (ptrdiff_t)t->count++;
    talk->same = false;
    talk->wanted = SIZE_MAX;
    return p;
}

/* ---- lines that are no hex ---- */

/* "09:18:44.205473 IP ...", with a day in front or not, or seconds since the epoch. */
static bool take_time(struct hex_text *t, const char *line)
{
    struct tm tm = {.tm_mday = 1, .tm_year = 70};
    double seconds;
    int end = 0;
    if (sscanf(line, "%d-%d-%d %d:%d:%lf %n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &seconds, &end) >= 6 &&
        end > 0) {
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
    } else {
        tm = (struct tm){.tm_mday = 1, .tm_year = 70};
        if (sscanf(line, "%d:%d:%lf %n", &tm.tm_hour, &tm.tm_min, &seconds, &end) < 3 || end == 0)
            return false;
    }
    time_t day = timegm(&tm);
    if (day < 0 || seconds < 0 || seconds >= 61)
        return false;
    t->time_ns = (uint64_t)day * 1000000000u + (uint64_t)(seconds * 1e6 + 0.5) * 1000;
    return true;
}

/* [Tue Dec 01 09:22:40.450 2026] */
static void take_log_time(struct hex_text *t, const char *line)
{
    char text[64];
    struct tm tm = {0};
    unsigned ms = 0;
    const char *point = strchr(line, '.'), *end = strchr(line, ']');
    if (line[0] != '[' || !point || !end || point > end || end - line >= (ptrdiff_t)sizeof text)
        return;
    const char *year = strchr(point, ' ');
    if (!year || year > end)
        return;
    snprintf(text, sizeof text, "%.*s%.*s", (int)(point - line - 1), line + 1, (int)(end - year),
             year);
    if (!strptime(text, "%a %b %d %H:%M:%S %Y", &tm) || sscanf(point, ".%3u", &ms) != 1)
        return;
    time_t seconds = timegm(&tm);
    if (seconds > 0)
        t->time_ns = (uint64_t)seconds * 1000000000u + (uint64_t)ms * 1000000u;
}

/* What mod_jk logs behind the place in its source; NULL: not its log. */
static const char *skip_log_head(struct hex_text *t, const char *line, uint64_t *key)
{
    const char *place = line[0] == '[' ? strstr(line, "::jk_") : NULL;
    const char *rest = place ? strstr(place, "): ") : NULL;
    const char *thread = rest ? strstr(line, "] [") : NULL;
    const char *end = thread ? strchr(thread + 3, ']') : NULL;
    if (!end || end > rest)
        return NULL;
    *key = tally_hash(thread, (size_t)(end - thread));
    t->styled = true;
    return rest + 3;
}

/* "sending to ajp13 pos=4 len=201 max=8192": of what comes back the log has the payload alone. */
static void take_log_note(struct hex_text *t, struct hex_talk *talk, const char *note)
{
    bool sent = strncmp(note, "sending to ", 11) == 0;
    const char *len = strstr(note, " len=");
    if ((!sent && strncmp(note, "received from ", 14) != 0) || !len)
        return;
    talk->piece = NONE;
    talk->side = !sent;
    talk->payload = !sent;
    talk->wanted = strtoul(len + 5, NULL, 10);
    (void)t;
}

/* Wireshark's names of arrays: peer0_1[]. */
static void take_peer(struct hex_talk *talk, const char *line)
{
    const char *name = strstr(line, "peer");
    if (name && (name[4] == '0' || name[4] == '1') && name[5] == '_')
        talk->side = name[4] - '0';
}

static void other(struct hex_text *t, struct hex_talk *talk, const char *line, bool is_log)
{
    t->other_line = t->other_line ? t->other_line : t->line;
    if (is_log) {
        take_log_note(t, talk, line);
        return;
    }
    talk->piece = NONE;
    take_time(t, line);
    take_peer(talk, line);
    t->follows |= strncmp(line, "Follow: ", 8) == 0 || strncmp(line, "Node 0: ", 8) == 0;
}

/* ---- bytes ---- */

/* As many of the last row's bytes again as the offset says are there. */
static void fill(struct hex_piece *p, uint64_t until)
{
    size_t row = p->bytes.len < ROW_MAX ? p->bytes.len : ROW_MAX;
    while (row > 0 && p->bytes.len < until && until - p->bytes.len <= FILL_MAX)
        text_byte(&p->bytes, p->bytes.at[p->bytes.len - row]);
}

static bool is_dumped(const struct hex_line *l)
{
    return l->style == HEX_OFFSET || l->style == HEX_COUNT;
}

static bool goes_on(const struct hex_text *t, const struct hex_talk *talk)
{
    const struct hex_line *l = &t->parsed;
    if (talk->piece == NONE)
        return false;
    const struct hex_piece *p = &t->pieces[talk->piece];
    if (p->total != SIZE_MAX || (is_dumped(l) && l->offset == 0 && p->bytes.len > 0))
        return false;
    return !is_dumped(l) || p->wanted != SIZE_MAX || p->side == NONE || p->side == (int)l->second;
}

static void bytes(struct hex_text *t, struct hex_talk *talk, bool is_log)
{
    struct hex_line *l = &t->parsed;
    bool dumped = is_dumped(l);
    t->styled |= l->style != HEX_BARE;
    if (!goes_on(t, talk)) {
        if (!is_log && dumped)
            talk->side = l->second;
        begin_piece(t, talk);
    }
    struct hex_piece *p = &t->pieces[talk->piece];
    if (talk->same && dumped && l->offset > p->bytes.len)
        fill(p, l->offset);
    talk->same = false;
    p->dumped |= dumped;
    p->base = p->base ? p->base : l->base;
    p->digits = p->digits ? p->digits : l->digits;
    text_put(&p->bytes, l->bytes.at, l->bytes.len);
}

void hex_text_add(struct hex_text *t, const char *line)
{
    uint64_t key = 0;
    t->line++;
    const char *rest = skip_log_head(t, line, &key);
    struct hex_talk *talk = talk_of(t, key);
    struct hex_piece *p = talk->piece == NONE ? NULL : &t->pieces[talk->piece];
    if (rest)
        take_log_time(t, line);
    struct hex_place at = {.done = p ? p->bytes.len : 0,
                           .in_dump = p && p->dumped,
                           .same = talk->same,
                           .base = p ? p->base : 0};
    hex_line_parse(&t->parsed, rest ? rest : line, &at);
    switch (t->parsed.kind) {
    case HEX_EMPTY:
        return;
    case HEX_SAME:
        talk->same = true;
        return;
    case HEX_TOTAL:
        if (talk->same)
            fill(p, t->parsed.offset);
        p->total = t->parsed.offset;
        return;
    case HEX_BYTES:
        bytes(t, talk, rest != NULL);
        return;
    case HEX_OTHER:
        other(t, talk, rest ? rest : line, rest != NULL);
        return;
    }
}

/* ---- the end ---- */

/* od -x and hexdump write words as this machine has them: AJP's magic shows it. */
static void swap_words(struct hex_piece *p)
{
    char *at = p->bytes.at;
    if (!p->dumped || p->digits != 4 || p->bytes.len < 2 ||
        (memcmp(at, "\x34\x12", 2) != 0 && memcmp(at, "BA", 2) != 0))
        return;
    for (size_t i = 0; i + 1 < p->bytes.len; i += 2) {
        char first = at[i];
        at[i] = at[i + 1];
        at[i + 1] = first;
    }
}

static void cut(struct hex_piece *p, size_t len)
{
    if (len < p->bytes.len) {
        p->bytes.len = len;
        p->bytes.at[len] = '\0';
    }
}

/* A message as mod_jk holds it, without the head that it was read behind. */
static void put_head(struct hex_piece *p)
{
    struct text whole = {0};
    size_t len = p->bytes.len + p->missing;
    if (!p->payload || (p->bytes.len >= 2 && memcmp(p->bytes.at, "AB", 2) == 0) || len > UINT16_MAX)
        return;
    text_put(&whole, "AB", 2);
    text_byte(&whole, (char)(len >> 8));
    text_byte(&whole, (char)len);
    text_put(&whole, p->bytes.at, p->bytes.len);
    text_free(&p->bytes);
    p->bytes = whole;
}

static void finish(struct hex_piece *p, bool has_sides)
{
    swap_words(p);
    cut(p, p->total);
    if (p->wanted !=
        SIZE_MAX) { /* a log fills rows up with zeros, and leaves out much of the long */
        cut(p, p->wanted);
        p->missing = p->wanted - p->bytes.len;
    }
    put_head(p);
    if (!has_sides && !p->payload && p->wanted == SIZE_MAX)
        p->side = NONE;
}

bool hex_text_end(struct hex_text *t)
{
    bool side[2] = {false};
    for (size_t i = 0; i < t->count; i++) {
        if (t->pieces[i].side >= 0)
            side[t->pieces[i].side] = true;
    }
    for (size_t i = 0; i < t->count; i++)
        finish(&t->pieces[i], t->follows || (side[0] && side[1]));
    return (t->styled && t->count > 0) || t->other_line == 0;
}

void hex_text_free(struct hex_text *t)
{
    for (size_t i = 0; i < t->count; i++)
        text_free(&t->pieces[i].bytes);
    free(t->pieces);
    free(t->talks);
    text_free(&t->parsed.bytes);
    *t = (struct hex_text){0};
}
