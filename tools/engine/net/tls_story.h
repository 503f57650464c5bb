/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of one TLS session with the memory that they lie in. */
#ifndef ENGINE_NET_TLS_STORY_H
#define ENGINE_NET_TLS_STORY_H

#include "net/tls_facts.h"

struct ssl_st;

struct tls_story {
    struct tls_facts facts;
    char text[]; /* session id, then the client's certificate */
};

/* After the handshake. One free() takes it all; NULL: out of memory. */
struct tls_story *tls_story_of(struct ssl_st *ssl);

#endif
