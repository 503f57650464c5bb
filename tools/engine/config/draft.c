/* SPDX-License-Identifier: Apache-2.0 */
/* Puts settings together and checks them. */
#include "config/draft.h"

#include "config/locate.h"
#include "config/schema.h"
#include "config/settings_build.h"
#include "config/tls.h"
#include "config/url.h"
#include "config/value.h"

#include <sched.h>
#include <stdarg.h>
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
    .retry = {.budget = 20, .replay_buffer = 65536},
    .balance = {.slow_start = 10000},
    .health = {.interval = 5000,
               .timeout = 1000,
               .resolve = 60000,
               .fall = 2,
               .rise = 1,
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
    return draft;
}

void draft_free(struct draft *draft)
{
    if (!draft)
        return;
    settings_free(draft->settings);
    free(draft);
}

bool draft_fail(struct draft *draft, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(draft->message, sizeof draft->message, fmt, args);
    va_end(args);
    return false;
}

static const char *keep(struct draft *draft, const char *text)
{
    return settings_text(draft->settings, ajp_str_of(text, strlen(text))).ptr;
}

static bool set_row(struct draft *draft, const struct setting_table *table, size_t row, void *base,
                    struct draft_notes *notes, const char *what, const char *text)
{
    char why[768];
    struct value_context ctx = {.owner = draft->settings,
                                .listen_protos = draft->program->listen_protos,
                                .why = why,
                                .why_cap = sizeof why};
    if (!value_set(&ctx, &table->rows[row], base, text))
        return draft_fail(draft, "%s: %s", what, why);
    notes->given[row] = keep(draft, text);
    return true;
}

static size_t row_of(const struct setting_table *table, const char *key)
{
    size_t i = 0;
    while (strcmp(table->rows[i].key, key) != 0)
        i++;
    return i;
}

bool draft_set(struct draft *draft, const struct setting_row *row, const char *what,
               const char *text)
{
    return set_row(draft, &table_top, (size_t)(row - table_top.rows), draft->settings, &draft->top,
                   what, text);
}

bool draft_set_listener(struct draft *draft, size_t at, const char *key, const char *what,
                        const char *text)
{
    return set_row(draft, &table_listener, row_of(&table_listener, key), &draft->listeners[at],
                   &draft->listener_notes[at], what, text);
}

bool draft_set_worker(struct draft *draft, size_t at, const char *key, const char *what,
                      const char *text)
{
    return set_row(draft, &table_worker, row_of(&table_worker, key), &draft->workers[at],
                   &draft->worker_notes[at], what, text);
}

struct listener_settings *draft_add_listener(struct draft *draft, const char *option, int index)
{
    if (draft->listener_count == LISTENERS_MAX) {
        draft_fail(draft, "%s: expected at most %d listeners", option ? option : draft->path,
                   LISTENERS_MAX);
        return NULL;
    }
    size_t at = draft->listener_count++;
    draft->listener_notes[at].option = option ? keep(draft, option) : NULL;
    draft->listener_notes[at].index = index;
    return &draft->listeners[at];
}

struct worker_settings *draft_add_worker(struct draft *draft, const char *option, int index)
{
    if (draft->worker_count == WORKERS_MAX) {
        draft_fail(draft, "%s: expected at most %d workers", option ? option : draft->path,
                   WORKERS_MAX);
        return NULL;
    }
    size_t at = draft->worker_count++;
    draft->worker_notes[at].option = option ? keep(draft, option) : NULL;
    draft->worker_notes[at].index = index;
    draft->workers[at].weight = 1;
    draft->workers[at].verify = true;
    return &draft->workers[at];
}

const char *draft_place(struct draft *draft, const char *outer, int index, const char *key)
{
    unsigned line, column;
    char text[512];
    locate_value(draft->path, outer, index, key, &line, &column);
    snprintf(text, sizeof text, "%s:%u:%u%s%s%s%s", draft->path, line, column,
             outer || key ? ": " : "", outer ? outer : "", outer && key ? "." : "", key ? key : "");
    return keep(draft, text);
}

static const char *place_of(struct draft *draft, const struct draft_notes *notes, const char *outer,
                            const char *key)
{
    if (!notes->option)
        return draft_place(draft, outer, notes->index, key);
    char text[512];
    snprintf(text, sizeof text, "%s: %s", draft->program->name, notes->option);
    return keep(draft, text);
}

static bool apply_list(struct draft *draft, const struct setting_row *row, void *base,
                       const struct raw_slot *slot, const char *outer, int index)
{
    char why[768];
    struct value_context ctx = {.owner = draft->settings, .why = why, .why_cap = sizeof why};
    if (!value_set_list(&ctx, row, base, (const char *const *)slot->value, slot->count))
        return draft_fail(draft, "%s: %s", draft_place(draft, outer, index, row->key), why);
    return true;
}

