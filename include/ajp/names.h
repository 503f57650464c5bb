/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AJP_NAMES_H
#define AJP_NAMES_H
#include <ajp/base.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef enum ajp_kind {
    AJP_DATA = 0, /* request body: the one message without a type byte */
    AJP_FORWARD_REQUEST = 2,
    AJP_BODY_CHUNK = 3,
    AJP_SEND_HEADERS = 4,
    AJP_END_RESPONSE = 5,
    AJP_GET_BODY = 6,
    AJP_SHUTDOWN = 7,
    AJP_PING = 8,
    AJP_CPONG = 9,
    AJP_CPING = 10,
} ajp_kind;

enum { AJP_METHOD_STORED = 0xff, AJP_METHOD_MAX = 27 };

typedef enum ajp_req_header {
    AJP_REQ_LITERAL = 0,
    AJP_REQ_ACCEPT, AJP_REQ_ACCEPT_CHARSET, AJP_REQ_ACCEPT_ENCODING,
    AJP_REQ_ACCEPT_LANGUAGE, AJP_REQ_AUTHORIZATION, AJP_REQ_CONNECTION,
    AJP_REQ_CONTENT_TYPE, AJP_REQ_CONTENT_LENGTH, AJP_REQ_COOKIE,
    AJP_REQ_COOKIE2, AJP_REQ_HOST, AJP_REQ_PRAGMA, AJP_REQ_REFERER,
    AJP_REQ_USER_AGENT,
    AJP_REQ_HEADER_COUNT
} ajp_req_header;

typedef enum ajp_res_header {
    AJP_RES_LITERAL = 0,
    AJP_RES_CONTENT_TYPE, AJP_RES_CONTENT_LANGUAGE, AJP_RES_CONTENT_LENGTH,
    AJP_RES_DATE, AJP_RES_LAST_MODIFIED, AJP_RES_LOCATION, AJP_RES_SET_COOKIE,
    AJP_RES_SET_COOKIE2, AJP_RES_SERVLET_ENGINE, AJP_RES_STATUS,
    AJP_RES_WWW_AUTHENTICATE,
    AJP_RES_HEADER_COUNT
} ajp_res_header;

typedef enum ajp_attr {
    AJP_ATTR_CONTEXT = 1, AJP_ATTR_SERVLET_PATH, AJP_ATTR_REMOTE_USER,
    AJP_ATTR_AUTH_TYPE, AJP_ATTR_QUERY_STRING, AJP_ATTR_JVM_ROUTE,
    AJP_ATTR_SSL_CERT, AJP_ATTR_SSL_CIPHER, AJP_ATTR_SSL_SESSION,
    AJP_ATTR_NAMED,        /* a name and a value */
    AJP_ATTR_SSL_KEY_SIZE, /* an integer, not a string */
    AJP_ATTR_SECRET, AJP_ATTR_STORED_METHOD,
    AJP_ATTR_COUNT,
    AJP_ATTR_END = 0xff
} ajp_attr;

/* code -> name: a null view when the code is unknown.
 * name -> code: 0 when the name has no code. Header names compare without
 * case, methods with it, as in HTTP. */
AJP_API ajp_str ajp_kind_name(ajp_kind kind);
AJP_API ajp_str ajp_method_name(uint8_t code);
AJP_API uint8_t ajp_method_code(ajp_str name);
AJP_API ajp_str ajp_req_header_name(ajp_req_header code);
AJP_API ajp_req_header ajp_req_header_code(ajp_str name);
AJP_API ajp_str ajp_res_header_name(ajp_res_header code);
AJP_API ajp_res_header ajp_res_header_code(ajp_str name);
AJP_API ajp_str ajp_attr_name(ajp_attr code);

#ifdef __cplusplus
}
#endif
#endif
