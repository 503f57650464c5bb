/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one line a request, kept in a buffer per thread and written in large pieces by a
 * thread that alone waits for the file. */
#ifndef ENGINE_BASE_ACCESS_LOG_H
#define ENGINE_BASE_ACCESS_LOG_H

#include "base/log.h"

struct access_entry {
    ajp_str client; /* address, no port */
    ajp_str method, path, query, protocol;
    uint16_t status; /* 0: none was sent */
    uint64_t bytes_up, bytes_down;
    const char *worker;          /* NULL: none was chosen */
    ajp_str route;               /* of the session id that came in; null: none */
    uint64_t total_us, first_us; /* first_us: until the first byte of the reply; 0: none */
    uint32_t retries;
    const char *reason; /* constant text when the exchange failed, or NULL */
};

/* One per thread. */
struct access_log;

/* path "-" is standard output. NULL, with errno set, when the file cannot be opened. */
struct access_log *access_log_open(const char *path, enum log_format format);
/* Both take NULL for "no access log". */
void access_log_write(struct access_log *log, const struct access_entry *entry);
void access_log_flush(struct access_log *log);
void access_log_close(struct access_log *log);

/* Async-signal-safe: every access log opens its file anew at its next write or flush. */
void access_log_reopen_all(void);

#endif
