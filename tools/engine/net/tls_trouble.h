/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong between two TLS sides, and what to do about it, in words. */
#ifndef ENGINE_NET_TLS_TROUBLE_H
#define ENGINE_NET_TLS_TROUBLE_H

#include "base/log.h"

struct ssl_st;
struct tls_context;

struct tls_trouble {
    const char *reason; /* constant text, as are the others */
    const char *detail; /* of a certificate that was not accepted; NULL: none */
    const char *hint;   /* what to do; NULL: nothing is known to help */
    bool cut;           /* the peer went away without a word */
};

/* After a call on ssl that failed for good: from OpenSSL's queue, which is emptied, or from
 * system_error where that is empty. server: the side that we are. */
struct tls_trouble tls_trouble_of(struct ssl_st *ssl, bool server, int system_error);

/* Names the listener or worker of context, and the peer of fd. */
void tls_trouble_log(const struct tls_trouble *t, enum log_level level,
                     const struct tls_context *context, int fd);

#endif
