/* SPDX-License-Identifier: Apache-2.0 */
/* What speaks where AJP was expected. */
#ifndef AJPCAT_SPEECH_H
#define AJPCAT_SPEECH_H

#include <stddef.h>
#include <stdint.h>

/* By the first bytes of a stream: "HTTP", "HTTP/2", "TLS", ... or NULL. */
const char *speech_of(const uint8_t *p, size_t len);

/* A PROXY head (version 1 or 2), which a load balancer puts in front: its length, 0 when p is not
 * the beginning of one, SIZE_MAX when more bytes are needed. */
size_t speech_proxy_head(const uint8_t *p, size_t len);

#endif
