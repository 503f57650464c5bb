/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, trust and policy of one listener, or of the connections to one worker.
 * Made once, then shared by all threads. */
#ifndef ENGINE_NET_TLS_CONTEXT_H
#define ENGINE_NET_TLS_CONTEXT_H

#include <ajp/base.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the client's certificate on a listener; of the worker's on a worker (none or require). */
enum tls_verify {
    TLS_VERIFY_NONE,
    TLS_VERIFY_OPTIONAL, /* none is fine, a bad one is not */
    TLS_VERIFY_REQUIRE,
};

struct tls_options {
    const char *name;        /* in messages: the listener's URL, the worker's name */
    const char *certificate; /* PEM file with the chain, own certificate first */
    const char *key;         /* PEM file; NULL: in the certificate's file */
    const ajp_str *more;     /* of a listener: PEM files with chain and key, for other names */
    size_t more_count;
    const char *ca;          /* PEM file with who is trusted; NULL: the system's, for workers */
    const char *server_name; /* that a worker's certificate must hold: name or address */
    const char *alpn;        /* of a listener; NULL: none */
    enum tls_verify verify;
    uint32_t handshake_ms; /* 0: five seconds */
    bool server;
    bool ktls; /* let the kernel encrypt, where it can */
};

struct tls_context {
    struct tls_context *next; /* the owner's */
    _Atomic uint32_t users;   /* connections outlive the settings that they began under */
    struct ssl_ctx_st *ssl;
    struct ssl_ctx_st **more; /* the same with other certificates, chosen by the client's SNI */
    size_t more_count;
    char *name, *server_name;
    _Atomic(struct ssl_session_st *) session; /* of a worker: to resume, taken by its next user */
    uint32_t handshake_ms;
    bool server;
    bool address; /* server_name is an IP address */
};

/* Texts are copied. NULL with what was expected in why, and in key the member of
 * tls_options that is to blame, by its name ("certificate"). */
struct tls_context *tls_context_new(const struct tls_options *options, const char **key, char *why,
                                    size_t why_cap);
/* Its maker is its first user. */
struct tls_context *tls_context_enter(struct tls_context *context);
/* The last to leave frees it. NULL is fine. */
void tls_context_leave(struct tls_context *context);

/* A connection's state with the context's settings, its handshake not begun. NULL: no memory. */
struct ssl_st *tls_context_connection(struct tls_context *context, int fd);

#endif
