/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: lines gathered in a buffer of one thread, handed to the spool of the file when it
 * is full. */
#include "base/access_log.h"

#include "base/line.h"
#include "base/spool.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BUFFER_SIZE = 16384,
    LINE_SIZE = 8192,
    PATH_SIZE = 4096, /* of a path, escaped; a query gets half of that */
    SPOOL_ROOM = 1024 * 1024,
    PATIENCE_MS = 1000, /* at the end */
};

struct access_log {
    struct spool *spool; /* all threads' */
    enum log_format format;
    unsigned generation; /* reopened when it differs from reopen_generation */
    time_t stamp_second;
    size_t stamp_len, used;
    char stamp[40]; /* its second as text, made once */
    char buffer[BUFFER_SIZE];
};

static atomic_uint reopen_generation;

static void write_out(struct access_log *log)
{
    spool_put(log->spool, log->buffer, log->used);
    log->used = 0;
}

/* Every thread asks for it, at its time: what it has gathered by then goes before. */
static void reopen_if_asked(struct access_log *log)
{
    unsigned generation = atomic_load_explicit(&reopen_generation, memory_order_relaxed);
    if (generation == log->generation)
        return;
    log->generation = generation;
    write_out(log);
    spool_reopen(log->spool);
}

static void put_fraction(struct line *line, const struct timespec *now)
{
    char text[8];
    snprintf(text, sizeof text, ".%03u", (unsigned)(now->tv_nsec / 1000000));
    line_put(line, text);
}

/* The time when the request was over. */
static void put_stamp(struct access_log *log, struct line *line, const struct timespec *now)
{
    if (now->tv_sec != log->stamp_second || log->stamp_len == 0) {
        struct tm utc;
        gmtime_r(&now->tv_sec, &utc);
        const char *format = log->format == LOG_JSON ? "%Y-%m-%dT%H:%M:%S" : "%d/%b/%Y:%H:%M:%S";
        log->stamp_len = strftime(log->stamp, sizeof log->stamp, format, &utc);
        log->stamp_second = now->tv_sec;
    }
    line_put_bytes(line, log->stamp, log->stamp_len);
}

static void put_view(struct line *line, ajp_str s, size_t max)
{
    if (s.ptr)
        line_put_escaped(line, s, LINE_TEXT, max);
    else
        line_put(line, "-");
}

static void put_named(struct line *line, const char *name, uint64_t number)
{
    line_put(line, name);
    line_put_number(line, number);
}

static void put_text(struct access_log *log, struct line *line, const struct access_entry *e)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    put_view(line, e->client, 256);
    line_put(line, " - - [");
    put_stamp(log, line, &now);
    line_put(line, " +0000] \"");
    put_view(line, e->method, 64);
    line_put(line, " ");
    put_view(line, e->path, PATH_SIZE);
    if (e->query.ptr) {
        line_put(line, "?");
        put_view(line, e->query, PATH_SIZE / 2);
    }
    line_put(line, " ");
    put_view(line, e->protocol, 32);
    put_named(line, "\" ", e->status);
    put_named(line, " ", e->bytes_down);
    put_named(line, " up=", e->bytes_up);
    line_put(line, " worker=");
    line_put(line, e->worker ? e->worker : "-");
    line_put(line, " route=");
    put_view(line, e->route, 128);
    put_named(line, " us=", e->total_us);
    put_named(line, " first_us=", e->first_us);
    put_named(line, " retries=", e->retries);
    line_put(line, " reason=\"");
    line_put(line, e->reason ? e->reason : "-");
    line_put(line, "\" time=");
    line_put_number(line, (uint64_t)now.tv_sec);
    put_fraction(line, &now);
    line_put(line, "\n");
}

static void put_member(struct line *line, const char *name, ajp_str s, size_t max)
{
    line_put(line, ",\"");
    line_put(line, name);
    if (!s.ptr) {
        line_put(line, "\":null");
        return;
    }
    line_put(line, "\":\"");
    line_put_escaped(line, s, LINE_JSON, max);
    line_put(line, "\"");
}

static ajp_str text_of(const char *text)
{
    return text ? ajp_str_of(text, strlen(text)) : AJP_NULL;
}

static void put_json(struct access_log *log, struct line *line, const struct access_entry *e)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    line_put(line, "{\"time\":\"");
    put_stamp(log, line, &now);
    put_fraction(line, &now);
    line_put(line, "Z\"");
    put_member(line, "client", e->client, 256);
    put_member(line, "method", e->method, 64);
    put_member(line, "path", e->path, PATH_SIZE);
    put_member(line, "query", e->query, PATH_SIZE / 2);
    put_member(line, "protocol", e->protocol, 32);
    put_named(line, ",\"status\":", e->status);
    put_named(line, ",\"bytes_up\":", e->bytes_up);
    put_named(line, ",\"bytes_down\":", e->bytes_down);
    put_member(line, "worker", text_of(e->worker), 256);
    put_member(line, "route", e->route, 128);
    put_named(line, ",\"total_us\":", e->total_us);
    put_named(line, ",\"first_us\":", e->first_us);
    put_named(line, ",\"retries\":", e->retries);
    put_member(line, "reason", text_of(e->reason), 256);
    line_put(line, "}\n");
}

struct access_log *access_log_open(const char *path, enum log_format format)
{
    struct access_log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->format = format;
    log->generation = atomic_load(&reopen_generation);
    log->spool = spool_open(path, SPOOL_ROOM, &log_access_losses);
    if (log->spool)
        return log;
    int saved = errno;
    free(log);
    errno = saved;
    return NULL;
}

void access_log_write(struct access_log *log, const struct access_entry *entry)
{
    if (!log)
        return;
    reopen_if_asked(log);
    if (BUFFER_SIZE - log->used < LINE_SIZE)
        write_out(log);
    struct line line = {.text = log->buffer + log->used, .cap = LINE_SIZE};
    if (log->format == LOG_JSON)
        put_json(log, &line, entry);
    else
        put_text(log, &line, entry);
    log->used += line.len;
}

void access_log_flush(struct access_log *log)
{
    if (!log)
        return;
    write_out(log);
    reopen_if_asked(log);
}

void access_log_close(struct access_log *log)
{
    if (!log)
        return;
    write_out(log);
    spool_close(log->spool, PATIENCE_MS);
    free(log);
}

void access_log_reopen_all(void)
{
    atomic_fetch_add_explicit(&reopen_generation, 1, memory_order_relaxed);
}
