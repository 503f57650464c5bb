/* SPDX-License-Identifier: Apache-2.0 */
/* The event log: one line an event on standard error, "time level event key=value ...".
 * Every line leaves in one write, and an event that repeats too often is counted, not printed.
 * Between log_start and log_end nobody waits for who reads it: lines without room are counted. */
#ifndef ENGINE_BASE_LOG_H
#define ENGINE_BASE_LOG_H

#include <ajp/base.h>

enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

enum {
    LOG_LINE_MAX = 2048, /* a longer line is cut */
    LOG_BURST = 20,      /* lines of one event per thread and second; errors count too */
};

/* For main, before threads start. */
void log_setup(enum log_level threshold, enum log_format format);
bool log_enabled(enum log_level level);

/* event is constant text, one word. The rest is "key=value key=\"some words\"": any value that
 * holds bytes off the wire goes through log_str. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Escapes s into buf: a byte other than 0x21..0x7e, a quote or a backslash becomes \xNN, a text
 * that does not fit ends in "...", the null string is "-". Gives buf. */
const char *log_str(char *buf, size_t cap, ajp_str s);

/* Prints the counts of what this thread suppressed; call it now and then, and at its end. */
void log_flush_suppressed(void);

/* From now on lines wait in memory for a thread that writes them, standard output's too. False,
 * with errno set: everything stays as it was. */
bool log_start(void);
/* Waits until all is written, but not for long; what comes after it is lost. */
void log_end(void);
/* A line as it is, without its end: for standard output, and for standard error. */
void log_output(const char *text);
void log_error(const char *text);

/* Lines lost so far: there was no room, or they could not be written. */
uint64_t log_lost_events(void);
uint64_t log_lost_access(void);

/* What becomes of other spools' losses: events. */
struct spool_events;
extern struct spool_events log_access_losses;

const char *log_level_name(enum log_level level);

#endif
