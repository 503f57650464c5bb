/* SPDX-License-Identifier: Apache-2.0 */
/* What only shows when all is there: what lacks, what does not go together. An entry of which a
 * value was refused is not blamed for what follows from that. */
#include "base/nearest.h"
#include "config/draft.h"
#include "config/settings_build.h"
#include "config/tls.h"
#include "config/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const char *const secret_keys[] = {"secret_file",     "secret_env", "secret_next_file",
                                          "secret_next_env", "client_ca",  "client_verify",
                                          "allow_no_secret", NULL};

static const char *const listener_tls_keys[] = {
    "certificate", "key", "client_ca", "client_verify", "more_certificates", NULL};

static const char *const worker_tls_keys[] = {"ca", "server_name", "certificate", "key", NULL};

static bool refused(const struct draft_notes *notes, const struct setting_table *table,
                    const char *key)
{
    return notes->refused[table_row_of(table, key)];
}

static bool any_refused(const struct draft_notes *notes, const struct setting_table *table,
                        const char *const *keys)
{
    for (; *keys; keys++)
        if (refused(notes, table, *keys))
            return true;
    return false;
}

static bool same_text(ajp_str a, ajp_str b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* --- listeners --- */

struct address {
    int family; /* 0: a name */
    bool any;
    unsigned char bytes[16];
};

static struct address address_of(ajp_str host)
{
    struct address address = {0};
    if (inet_pton(AF_INET, host.ptr, address.bytes) == 1)
        address.family = AF_INET;
    else if (inet_pton(AF_INET6, host.ptr, address.bytes) == 1)
        address.family = AF_INET6;
    address.any = address.family && !address.bytes[0] &&
                  memcmp(address.bytes, address.bytes + 1, sizeof address.bytes - 1) == 0;
    return address;
}

/* Only one of them could be bound. */
static bool collide(const struct listener_settings *a, const struct listener_settings *b)
{
    if (a->port != b->port || a->port == 0)
        return false;
    struct address x = address_of(a->host), y = address_of(b->host);
    if (!x.family || !y.family)
        return same_text(a->host, b->host);
    return x.family == y.family &&
           (x.any || y.any || memcmp(x.bytes, y.bytes, sizeof x.bytes) == 0);
}

static void check_address(struct draft *draft, size_t at)
{
    const struct listener_settings *listener = &draft->listeners[at];
    for (size_t i = 0; i < at; i++) {
        const struct listener_settings *other = &draft->listeners[i];
        if (!other->host.ptr || !collide(other, listener))
            continue;
        draft_blame_entry(draft, &draft->listener_notes[at], "listen", "url",
                          "expected an address of its own, %s:%u is taken by the entry with %s:%u",
                          listener->host.ptr, listener->port, other->host.ptr, other->port);
        return;
    }
}

static bool edits_attributes(const struct attribute_policy *policy)
{
    return policy->deny.count + policy->rename.count + policy->add.count > 0;
}

static void check_trust(struct draft *draft, size_t at)
{
    struct listener_settings *listener = &draft->listeners[at];
    const struct draft_notes *notes = &draft->listener_notes[at];
    bool loopback = url_is_loopback(listener->host);
    bool secret = listener->secret.len > 0;
    bool mutual = listener->secure && listener->client_verify == CLIENT_VERIFY_REQUIRE;
    bool doubtful = any_refused(notes, &table_listener, secret_keys);
    if (!secret && listener->secret_next.len > 0 && !doubtful)
        draft_blame_entry(draft, notes, "listen", NULL,
                          "expected secret_file or secret_env beside the next secret");
    if (listener->proto == PROTO_AJP && !loopback && !secret && !mutual &&
        !listener->allow_no_secret && !doubtful)
        draft_blame_entry(
            draft, notes, "listen", "url",
            "expected a secret (secret_file, secret_env), client certificates (ajps://, "
            "client_ca) or allow_no_secret, since AJP off loopback lets anyone claim any identity");
    if (!notes->given[table_row_of(&table_listener, "trust_identity")])
        listener->trust_identity =
            secret || loopback || mutual || listener->trust_identity_from.count > 0;
}

static void check_listener_tls(struct draft *draft, size_t at)
{
    struct listener_settings *listener = &draft->listeners[at];
    const struct draft_notes *notes = &draft->listener_notes[at];
    bool verify_given = notes->given[table_row_of(&table_listener, "client_verify")] != NULL;
    struct tls_blame blame = {0}, other = {0};
    if (tls_for_listener(draft->settings, listener, verify_given, &blame))
        return;
    draft_blame_entry(draft, notes, "listen", blame.key, "%s", blame.why);
    if (listener->secure && blame.key && strcmp(blame.key, "client_ca") != 0 &&
        !tls_ca_is_good(listener->client_ca, true, &other))
        draft_blame_entry(draft, notes, "listen", "client_ca", "%s", other.why);
}

static void check_listener(struct draft *draft, size_t at)
{
    struct listener_settings *listener = &draft->listeners[at];
    const struct draft_notes *notes = &draft->listener_notes[at];
    if (!listener->host.ptr) {
        if (!refused(notes, &table_listener, "url"))
            draft_blame_entry(draft, notes, "listen", NULL,
                              "expected url, the address to listen on");
        return;
    }
    check_address(draft, at);
    if (!any_refused(notes, &table_listener, listener_tls_keys))
        check_listener_tls(draft, at);
    check_trust(draft, at);
    listener->attributes.edits = edits_attributes(&listener->attributes);
    if (listener->packet_size == 0)
        listener->packet_size = draft->settings->packet_size;
}

/* --- workers --- */

static const struct worker_settings *named_worker(const struct draft *draft, ajp_str name,
                                                  size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (draft->workers[i].name.ptr && same_text(draft->workers[i].name, name))
            return &draft->workers[i];
    return NULL;
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

const char *draft_nearest_worker(struct draft *draft, const char *name)
{
    char text[100];
    struct nearest nearest = nearest_to(name);
    for (size_t i = 0; i < draft->worker_count; i++)
        if (draft->workers[i].name.ptr)
            nearest_try(&nearest, draft->workers[i].name.ptr);
    if (!nearest.found)
        return "";
    snprintf(text, sizeof text, ", did you mean \"%s\"?", nearest.found);
    return settings_text(draft->settings, ajp_str_of(text, strlen(text))).ptr;
}

static void check_names(struct draft *draft, size_t at)
{
    struct worker_settings *worker = &draft->workers[at];
    const struct draft_notes *notes = &draft->worker_notes[at];
    if (!worker->name.ptr && !refused(notes, &table_worker, "name"))
        draft_blame_entry(draft, notes, "workers", NULL,
                          "expected name, the JVM route of the worker");
    if (!worker->host.ptr && !refused(notes, &table_worker, "url"))
        draft_blame_entry(draft, notes, "workers", NULL, "expected url, the address of worker%s%s",
                          worker->name.ptr ? " " : "", worker->name.ptr ? worker->name.ptr : "");
    if (worker->name.ptr && named_worker(draft, worker->name, at))
        draft_blame_entry(draft, notes, "workers", "name",
                          "expected a name of its own, got \"%s\" twice", worker->name.ptr);
    for (size_t i = 0; i < worker->aliases.count; i++)
        if (!alias_is_free(draft, at, i))
            draft_blame_entry(draft, notes, "workers", "aliases",
                              "expected routes that lead to one worker, got \"%s\" twice",
                              worker->aliases.at[i].ptr);
    if (worker->redirect.ptr && overlay_removes(draft->overlay, worker->redirect.ptr))
        worker->redirect = AJP_NULL;
    if (worker->redirect.ptr && !draft->workers_refused &&
        !named_worker(draft, worker->redirect, draft->worker_count))
        draft_blame_entry(draft, notes, "workers", "redirect",
                          "expected the name of a worker, got \"%s\"%s", worker->redirect.ptr,
                          draft_nearest_worker(draft, worker->redirect.ptr));
}

static void check_idle(struct draft *draft, size_t at)
{
    const struct worker_settings *worker = &draft->workers[at];
    const struct draft_notes *notes = &draft->worker_notes[at];
    if (worker->max_idle != 0 && worker->min_idle > worker->max_idle)
        draft_blame_entry(draft, notes, "workers", "min_idle",
                          "expected at most max_idle, %u, got %u", worker->max_idle,
                          worker->min_idle);
    if (worker->max_connections != 0 && worker->min_idle > worker->max_connections)
        draft_blame_entry(draft, notes, "workers", "min_idle",
                          "expected at most max_connections, %u, got %u", worker->max_connections,
                          worker->min_idle);
}

static void check_worker_tls(struct draft *draft, size_t at)
{
    struct worker_settings *worker = &draft->workers[at];
    const struct draft_notes *notes = &draft->worker_notes[at];
    struct tls_blame blame = {0}, other = {0};
    if (tls_for_worker(draft->settings, worker, &blame))
        return;
    draft_blame_entry(draft, notes, "workers", blame.key, "%s", blame.why);
    if (worker->secure && blame.key && strcmp(blame.key, "ca") != 0 &&
        !tls_ca_is_good(worker->ca, false, &other))
        draft_blame_entry(draft, notes, "workers", "ca", "%s", other.why);
}

static void check_worker(struct draft *draft, size_t at)
{
    struct worker_settings *worker = &draft->workers[at];
    const struct draft_notes *notes = &draft->worker_notes[at];
    check_names(draft, at);
    check_idle(draft, at);
    if (worker->name.ptr && worker->host.ptr && !any_refused(notes, &table_worker, worker_tls_keys))
        check_worker_tls(draft, at);
    worker->attributes.edits =
        edits_attributes(&worker->attributes) || worker->attributes.allow.count > 0;
    if (worker->packet_size == 0)
        worker->packet_size = draft->settings->packet_size;
}

/* --- the whole --- */

static void lacks(struct draft *draft, const char *what)
{
    if (draft->path)
        draft_blame(draft, NULL, -1, NULL, "expected %s", what);
    else
        draft_fail(draft, NULL, "expected %s", what);
}

static void check_counts(struct draft *draft)
{
    bool http = draft->program->listen_protos >> PROTO_HTTP & 1;
    if (draft->listener_count == 0 && !draft->listen_refused)
        lacks(draft, http ? "a listener: listen in the file, or --listen http://HOST:PORT"
                          : "a listener: listen in the file, or --listen ajp://HOST:PORT");
    if (draft->worker_count == 0 && !draft->workers_refused)
        lacks(draft, "a worker: workers in the file, or --worker NAME=ajp://HOST:PORT");
}

static void note_refused_names(struct draft *draft)
{
    for (size_t i = 0; i < draft->worker_count; i++)
        draft->workers_refused |= refused(&draft->worker_notes[i], &table_worker, "name");
}

struct settings *draft_finish(struct draft *draft)
{
    struct settings *settings = draft->settings;
    check_counts(draft);
    note_refused_names(draft);
    for (size_t i = 0; i < draft->listener_count; i++)
        check_listener(draft, i);
    for (size_t i = 0; i < draft->worker_count; i++)
        check_worker(draft, i);
    size_t listeners_size = draft->listener_count * sizeof draft->listeners[0];
    size_t workers_size = draft->worker_count * sizeof draft->workers[0];
    struct listener_settings *listeners = settings_alloc(settings, listeners_size);
    struct worker_settings *workers = settings_alloc(settings, workers_size);
    if (!listeners || !workers)
        return NULL;
    settings->listeners = memcpy(listeners, draft->listeners, listeners_size);
    settings->workers = memcpy(workers, draft->workers, workers_size);
    settings->listener_count = draft->listener_count;
    settings->worker_count = draft->worker_count;
    draft_finish_routes(draft);
    return draft->mistake_count == 0 && !settings->no_memory ? settings : NULL;
}
