/* SPDX-License-Identifier: Apache-2.0 */
/* All that libajp takes from a C library, declared here so that it also builds
 * freestanding. */
#ifndef AJP_MEM_H
#define AJP_MEM_H
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);
void *memchr(const void *in, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
