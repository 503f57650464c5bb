/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Session ids in a request, and the route in a session id. All results are views. */
#ifndef AJP_ROUTE_H
#define AJP_ROUTE_H
#include <ajp/decode.h>
#ifdef __cplusplus
extern "C" {
#endif

/** One pair of a Cookie header. */
typedef struct ajp_cookie {
    ajp_str name;  /**< never empty */
    ajp_str value; /**< blanks and quotes around it removed; may be empty */
} ajp_cookie;

/** The rest of a Cookie header. Fields are private. */
typedef struct ajp_cookies {
    const char *p;   /**< where the next pair starts */
    const char *end; /**< end of the header */
} ajp_cookies;

/** Begins a walk over a Cookie header's value, which may be null. */
AJP_API ajp_cookies ajp_cookies_of(ajp_str header);
/** Takes the next pair; false at the end. What has no name or no '=' is passed over. */
AJP_API bool ajp_cookie_next(ajp_cookies *it, ajp_cookie *out);

/** Value of the path parameter of that exact name: of ";jsessionid=..." up to the next
 * ';', '/', '?' or '#'. A null view when there is none. */
AJP_API ajp_str ajp_path_param(ajp_str uri, ajp_str name);
/** The route of a session id: what follows the first '.', which is Tomcat's jvmRoute. A
 * null view when there is no dot. */
AJP_API ajp_str ajp_route_of(ajp_str session_id);

/** Where a session id may be. Zero-initialised: JSESSIONID and jsessionid, as in Tomcat. */
typedef struct ajp_route_rule {
    ajp_str cookie; /**< name of the cookie; null: JSESSIONID */
    ajp_str param;  /**< name of the path parameter; null: jsessionid */
} ajp_route_rule;

/** A walk over the session ids in a request: the path parameter first, then each cookie of
 * the name, in all Cookie headers. Fields are private. */
typedef struct ajp_session_ids {
    const ajp_request *request; /**< must stay */
    ajp_route_rule rule;        /**< names looked for */
    ajp_fields fields;          /**< headers to come */
    ajp_cookies cookies;        /**< cookies to come of one header */
    uint8_t phase;              /**< where the walk is */
} ajp_session_ids;

/** Begins a walk; a null rule is the usual one. The names in the rule must stay. */
AJP_API void ajp_session_ids_init(ajp_session_ids *it, const ajp_request *r,
                                  const ajp_route_rule *rule);
/** Takes the next id, which is not empty; false at the end. */
AJP_API bool ajp_session_id_next(ajp_session_ids *it, ajp_str *id);

#ifdef __cplusplus
}
#endif
#endif