static bool apply_slots(struct draft *draft, const struct setting_table *table, void *base,
                        const struct raw_slot *slots, struct draft_notes *notes, const char *list,
                        int index)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting_row *row = &table->rows[i];
        if (!slots[i].value)
            continue;
        if (value_is_list(row->kind)) {
            if (!apply_list(draft, row, base, &slots[i], list ? list : row->group, index))
                return false;
            continue;
        }
        /* Looking for the place reads the file: only when there is something to say. */
        if (!set_row(draft, table, i, base, notes, "", slots[i].value)) {
            char why[sizeof draft->message];
            snprintf(why, sizeof why, "%s", draft->message);
            const char *outer = list ? list : row->group;
            return draft_fail(draft, "%.300s%s", draft_place(draft, outer, index, row->key), why);
        }
    }
    return true;
}

static bool apply_raw(struct draft *draft, const struct raw_file *raw)
{
    if (!apply_slots(draft, &table_top, draft->settings, raw->top, &draft->top, NULL, -1))
        return false;
    for (size_t i = 0; i < raw->listen.count; i++) {
        struct listener_settings *listener = draft_add_listener(draft, NULL, (int)i);
        if (!listener ||
            !apply_slots(draft, &table_listener, listener,
                         schema_entry(&raw->listen, &table_listener, i),
                         &draft->listener_notes[draft->listener_count - 1], "listen", (int)i))
            return false;
    }
    for (size_t i = 0; i < raw->workers.count; i++) {
        struct worker_settings *worker = draft_add_worker(draft, NULL, (int)i);
        if (!worker ||
            !apply_slots(draft, &table_worker, worker,
                         schema_entry(&raw->workers, &table_worker, i),
                         &draft->worker_notes[draft->worker_count - 1], "workers", (int)i))
            return false;
    }
    for (size_t i = 0; i < raw->routes.count; i++) {
        struct draft_notes notes = {.index = (int)i};
        struct route_settings *route = &draft->routes[draft->route_count++];
        if (!apply_slots(draft, &table_route, route, schema_entry(&raw->routes, &table_route, i),
                         &notes, "routes", (int)i))
            return false;
        for (size_t row = 0; row < table_route.count; row++)
            draft->route_given[i] |= (uint64_t)(notes.given[row] != NULL) << row;
    }
    return true;
}

bool draft_apply_file(struct draft *draft, const char *path)
{
    draft->path = keep(draft, path);
    struct raw_file *raw = schema_load(path, draft->message, sizeof draft->message);
    if (!raw)
        return false;
    bool ok = apply_raw(draft, raw);
    schema_free(raw);
    return ok;
}

static bool edits_attributes(const struct attribute_policy *policy)
{
    return policy->deny.count + policy->rename.count + policy->add.count > 0;
}

static bool check_listener(struct draft *draft, size_t at)
{
    struct listener_settings *listener = &draft->listeners[at];
    const struct draft_notes *notes = &draft->listener_notes[at];
    if (!listener->host.ptr)
        return draft_fail(draft, "%s: expected url, the address to listen on",
                          place_of(draft, notes, "listen", NULL));
    bool loopback = url_is_loopback(listener->host);
    bool secret = listener->secret.len > 0;
    struct tls_blame blame = {0};
    bool verify_given = notes->given[row_of(&table_listener, "client_verify")] != NULL;
    if (!tls_for_listener(draft->settings, listener, verify_given, &blame))
        return draft_fail(draft, "%s: %s", place_of(draft, notes, "listen", blame.key), blame.why);
    bool mutual = listener->secure && listener->client_verify == CLIENT_VERIFY_REQUIRE;
    if (!secret && listener->secret_next.len > 0)
        return draft_fail(draft, "%s: expected secret_file or secret_env beside the next secret",
                          place_of(draft, notes, "listen", NULL));
    if (listener->proto == PROTO_AJP && !loopback && !secret && !mutual &&
        !listener->allow_no_secret)
        return draft_fail(
            draft,
            "%s: expected a secret (secret_file, secret_env), client certificates (ajps://, "
            "client_ca) or allow_no_secret, since AJP off loopback lets anyone claim any identity",
            place_of(draft, notes, "listen", "url"));
    if (!notes->given[row_of(&table_listener, "trust_identity")])
        listener->trust_identity =
            secret || loopback || mutual || listener->trust_identity_from.count > 0;
    listener->attributes.edits = edits_attributes(&listener->attributes);
    if (listener->packet_size == 0)
        listener->packet_size = draft->settings->packet_size;
    return true;
}

static const struct worker_settings *named_worker(const struct draft *draft, ajp_str name,
                                                  size_t before)
{
    for (size_t i = 0; i < before; i++) {
        ajp_str other = draft->workers[i].name;
        if (other.len == name.len && memcmp(other.ptr, name.ptr, name.len) == 0)
            return &draft->workers[i];
    }
    return NULL;
}

