/* SPDX-License-Identifier: Apache-2.0 */
/* Names of message kinds, methods and attributes. */
#include "mem.h"
#include <ajp/names.h>

#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const ajp_str kind_names[] = {
    NAME("DATA"),
    {NULL, 0},
    NAME("FORWARD_REQUEST"),
    NAME("SEND_BODY_CHUNK"),
    NAME("SEND_HEADERS"),
    NAME("END_RESPONSE"),
    NAME("GET_BODY_CHUNK"),
    NAME("SHUTDOWN"),
    NAME("PING"),
    NAME("CPONG"),
    NAME("CPING"),
};

static const ajp_str method_names[AJP_METHOD_MAX + 1] = {
    {NULL, 0},          NAME("OPTIONS"),     NAME("GET"),
    NAME("HEAD"),       NAME("POST"),        NAME("PUT"),
    NAME("DELETE"),     NAME("TRACE"),       NAME("PROPFIND"),
    NAME("PROPPATCH"),  NAME("MKCOL"),       NAME("COPY"),
    NAME("MOVE"),       NAME("LOCK"),        NAME("UNLOCK"),
    NAME("ACL"),        NAME("REPORT"),      NAME("VERSION-CONTROL"),
    NAME("CHECKIN"),    NAME("CHECKOUT"),    NAME("UNCHECKOUT"),
    NAME("SEARCH"),     NAME("MKWORKSPACE"), NAME("UPDATE"),
    NAME("LABEL"),      NAME("MERGE"),       NAME("BASELINE-CONTROL"),
    NAME("MKACTIVITY"),
};

/* Indexed by method_hash, which has no collision among the 27 names. */
static const uint8_t method_by_hash[64] = {
    [5] = 14, [6] = 24,  [7] = 10,  [18] = 26, [23] = 11, [25] = 18, [29] = 2, [31] = 21, [32] = 3,
    [33] = 1, [34] = 9,  [35] = 19, [36] = 17, [38] = 5,  [40] = 4,  [44] = 6, [45] = 27, [46] = 16,
    [48] = 8, [49] = 12, [51] = 25, [55] = 15, [56] = 13, [57] = 20, [58] = 7, [61] = 23, [63] = 22,
};

static const ajp_str attr_names[AJP_ATTR_COUNT] = {
    {NULL, 0},          NAME("context"),       NAME("servlet_path"),  NAME("remote_user"),
    NAME("auth_type"),  NAME("query_string"),  NAME("jvm_route"),     NAME("ssl_cert"),
    NAME("ssl_cipher"), NAME("ssl_session"),   NAME("req_attribute"), NAME("ssl_key_size"),
    NAME("secret"),     NAME("stored_method"),
};

static unsigned method_hash(ajp_str name)
{
    const unsigned first = (uint8_t)name.ptr[0] | 0x20u;
    const unsigned last = (uint8_t)name.ptr[name.len - 1] | 0x20u;
    return ((unsigned)(2 * name.len) + first + 12 * last) % 64;
}

ajp_str ajp_kind_name(ajp_kind kind)
{
    const unsigned i = (unsigned)kind;
    return i < sizeof kind_names / sizeof kind_names[0] ? kind_names[i] : AJP_NULL;
}

ajp_str ajp_method_name(uint8_t code)
{
    return code <= AJP_METHOD_MAX ? method_names[code] : AJP_NULL;
}

uint8_t ajp_method_code(ajp_str name)
{
    if (name.len == 0) {
        return 0;
    }
    const uint8_t code = method_by_hash[method_hash(name)];
    const ajp_str known = method_names[code];
    return known.len == name.len && memcmp(known.ptr, name.ptr, name.len) == 0 ? code : 0;
}

ajp_str ajp_attr_name(ajp_attr code)
{
    return (unsigned)code < AJP_ATTR_COUNT ? attr_names[code] : AJP_NULL;
}
