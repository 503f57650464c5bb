/* SPDX-License-Identifier: Apache-2.0 */
/* Coded header names of both directions, and their look-up: one hash of length,
 * first and last letter, then one comparison. */
#include "header_names.h"

#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

const ajp_str ajp_in_req_header_names[AJP_REQ_HEADER_COUNT] = {
    {NULL, 0},
    NAME("accept"),
    NAME("accept-charset"),
    NAME("accept-encoding"),
    NAME("accept-language"),
    NAME("authorization"),
    NAME("connection"),
    NAME("content-type"),
    NAME("content-length"),
    NAME("cookie"),
    NAME("cookie2"),
    NAME("host"),
    NAME("pragma"),
    NAME("referer"),
    NAME("user-agent"),
};

const ajp_str ajp_in_res_header_names[AJP_RES_HEADER_COUNT] = {
    {NULL, 0},           NAME("Content-Type"),   NAME("Content-Language"), NAME("Content-Length"),
    NAME("Date"),        NAME("Last-Modified"),  NAME("Location"),         NAME("Set-Cookie"),
    NAME("Set-Cookie2"), NAME("Servlet-Engine"), NAME("Status"),           NAME("WWW-Authenticate"),
};

const uint8_t ajp_in_req_by_hash[32] = {
    [1] = 8,   [7] = 14, [9] = 6,   [10] = 5, [14] = 10, [15] = 1,  [19] = 9,
    [20] = 11, [23] = 2, [24] = 12, [25] = 7, [26] = 4,  [29] = 13, [30] = 3,
};
const uint8_t ajp_in_res_by_hash[32] = {
    [1] = 9,  [3] = 2,  [9] = 5,  [11] = 11, [19] = 8, [23] = 10,
    [25] = 4, [28] = 3, [29] = 7, [30] = 6,  [31] = 1,
};

#define PLACE(letter) ((letter) % 32)
const uint32_t ajp_in_req_lengths[32] = {
    [PLACE('a')] = 1u << 6 | 1u << 13 | 1u << 14 | 1u << 15,
    [PLACE('c')] = 1u << 6 | 1u << 7 | 1u << 10 | 1u << 12 | 1u << 14,
    [PLACE('h')] = 1u << 4,
    [PLACE('p')] = 1u << 6,
    [PLACE('r')] = 1u << 7,
    [PLACE('t')] = 1u << 17,
    [PLACE('u')] = 1u << 10,
};
const uint32_t ajp_in_res_lengths[32] = {
    [PLACE('c')] = 1u << 12 | 1u << 14 | 1u << 16,
    [PLACE('d')] = 1u << 4,
    [PLACE('l')] = 1u << 8 | 1u << 13,
    [PLACE('s')] = 1u << 6 | 1u << 10 | 1u << 11 | 1u << 14,
    [PLACE('w')] = 1u << 16,
};

ajp_str ajp_req_header_name(ajp_req_header code)
{
    return (unsigned)code < AJP_REQ_HEADER_COUNT ? ajp_in_req_header_names[code] : AJP_NULL;
}

ajp_req_header ajp_req_header_code(ajp_str name)
{
    return name.len > 0 ? (ajp_req_header)req_code_of(name) : AJP_REQ_LITERAL;
}

ajp_str ajp_res_header_name(ajp_res_header code)
{
    return (unsigned)code < AJP_RES_HEADER_COUNT ? ajp_in_res_header_names[code] : AJP_NULL;
}

ajp_res_header ajp_res_header_code(ajp_str name)
{
    return name.len > 0 ? (ajp_res_header)res_code_of(name) : AJP_RES_LITERAL;
}
