/* SPDX-License-Identifier: Apache-2.0 */
/* The event log: formats into a buffer on the stack, writes once, holds back floods. */
#include "base/log.h"

#include "base/line.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { REPEAT_SLOTS = 32 };

/* How often this thread printed an event in the current second. */
struct repeat {
    const char *event;
    enum log_level level;
    time_t second;
    uint32_t printed, suppressed;
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static _Atomic int threshold_now = LEVEL_INFO;
static _Atomic int format_now = LOG_TEXT;
static _Thread_local struct repeat repeats[REPEAT_SLOTS];

static void put_time(struct line *line, const struct timespec *now)
{
    struct tm utc;
    char text[40];
    gmtime_r(&now->tv_sec, &utc);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    int m = snprintf(text + n, sizeof text - n, ".%03ldZ", now->tv_nsec / 1000000);
    line_put_bytes(line, text, n + (size_t)m);
}

/* One "key=value" or "key=\"some words\"" off the front of *p, as a JSON member. */
static void put_json_member(struct line *line, const char **p)
{
    const char *key = *p;
    size_t key_len = strcspn(key, "= ");
    const char *value = key + key_len;
    size_t value_len = 0;
    const char *rest = value;
    if (*value == '=' && value[1] == '"') {
        value += 2;
        value_len = strcspn(value, "\"");
        rest = value + value_len + (value[value_len] == '"');
    } else if (*value == '=') {
        value += 1;
        value_len = strcspn(value, " ");
        rest = value + value_len;
    }
    line_put(line, ",\"");
    line_put_escaped(line, ajp_str_of(key, key_len), LINE_JSON, line->cap);
    line_put(line, "\":\"");
    line_put_escaped(line, ajp_str_of(value, value_len), LINE_JSON, line->cap);
    line_put(line, "\"");
    *p = rest + strspn(rest, " ");
}

static void put_json(struct line *line, enum log_level level, const char *event,
                     const struct timespec *now, const char *text)
{
    line_put(line, "{\"time\":\"");
    put_time(line, now);
    line_put(line, "\",\"level\":\"");
    line_put(line, log_level_name(level));
    line_put(line, "\",\"event\":\"");
    line_put_escaped(line, ajp_str_of(event, strlen(event)), LINE_JSON, line->cap);
    line_put(line, "\"");
    while (*text) {
        /* A member that does not fit whole is left out, so that the line stays JSON. */
        size_t before = line->len;
        line->cut = false;
        put_json_member(line, &text);
        if (line->cut || line->cap - line->len < 2) {
            line->len = before;
            break;
        }
    }
    line_put(line, "}");
}

static void put_text(struct line *line, enum log_level level, const char *event,
                     const struct timespec *now, const char *text)
{
    put_time(line, now);
    line_put(line, " ");
    line_put(line, log_level_name(level));
    line_put(line, " ");
    line_put(line, event);
    if (*text)
        line_put(line, " ");
    line_put(line, text);
}

static void write_line(enum log_level level, const char *event, const struct timespec *now,
                       char *text)
{
    /* A last fence: whatever a caller forgot to escape cannot break the line. */
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            *p = '?';
    char buffer[LOG_LINE_MAX + 512];
    struct line line = {.text = buffer, .cap = sizeof buffer - 1};
    if (atomic_load_explicit(&format_now, memory_order_relaxed) == LOG_JSON)
        put_json(&line, level, event, now, text);
    else
        put_text(&line, level, event, now, text);
    buffer[line.len++] = '\n';
    /* Nothing can be done about a standard error that does not take the line. */
    ssize_t unused = write(STDERR_FILENO, buffer, line.len);
    (void)unused;
}

static void print_suppressed(struct repeat *repeat, const struct timespec *now)
{
    if (!repeat->suppressed)
        return;
    char text[128];
    snprintf(text, sizeof text, "of=%s count=%u", repeat->event, repeat->suppressed);
    repeat->suppressed = 0;
    write_line(repeat->level, "suppressed", now, text);
}

/* True when this line may be printed. */
static bool take_turn(enum log_level level, const char *event, const struct timespec *now)
{
    struct repeat *slot = &repeats[((uintptr_t)event >> 3) % REPEAT_SLOTS];
    if (slot->event != event || slot->second != now->tv_sec) {
        if (slot->event)
            print_suppressed(slot, now);
        *slot = (struct repeat){.event = event, .level = level, .second = now->tv_sec};
    }
    if (slot->printed < LOG_BURST) {
        slot->printed++;
        return true;
    }
    slot->suppressed++;
    return false;
}

void log_setup(enum log_level threshold, enum log_format format)
{
    threshold_now = (int)threshold;
    format_now = (int)format;
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&threshold_now, memory_order_relaxed);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
    if (!log_enabled(level))
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (!take_turn(level, event, &now))
        return;
    char text[LOG_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0)
        text[0] = '\0';
    write_line(level, event, &now, text);
}

void log_flush_suppressed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (size_t i = 0; i < REPEAT_SLOTS; i++)
        if (repeats[i].event)
            print_suppressed(&repeats[i], &now);
}

const char *log_str(char *buf, size_t cap, ajp_str s)
{
    if (cap == 0)
        return "";
    if (!s.ptr)
        s = AJP_STR("-");
    struct line line = {.text = buf, .cap = cap - 1};
    line_put_escaped(&line, s, LINE_TEXT, cap);
    buf[line.len] = '\0';
    return buf;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}
