/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, sockets and secrets as every subcommand needs them. */
#ifndef AJPCAT_NET_H
#define AJPCAT_NET_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* ajp://HOST:PORT/PATH taken apart. The path keeps its query; "/" when there is none. */
struct url {
    char host[256];
    char port[8];
    const char *path; /* inside the text that was parsed, or a literal */
    bool tls;         /* ajps:// */
};

/* Accepts ajp://HOST[:PORT][/PATH], ajps://..., HOST:PORT and [IPV6]:PORT. On failure *why says
 * what was expected. */
bool url_parse(const char *s, struct url *out, const char **why);

struct address {
    struct sockaddr_storage at;
    socklen_t len;
};

enum { ADDRESS_TEXT = 64 };
void address_format(const struct address *a, char out[ADDRESS_TEXT]); /* "[::1]:8009" */

/* A name may have several addresses, of which but one is listened at: often ::1 and 127.0.0.1. */
enum { ADDRESSES = 8 };

/* Those of the name, the first ones. 0: *why is the reason. */
size_t url_addresses(const struct url *u, bool passive, struct address out[ADDRESSES],
                     const char **why);
/* The first of them. On failure *why is the reason. */
bool url_resolve(const struct url *u, bool passive, struct address *out, const char **why);
/* Where there are several, the first that takes a connection now, if one does. */
bool url_find(const struct url *u, struct address *out, const char **why);

/* A non-blocking listening socket that others may share the port of; -1 with errno. Sets the
 * port in *a when it was 0. */
int net_listen(struct address *a);

/* A blocking connection within ms milliseconds (-1: for ever); -1 with errno, ETIMEDOUT among
 * them. */
int net_connect(const struct address *a, int ms);

/* The same to the first of the name's addresses that takes it; *why, if set, tells of the name. */
int url_connect(const struct url *u, int ms, const char **why);

/* Seconds of a clock that only runs forward. */
double now_seconds(void);
uint64_t now_ns(void);

/* The secret: from the file, else from AJP_SECRET, else none (empty text). False: the file
 * could not be read, *why says so. */
bool secret_load(const char *file, struct text *out, const char **why);

#endif
