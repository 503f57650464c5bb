/* SPDX-License-Identifier: Apache-2.0 */
/* Name look-ups against a plain search through the names. */
#include "check.h"
#include <strings.h>

static bool same_caseless(ajp_str a, ajp_str b)
{
    return a.len == b.len && memchr(a.ptr, 0, a.len) == NULL &&
           strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ajp_str name = ajp_str_of((const char *)data, size);
    int method = 0, request = 0, response = 0;
    for (int i = 1; i <= AJP_METHOD_MAX; i++) {
        method = same_str(name, ajp_method_name((uint8_t)i)) ? i : method;
    }
    for (int i = 1; i < AJP_REQ_HEADER_COUNT; i++) {
        request = same_caseless(name, ajp_req_header_name((ajp_req_header)i)) ? i : request;
    }
    for (int i = 1; i < AJP_RES_HEADER_COUNT; i++) {
        response = same_caseless(name, ajp_res_header_name((ajp_res_header)i)) ? i : response;
    }
    CHECK(ajp_method_code(name) == method);
    CHECK((int)ajp_req_header_code(name) == request);
    CHECK((int)ajp_res_header_code(name) == response);
    return 0;
}
