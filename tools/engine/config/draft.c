/* SPDX-License-Identifier: Apache-2.0 */
/* Puts settings together: defaults, entries, values. */
#include "config/draft.h"

#include "config/settings_build.h"
#include "config/value.h"
#include "config/yaml.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 256 };

static const struct settings defaults = {
    .packet_size = AJP_PACKET_DEFAULT,
    .timeouts =
        {
            .request_head = 10000,
            .body = 30000,
            .keep_alive = 60000,
            .tls_handshake = 5000,
            .connect = 2000,
            .cping = 1000,
            .cping_idle = 1000,
            .cping_silent = 5000,
            .reply = 60000,
            .write_stall = 30000,
            .queue = 5000,
            .pool_idle = 60000,
            .drain = 30000,
        },
    .limits =
        {
            .max_connections = 10000,
            .request_line = 8000,
            .header_count = 100,
            .header_bytes = 65536,
            .one_header_bytes = 16384,
            .max_body = UINT64_C(1) << 30,
            .queue = 1024,
            .max_attempts = 3,
        },
    .session = {.order = {{SOURCE_QUERY, SOURCE_PATH, SOURCE_COOKIE}, SOURCE_COUNT},
                .separator = '.',
                .sticky = true,
                .idle = 30 * 60 * 1000},
    .http = {.host_mismatch = ODD_PASS},
    .retry = {.budget = 20, .replay_buffer = 65536},
    .balance = {.slow_start = 10000},
    .health = {.interval = 5000,
               .timeout = 1000,
               .resolve = 60000,
               .silence = 20000,
               .fall = 2,
               .rise = 1,
               .max_fails = 3,
               .eject_time = 30000},
    .log_level = LEVEL_INFO,
};

static uint32_t core_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (uint32_t)count;
}

void draft_free(struct draft *draft)
{
    if (!draft)
        return;
    settings_free(draft->settings);
    yaml_free(draft->file);
    free(draft);
}

/* Every string of settings belongs to its blocks, so literals are copied too. */
struct draft *draft_new(const struct program *program)
{
    struct draft *draft = calloc(1, sizeof *draft);
    struct settings *settings = calloc(1, sizeof *settings);
    if (!draft || !settings) {
        free(draft);
        free(settings);
        return NULL;
    }
    *settings = defaults;
    settings->threads = core_count();
    settings->session.cookie = settings_text(settings, AJP_STR("JSESSIONID"));
    settings->session.param = settings_text(settings, AJP_STR("jsessionid"));
    draft->program = program;
    draft->settings = settings;
    if (!settings->no_memory)
        return draft;
    draft_free(draft);
    return NULL;
}

static const char *keep(struct draft *draft, const char *text)
{
    return settings_text(draft->settings, ajp_str_of(text, strlen(text))).ptr;
}

bool draft_try(struct draft *draft, const struct setting_table *table, size_t row, void *base,
               struct draft_notes *notes, const char *text, char *why, size_t why_cap)
{
    struct value_context ctx = {.owner = draft->settings,
                                .listen_protos = draft->program->listen_protos,
                                .why = why,
                                .why_cap = why_cap};
    notes->refused[row] = !value_set(&ctx, &table->rows[row], base, text);
    if (!notes->refused[row])
        notes->given[row] = keep(draft, text);
    return !notes->refused[row];
}

static bool set_row(struct draft *draft, const struct setting_table *table, size_t row, void *base,
                    struct draft_notes *notes, const char *what, const char *text)
{
    char why[768];
    return draft_try(draft, table, row, base, notes, text, why, sizeof why) ||
           draft_fail(draft, what, "%s", why);
}

bool draft_set(struct draft *draft, const struct setting_row *row, const char *what,
               const char *text)
{
    size_t at = (size_t)(row - table_top.rows);
    draft->top.by_option[at] = true;
    return set_row(draft, &table_top, at, draft->settings, &draft->top, what, text);
}

bool draft_set_listener(struct draft *draft, size_t at, const char *key, const char *what,
                        const char *text)
{
    return set_row(draft, &table_listener, table_row_of(&table_listener, key),
                   &draft->listeners[at], &draft->listener_notes[at], what, text);
}

bool draft_set_worker(struct draft *draft, size_t at, const char *key, const char *what,
                      const char *text)
{
    return set_row(draft, &table_worker, table_row_of(&table_worker, key), &draft->workers[at],
                   &draft->worker_notes[at], what, text);
}

struct listener_settings *draft_add_listener(struct draft *draft, const char *option, int index)
{
    if (draft->listener_count == LISTENERS_MAX) {
        draft_fail(draft, option, "expected at most %d listeners", LISTENERS_MAX);
        return NULL;
    }
    size_t at = draft->listener_count++;
    draft->listeners[at] =
        (struct listener_settings){0}; /* one of the file's may have been there */
    draft->listener_notes[at] =
        (struct draft_notes){.option = option ? keep(draft, option) : NULL, .index = index};
    return &draft->listeners[at];
}

struct worker_settings *draft_add_worker(struct draft *draft, const char *option, int index)
{
    if (draft->worker_count == WORKERS_MAX) {
        draft_fail(draft, option, "expected at most %d workers", WORKERS_MAX);
        return NULL;
    }
    size_t at = draft->worker_count++;
    draft->workers[at] = (struct worker_settings){.weight = 1, .verify = true};
    draft->worker_notes[at] =
        (struct draft_notes){.option = option ? keep(draft, option) : NULL, .index = index};
    return &draft->workers[at];
}
