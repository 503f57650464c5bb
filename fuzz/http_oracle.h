/* SPDX-License-Identifier: Apache-2.0 */
/* A second opinion on HTTP/1 from libhttp-parser; without it these do nothing. */
#ifndef FUZZ_HTTP_ORACLE_H
#define FUZZ_HTTP_ORACLE_H

#include "http/head.h"

/* Abort unless http-parser accepts in[0..used) too, and reads the same method, target, framing,
 * persistence, and all fields of h in their order. Methods that it does not know are let be. */
void oracle_head(const struct head *h, const uint8_t *in, size_t used);

/* Abort unless http-parser reads the same body from the same chunks. */
void oracle_chunks(const uint8_t *in, size_t used, const uint8_t *body, size_t n);

#endif
