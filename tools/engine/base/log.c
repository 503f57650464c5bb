/* SPDX-License-Identifier: Apache-2.0 */
/* The event log: formats into a buffer on the stack, writes once, holds back floods. */
#include "base/log.h"

#include "base/line.h"
#include "base/spool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    REPEAT_SLOTS = 32,
    EVENTS_ROOM = 256 * 1024,
    OUTPUT_ROOM = 1024 * 1024, /* the access log may be there */
    PATIENCE_MS = 1000,        /* at the end, for each of the two */
};

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
static struct spool *_Atomic events; /* NULL: lines are written at once */
static struct spool *output;
static _Atomic bool ended;
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

/* Whether fmt writes this key's value as a number. */
static bool is_number(const char *fmt, const char *key, size_t len)
{
    for (const char *at = fmt; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        if (strncmp(at, key, len) != 0 || at[len] != '=' || at[len + 1] != '%')
            continue;
        const char *p = at + len + 2;
        p += strspn(p, "lzh");
        return (*p == 'u' || *p == 'd') && (p[1] == ' ' || p[1] == '\0');
    }
    return false;
}

/* One "key=value" or "key=\"some words\"" off the front of *p, as a JSON member. */
static void put_json_member(struct line *line, const char *fmt, const char **p)
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
    const char *quote = is_number(fmt, key, key_len) ? "" : "\"";
    line_put(line, "\":");
    line_put(line, quote);
    line_put_escaped(line, ajp_str_of(value, value_len), LINE_JSON, line->cap);
    line_put(line, quote);
    *p = rest + strspn(rest, " ");
}

static void put_json(struct line *line, enum log_level level, const char *event,
                     const struct timespec *now, const char *fmt, const char *text)
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
        put_json_member(line, fmt, &text);
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

/* One line with its end. */
static void send_line(int fd, struct spool *spool, const char *line, size_t len)
{
    if (spool) {
        spool_put(spool, line, len);
    } else if (!atomic_load(&ended)) {
        /* Nothing can be done about a descriptor that does not take the line. */
        ssize_t unused = write(fd, line, len);
        (void)unused;
    }
}

/* Its length, the end included. cap: LOG_LINE_MAX and 512 more at least. fmt is what text was made
 * by. */
static size_t format_line(char *buffer, size_t cap, enum log_level level, const char *event,
                          const struct timespec *now, const char *fmt, char *text)
{
    /* A last fence: whatever a caller forgot to escape cannot break the line. */
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            *p = '?';
    struct line line = {.text = buffer, .cap = cap - 1};
    if (atomic_load_explicit(&format_now, memory_order_relaxed) == LOG_JSON)
        put_json(&line, level, event, now, fmt, text);
    else
        put_text(&line, level, event, now, text);
    buffer[line.len++] = '\n';
    return line.len;
}

static void write_line(enum log_level level, const char *event, const struct timespec *now,
                       const char *fmt, char *text)
{
    char buffer[LOG_LINE_MAX + 512];
    size_t len = format_line(buffer, sizeof buffer, level, event, now, fmt, text);
    send_line(STDERR_FILENO, atomic_load(&events), buffer, len);
}

static void print_suppressed(struct repeat *repeat, const struct timespec *now)
{
    if (!repeat->suppressed)
        return;
    static const char fmt[] = "of=%s count=%u";
    char text[128];
    snprintf(text, sizeof text, fmt, repeat->event, repeat->suppressed);
    repeat->suppressed = 0;
    write_line(repeat->level, "suppressed", now, fmt, text);
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
    write_line(level, event, &now, fmt, text);
}

void log_flush_suppressed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (size_t i = 0; i < REPEAT_SLOTS; i++)
        if (repeats[i].event)
            print_suppressed(&repeats[i], &now);
}

/* --- lines that are lost --- */

static size_t events_resumed(char *line, size_t cap, uint64_t lost)
{
    static const char fmt[] = "log=events log_lost=%llu";
    char text[80];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(text, sizeof text, fmt, (unsigned long long)lost);
    return format_line(line, cap, LEVEL_WARN, "log_full", &now, fmt, text);
}

/* It cannot be told where nothing can be told. */
static void events_failed(const char *path, const char *doing, uint64_t lost, int error)
{
    (void)path;
    (void)doing;
    (void)lost;
    (void)error;
}

static size_t access_resumed(char *line, size_t cap, uint64_t lost)
{
    (void)line;
    (void)cap;
    log_event(LEVEL_WARN, "log_full", "log=access log_lost=%llu", (unsigned long long)lost);
    return 0;
}

static void access_failed(const char *path, const char *doing, uint64_t lost, int error)
{
    char shown[256];
    log_event(LEVEL_ERROR, "access_log_failed", "file=%s doing=%s log_lost=%llu reason=\"%s\"",
              log_str(shown, sizeof shown, ajp_str_of(path, strlen(path))), doing,
              (unsigned long long)lost, strerror(error));
}

static struct spool_events event_losses = {.resumed = events_resumed, .failed = events_failed};
struct spool_events log_access_losses = {.resumed = access_resumed, .failed = access_failed};

uint64_t log_lost_events(void)
{
    return atomic_load(&event_losses.lost);
}

uint64_t log_lost_access(void)
{
    return atomic_load(&log_access_losses.lost);
}

/* --- begin and end --- */

bool log_start(void)
{
    struct spool *spool = spool_open(SPOOL_STDERR, EVENTS_ROOM, &event_losses);
    if (!spool)
        return false;
    output = spool_open(SPOOL_STDOUT, OUTPUT_ROOM, &log_access_losses);
    if (output) {
        atomic_store(&events, spool);
        return true;
    }
    int saved = errno;
    spool_close(spool, PATIENCE_MS);
    errno = saved;
    return false;
}

void log_end(void)
{
    struct spool *spool = atomic_exchange(&events, NULL);
    if (!spool)
        return;
    atomic_store(&ended, true);
    spool_close(output, PATIENCE_MS);
    spool_close(spool, PATIENCE_MS);
    output = NULL;
}

static void send_text(int fd, struct spool *spool, const char *text)
{
    char buffer[LOG_LINE_MAX];
    struct line line = {.text = buffer, .cap = sizeof buffer - 1};
    line_put(&line, text);
    buffer[line.len++] = '\n';
    send_line(fd, spool, buffer, line.len);
}

void log_output(const char *text)
{
    send_text(STDOUT_FILENO, output, text);
}

void log_error(const char *text)
{
    send_text(STDERR_FILENO, atomic_load(&events), text);
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