static bool same_text(ajp_str a, ajp_str b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* No worker's name, nor an alias that came before. */
static bool alias_is_free(const struct draft *draft, size_t at, size_t place)
{
    ajp_str alias = draft->workers[at].aliases.at[place];
    if (named_worker(draft, alias, draft->worker_count))
        return false;
    for (size_t i = 0; i <= at; i++) {
        const struct text_list *other = &draft->workers[i].aliases;
        for (size_t k = 0; k < other->count && !(i == at && k == place); k++)
            if (same_text(other->at[k], alias))
                return false;
    }
    return true;
}

static bool check_worker(struct draft *draft, size_t at)
{
    struct worker_settings *worker = &draft->workers[at];
    const struct draft_notes *notes = &draft->worker_notes[at];
    if (!worker->name.ptr)
        return draft_fail(draft, "%s: expected name, the JVM route of the worker",
                          place_of(draft, notes, "workers", NULL));
    if (!worker->host.ptr)
        return draft_fail(draft, "%s: expected url, the address of worker %s",
                          place_of(draft, notes, "workers", NULL), worker->name.ptr);
    if (named_worker(draft, worker->name, at))
        return draft_fail(draft, "%s: expected a name of its own, got \"%s\" twice",
                          place_of(draft, notes, "workers", "name"), worker->name.ptr);
    for (size_t i = 0; i < worker->aliases.count; i++)
        if (!alias_is_free(draft, at, i))
            return draft_fail(
                draft, "%s: expected routes that lead to one worker, got \"%s\" twice",
                place_of(draft, notes, "workers", "aliases"), worker->aliases.at[i].ptr);
    ajp_str redirect = worker->redirect;
    if (redirect.ptr && overlay_removes(draft->overlay, redirect.ptr))
        worker->redirect = redirect = AJP_NULL;
    if (redirect.ptr && named_worker(draft, redirect, draft->worker_count) == NULL)
        return draft_fail(draft, "%s: expected the name of a worker, got \"%s\"",
                          place_of(draft, notes, "workers", "redirect"), redirect.ptr);
    if (worker->max_idle != 0 && worker->min_idle > worker->max_idle)
        return draft_fail(draft, "%s: expected at most max_idle, %u, got %u",
                          place_of(draft, notes, "workers", "min_idle"), worker->max_idle,
                          worker->min_idle);
    if (worker->max_connections != 0 && worker->min_idle > worker->max_connections)
        return draft_fail(draft, "%s: expected at most max_connections, %u, got %u",
                          place_of(draft, notes, "workers", "min_idle"), worker->max_connections,
                          worker->min_idle);
    struct tls_blame blame = {0};
    if (!tls_for_worker(draft->settings, worker, &blame))
        return draft_fail(draft, "%s: %s", place_of(draft, notes, "workers", blame.key), blame.why);
    worker->attributes.edits =
        edits_attributes(&worker->attributes) || worker->attributes.allow.count > 0;
    if (worker->packet_size == 0)
        worker->packet_size = draft->settings->packet_size;
    return true;
}

static bool check_counts(struct draft *draft)
{
    const char *lacking = NULL;
    if (draft->worker_count == 0)
        lacking = "a worker: workers in the file, or --worker NAME=ajp://HOST:PORT";
    if (draft->listener_count == 0)
        lacking = draft->program->listen_protos >> PROTO_HTTP & 1
                      ? "a listener: listen in the file, or --listen http://HOST:PORT"
                      : "a listener: listen in the file, or --listen ajp://HOST:PORT";
    if (!lacking)
        return true;
    const char *place = draft->path ? draft_place(draft, NULL, -1, NULL) : draft->program->name;
    return draft_fail(draft, "%s: expected %s", place, lacking);
}

struct settings *draft_finish(struct draft *draft)
{
    struct settings *settings = draft->settings;
    if (!check_counts(draft))
        return NULL;
    for (size_t i = 0; i < draft->listener_count; i++)
        if (!check_listener(draft, i))
            return NULL;
    for (size_t i = 0; i < draft->worker_count; i++)
        if (!check_worker(draft, i))
            return NULL;
    size_t listeners_size = draft->listener_count * sizeof draft->listeners[0];
    size_t workers_size = draft->worker_count * sizeof draft->workers[0];
    settings->listeners =
        memcpy(settings_alloc(settings, listeners_size), draft->listeners, listeners_size);
    settings->workers =
        memcpy(settings_alloc(settings, workers_size), draft->workers, workers_size);
    settings->listener_count = draft->listener_count;
    settings->worker_count = draft->worker_count;
    return draft_finish_routes(draft) ? settings : NULL;
}
