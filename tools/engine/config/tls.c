/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS needs of the settings, and the contexts made of it. */
#include "config/tls.h"

#include "net/tls_context.h"

#include <stdio.h>
#include <string.h>

/* A key and what was set for it. */
struct file {
    const char *key;
    ajp_str value;
};

static bool blame_it(struct tls_blame *blame, const char *key, const char *why)
{
    blame->key = key;
    snprintf(blame->why, sizeof blame->why, "%s", why);
    return false;
}

static bool none_is_set(const struct file *files, size_t count, struct tls_blame *blame,
                        const char *why)
{
    for (size_t i = 0; i < count; i++)
        if (files[i].value.ptr)
            return blame_it(blame, files[i].key, why);
    return true;
}

static bool make(struct settings *settings, const struct tls_options *options,
                 struct tls_context **out, struct tls_blame *blame)
{
    struct tls_context *context =
        tls_context_new(options, &blame->key, blame->why, sizeof blame->why);
    if (!context)
        return false;
    context->next = settings->tls_contexts;
    settings->tls_contexts = context;
    *out = context;
    return true;
}

static bool plain_listener(const struct listener_settings *l, struct tls_blame *blame)
{
    const struct file files[] = {
        {"certificate", l->certificate},
        {"key", l->key},
        {"client_ca", l->client_ca},
        {"more_certificates", l->more_certificates.count ? l->more_certificates.at[0] : AJP_NULL}};
    return none_is_set(files, sizeof files / sizeof *files, blame,
                       l->proto == PROTO_AJP ? "expected ajps:// in url beside it"
                                             : "expected https:// in url beside it");
}

bool tls_for_listener(struct settings *settings, struct listener_settings *listener,
                      bool verify_given, struct tls_blame *blame)
{
    if (!listener->secure)
        return plain_listener(listener, blame);
    if (!listener->certificate.ptr)
        return blame_it(blame, NULL, "expected certificate, the PEM file of this TLS listener");
    if (!verify_given && listener->client_ca.ptr)
        listener->client_verify = CLIENT_VERIFY_REQUIRE;
    if (listener->client_verify != CLIENT_VERIFY_NONE && !listener->client_ca.ptr)
        return blame_it(blame, "client_verify",
                        "expected client_ca beside it, the PEM file with the CAs of clients");
    bool six = strchr(listener->host.ptr, ':') != NULL;
    char name[300];
    snprintf(name, sizeof name, "%s://%s%s%s:%u", scheme_name(listener->proto, true),
             six ? "[" : "", listener->host.ptr, six ? "]" : "", listener->port);
    const struct tls_options options = {
        .name = name,
        .certificate = listener->certificate.ptr,
        .key = listener->key.ptr,
        .more = listener->more_certificates.at,
        .more_count = listener->more_certificates.count,
        .ca = listener->client_ca.ptr,
        .verify = (enum tls_verify)listener->client_verify,
        .alpn = listener->proto == PROTO_HTTP ? "http/1.1" : NULL,
        .handshake_ms = settings->timeouts.tls_handshake,
        .ktls = settings->ktls,
        .server = true,
    };
    if (make(settings, &options, &listener->tls, blame))
        return true;
    if (blame->key && strcmp(blame->key, "ca") == 0)
        blame->key = "client_ca";
    if (blame->key && strcmp(blame->key, "more") == 0)
        blame->key = "more_certificates";
    return false;
}

bool tls_for_worker(struct settings *settings, struct worker_settings *worker,
                    struct tls_blame *blame)
{
    const struct file files[] = {{"ca", worker->ca},
                                 {"server_name", worker->server_name},
                                 {"certificate", worker->certificate},
                                 {"key", worker->key}};
    if (!worker->secure)
        return none_is_set(files, sizeof files / sizeof *files, blame,
                           "expected ajps:// in url beside it");
    if (worker->key.ptr && !worker->certificate.ptr)
        return blame_it(blame, "key", "expected certificate beside it");
    if (!worker->server_name.ptr)
        worker->server_name = worker->host;
    if (!worker->verify)
        log_event(LEVEL_WARN, "tls_unverified",
                  "worker=%s hint=\"anyone in between can be the worker\"", worker->name.ptr);
    const struct tls_options options = {
        .name = worker->name.ptr,
        .certificate = worker->certificate.ptr,
        .key = worker->key.ptr,
        .ca = worker->ca.ptr,
        .server_name = worker->server_name.ptr,
        .verify = worker->verify ? TLS_VERIFY_REQUIRE : TLS_VERIFY_NONE,
        .handshake_ms = settings->timeouts.tls_handshake,
        .ktls = settings->ktls,
    };
    return make(settings, &options, &worker->tls, blame);
}

bool tls_ca_is_good(ajp_str ca, bool of_clients, struct tls_blame *blame)
{
    const struct tls_options options = {.name = "ca", .ca = ca.ptr, .server = of_clients};
    if (!ca.ptr)
        return true;
    struct tls_context *context =
        tls_context_new(&options, &blame->key, blame->why, sizeof blame->why);
    tls_context_leave(context);
    return context != NULL;
}
