/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and lookups shared by decoder and writer; index 0 is a null view. */
#ifndef AJP_HEADER_NAMES_H
#define AJP_HEADER_NAMES_H
#include "mem.h"
#include "number.h"
#include <ajp/names.h>

extern const ajp_str ajp_in_req_header_names[AJP_REQ_HEADER_COUNT];
extern const ajp_str ajp_in_res_header_names[AJP_RES_HEADER_COUNT];

/* Indexed by a hash in which no two coded names of one direction share a slot. */
extern const uint8_t ajp_in_req_by_hash[32], ajp_in_res_by_hash[32];

/* Bit n is set for each of their names, and for transfer-encoding in a request, of length n;
 * indexed by the first letter's place in the alphabet. */
extern const uint32_t ajp_in_req_lengths[32], ajp_in_res_lengths[32];

/* A length word with this high byte, in the place of a name, is a header code. */
enum { HEADER_CODE = 0xa000 };

/* Four or eight letters, digits and dashes at once: a known name's letters have
 * bit 0x40, and their case is bit 0x20; its other bytes must be the very same. */
static inline bool same4(const char *known, const char *name)
{
    uint32_t k, n;
    memcpy(&k, known, sizeof k);
    memcpy(&n, name, sizeof n);
    const uint32_t fold = (k & 0x40404040u) >> 1;
    return (k | fold) == (n | fold);
}

static inline bool same8(const char *known, const char *name)
{
    uint64_t k, n;
    memcpy(&k, known, sizeof k);
    memcpy(&n, name, sizeof n);
    const uint64_t fold = (k & 0x4040404040404040u) >> 1;
    return (k | fold) == (n | fold);
}

/* Comparison without case of a known name, of 4 to 16 bytes, with any. */
static inline bool is_name(ajp_str known, ajp_str name)
{
    const size_t n = name.len;
    if (known.len != n) {
        return false;
    }
    return n < 8 ? same4(known.ptr, name.ptr) && same4(known.ptr + n - 4, name.ptr + n - 4)
                 : same8(known.ptr, name.ptr) && same8(known.ptr + n - 8, name.ptr + n - 8);
}

static inline unsigned first_of(ajp_str name)
{
    return (uint8_t)name.ptr[0] | 0x20u;
}

static inline unsigned last_of(ajp_str name)
{
    return (uint8_t)name.ptr[name.len - 1] | 0x20u;
}

/* The code of a name that is not empty, or 0. */
static inline unsigned req_code_of(ajp_str name)
{
    const size_t slot = (name.len + first_of(name) + 2 * last_of(name)) % 32;
    const unsigned code = ajp_in_req_by_hash[slot];
    return is_name(ajp_in_req_header_names[code], name) ? code : 0;
}

static inline unsigned res_code_of(ajp_str name)
{
    const size_t slot = (name.len + 2 * first_of(name) + 9 * last_of(name)) % 32;
    const unsigned code = ajp_in_res_by_hash[slot];
    return is_name(ajp_in_res_header_names[code], name) ? code : 0;
}

static inline bool is_transfer_encoding(ajp_str name)
{
    static const char known[] = "transfer-encoding";
    return name.len == sizeof known - 1 && same8(known, name.ptr) &&
           same8(known + 8, name.ptr + 8) && same8(known + 9, name.ptr + 9);
}

#endif
