/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: lines gathered in a buffer of one thread, written when it is full. */
#include "base/access_log.h"

#include "base/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BUFFER_SIZE = 16384,
    LINE_SIZE = 8192,
    PATH_SIZE = 4096, /* of a path, escaped; a query gets half of that */
};

struct access_log {
    int fd;
    enum log_format format;
    unsigned generation; /* reopened when it differs from reopen_generation */
    time_t stamp_second;
    size_t stamp_len, used;
    char stamp[40]; /* the time as text, made once a second */
    char buffer[BUFFER_SIZE];
    char path[];
};

static atomic_uint reopen_generation;

static int open_file(const char *path)
{
    if (strcmp(path, "-") == 0)
        return STDOUT_FILENO;
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

static void close_file(struct access_log *log)
{
    if (log->fd != STDOUT_FILENO)
        close(log->fd);
}

static void write_out(struct access_log *log)
{
    size_t done = 0;
    while (done < log->used) {
        ssize_t n = write(log->fd, log->buffer + done, log->used - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            log_event(LEVEL_ERROR, "access_log_failed", "lost_bytes=%zu errno=%d", log->used - done,
                      errno);
            break;
        }
        done += (size_t)n;
    }
    log->used = 0;
}

static void reopen_if_asked(struct access_log *log)
{
    unsigned generation = atomic_load_explicit(&reopen_generation, memory_order_relaxed);
    if (generation == log->generation)
        return;
    log->generation = generation;
    write_out(log);
    int fd = open_file(log->path);
    if (fd < 0) {
        log_event(LEVEL_ERROR, "access_log_failed", "reopen=no errno=%d", errno);
        return;
    }
    close_file(log);
    log->fd = fd;
}

static void put_stamp(struct access_log *log, struct line *line)
{
    time_t now = time(NULL);
    if (now != log->stamp_second || log->stamp_len == 0) {
        struct tm utc;
        gmtime_r(&now, &utc);
        const char *format =
            log->format == LOG_JSON ? "%Y-%m-%dT%H:%M:%SZ" : "%d/%b/%Y:%H:%M:%S +0000";
        log->stamp_len = strftime(log->stamp, sizeof log->stamp, format, &utc);
        log->stamp_second = now;
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
    put_view(line, e->client, 256);
    line_put(line, " - - [");
    put_stamp(log, line);
    line_put(line, "] \"");
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
    line_put(line, "\"\n");
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
    line_put(line, "{\"time\":\"");
    put_stamp(log, line);
    line_put(line, "\"");
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
    size_t len = strlen(path) + 1;
    struct access_log *log = calloc(1, sizeof *log + len);
    if (!log)
        return NULL;
    memcpy(log->path, path, len);
    log->format = format;
    log->generation = atomic_load(&reopen_generation);
    log->fd = open_file(path);
    if (log->fd < 0) {
        int saved = errno;
        free(log);
        errno = saved;
        return NULL;
    }
    return log;
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
    close_file(log);
    free(log);
}

void access_log_reopen_all(void)
{
    atomic_fetch_add_explicit(&reopen_generation, 1, memory_order_relaxed);
}
