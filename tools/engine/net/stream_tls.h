/* SPDX-License-Identifier: Apache-2.0 */
/* TLS under a stream. Only stream.c makes one; others may ask what is known of the peer. */
#ifndef ENGINE_NET_STREAM_TLS_H
#define ENGINE_NET_STREAM_TLS_H

#include "net/stream.h"
#include "net/tls_context.h"
#include "net/tls_facts.h"

/* Put TLS under s, which is being opened on fd. False: out of memory. */
bool stream_tls_attach(struct stream *s, struct loop *l, int fd, struct tls_context *context);
/* Give it all back; nothing happens to a plain stream. */
void stream_tls_detach(struct stream *s);

/* Of an open stream, until it is closed; NULL when it is plain. */
const struct tls_facts *stream_tls_facts(struct stream *s);

#endif
