/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AJP_ROUTE_H
#define AJP_ROUTE_H
#include <ajp/decode.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ajp_cookie {
    ajp_str name, value; /* quotes around the value removed */
} ajp_cookie;

typedef struct ajp_cookies {
    const char *p, *end;
} ajp_cookies;

AJP_API ajp_cookies ajp_cookies_of(ajp_str header);
AJP_API bool ajp_cookie_next(ajp_cookies *it, ajp_cookie *out);

AJP_API ajp_str ajp_path_param(ajp_str uri, ajp_str name); /* ";jsessionid=..." */
AJP_API ajp_str ajp_route_of(ajp_str session_id);          /* after the first '.' */

/* Where a session id may be. Zero-initialised: JSESSIONID and jsessionid. */
typedef struct ajp_route_rule {
    ajp_str cookie, param;
} ajp_route_rule;

/* Walks the ids in a request, path parameter first, then each cookie. */
typedef struct ajp_session_ids {
    const ajp_request *request;
    ajp_route_rule rule;
    ajp_fields fields;
    ajp_cookies cookies;
    uint8_t phase;
} ajp_session_ids;

AJP_API void ajp_session_ids_init(ajp_session_ids *it, const ajp_request *r,
                                  const ajp_route_rule *rule);
AJP_API bool ajp_session_id_next(ajp_session_ids *it, ajp_str *id);

#ifdef __cplusplus
}
#endif
#endif
