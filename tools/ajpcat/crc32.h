/* SPDX-License-Identifier: Apache-2.0 */
/* zlib's CRC-32. */
#ifndef AJPCAT_CRC32_H
#define AJPCAT_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Starts at 0; feed the result back in to go on. */
uint32_t crc32_add(uint32_t crc, const void *bytes, size_t len);

#endif
