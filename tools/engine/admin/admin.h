/* SPDX-License-Identifier: Apache-2.0 */
/* The admin server: what a running daemon is at, and the few things that can be changed
 * in it. libmicrohttpd in threads of its own, one a connection: the data path never waits for it,
 * and who looks does not wait for who changes something. */
#ifndef ENGINE_ADMIN_ADMIN_H
#define ENGINE_ADMIN_ADMIN_H

#include "config/overlay.h"
#include "core/generation.h"

/* What the server may ask of the engine, from its own thread. */
struct admin_host {
    void *ctx;
    const char *program;
    /* The generation in force, with one user for the caller. */
    struct generation *(*enter)(void *ctx);
    /* Likewise, and it stays in force until the end of the change, which no reload and no binary
     * upgrade forgets. NULL, and no end: an upgrade is under way. */
    struct generation *(*begin_change)(void *ctx);
    void (*end_change)(void *ctx);
    /* Read the configuration again, with one change more laid over it, which is the engine's from
     * then on; NULL: none. False, with one message in error. */
    bool (*reload)(void *ctx, struct overlay_change *change, char *error, size_t error_cap);
};

struct admin;

/* At the settings' admin, which is not null. The host must outlive the server. NULL with one
 * message in error. */
struct admin *admin_start(const struct settings *settings, const struct admin_host *host,
                          char *error, size_t error_cap);
/* A successor serves the address: no new connections. */
void admin_leave(struct admin *admin);
/* handed_down: a successor serves the address, so the Unix socket's file stays. admin may be
 * NULL, for both. */
void admin_stop(struct admin *admin, bool handed_down);

/* Bodies of answers, to be freed by the caller; NULL when memory has run out. */
char *admin_status_json(const struct admin_host *host, struct generation *g);
char *admin_metrics(const struct admin_host *host, struct generation *g);

#endif
