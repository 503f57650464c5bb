/* SPDX-License-Identifier: Apache-2.0 */
/* ajps://: who we are and whom we trust, and TLS on a socket that somebody else waits for. */
#ifndef AJPCAT_SECURE_H
#define AJPCAT_SECURE_H

#include "args.h"
#include "text.h"

#include <sys/types.h>

struct secure_options {
    const char *ca, *server_name, *certificate, *key;
    bool insecure;
};

/* Options of all that connect; they lie behind each other in the tables. */
enum secure_option {
    SECURE_CA,
    SECURE_SERVER_NAME,
    SECURE_CERTIFICATE,
    SECURE_KEY,
    SECURE_INSECURE,
    SECURE_OPTIONS
};

/* clang-format off */
#define SECURE_ARGS(first) \
    [(first) + SECURE_CA] = {0, "tls-ca", "FILE", "ajps: who signs the server's certificate; else the system's CAs"}, \
    [(first) + SECURE_SERVER_NAME] = {0, "tls-server-name", "NAME", "ajps: what stands in it; else the host"}, \
    [(first) + SECURE_CERTIFICATE] = {0, "tls-certificate", "FILE", "ajps: show this certificate"}, \
    [(first) + SECURE_KEY] = {0, "tls-key", "FILE", "ajps: its key"}, \
    [(first) + SECURE_INSECURE] = {'k', "insecure", NULL, "ajps: take any certificate"}
/* clang-format on */

void secure_option(struct secure_options *o, enum secure_option option, const char *value);

/* One side of many connections, which threads may share. */
struct tls_context;

/* Towards host. NULL with the reason in why, as below. */
struct tls_context *secure_client(const struct secure_options *o, const char *host,
                                  struct text *why);
/* A listener with a certificate; with a ca it wants one of its clients too. name: in messages. */
struct tls_context *secure_server(const struct secure_options *o, const char *name,
                                  struct text *why);
void secure_leave(struct tls_context *side); /* NULL is fine */

struct secure;

/* On a connected socket, which no longer blocks then. The side may be left before. NULL: no memory.
 */
struct secure *secure_new(struct tls_context *side, int fd);
void secure_free(struct secure *s);

/* 0: the handshake is over. POLLIN or POLLOUT: wait for that, then call again. Below 0: it failed,
 * secure_why says why. */
int secure_shake(struct secure *s);
/* As recv and send: EAGAIN when it is to be waited; EPROTO: ask secure_why. */
ssize_t secure_recv(struct secure *s, void *to, size_t cap);
ssize_t secure_send(struct secure *s, const void *from, size_t len);
/* True when a read finds something without the socket's help. */
bool secure_holds(const struct secure *s);
/* Tells the peer that no more comes. */
void secure_end(struct secure *s);
const char *secure_why(const struct secure *s);

#endif
