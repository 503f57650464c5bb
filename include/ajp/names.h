/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The names that AJP has numbers for: message kinds, methods, headers, attributes. The
 * numbers are those of Tomcat's org.apache.coyote.ajp.Constants. */
#ifndef AJP_NAMES_H
#define AJP_NAMES_H
#include <ajp/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Message kinds: the first byte of a payload. */
typedef enum ajp_kind {
    AJP_DATA = 0,            /**< request body, to the container: it has no type byte */
    AJP_FORWARD_REQUEST = 2, /**< a request, to the container */
    AJP_BODY_CHUNK = 3,      /**< response body; empty: a flush */
    AJP_SEND_HEADERS = 4,    /**< status and headers of a response */
    AJP_END_RESPONSE = 5,    /**< end of a response, and whether the connection stays */
    AJP_GET_BODY = 6,        /**< the container asks for one packet of request body */
    AJP_SHUTDOWN = 7,        /**< to the container; decoded, never acted on */
    AJP_PING = 8,            /**< to the container; obsolete, decoded, never acted on */
    AJP_CPONG = 9,           /**< answer to AJP_CPING */
    AJP_CPING = 10,          /**< to the container: are you there? */
} ajp_kind;

/** Bounds of method codes. */
enum {
    AJP_METHOD_STORED = 0xff, /**< the method stands in the attribute AJP_ATTR_STORED_METHOD */
    AJP_METHOD_MAX = 27,      /**< the highest code; 1 is OPTIONS, 2 GET, 27 MKACTIVITY */
};

/** Request headers that have a code; on the wire it is A000 (hexadecimal) and this. */
typedef enum ajp_req_header {
    AJP_REQ_LITERAL = 0,     /**< no code: the name is spelled out */
    AJP_REQ_ACCEPT,          /**< 1 accept */
    AJP_REQ_ACCEPT_CHARSET,  /**< 2 accept-charset */
    AJP_REQ_ACCEPT_ENCODING, /**< 3 accept-encoding */
    AJP_REQ_ACCEPT_LANGUAGE, /**< 4 accept-language */
    AJP_REQ_AUTHORIZATION,   /**< 5 authorization */
    AJP_REQ_CONNECTION,      /**< 6 connection */
    AJP_REQ_CONTENT_TYPE,    /**< 7 content-type */
    AJP_REQ_CONTENT_LENGTH,  /**< 8 content-length */
    AJP_REQ_COOKIE,          /**< 9 cookie */
    AJP_REQ_COOKIE2,         /**< 10 cookie2 */
    AJP_REQ_HOST,            /**< 11 host */
    AJP_REQ_PRAGMA,          /**< 12 pragma */
    AJP_REQ_REFERER,         /**< 13 referer */
    AJP_REQ_USER_AGENT,      /**< 14 user-agent */
    AJP_REQ_HEADER_COUNT     /**< one more than the highest code */
} ajp_req_header;

/** Response headers that have a code; on the wire it is A000 (hexadecimal) and this. */
typedef enum ajp_res_header {
    AJP_RES_LITERAL = 0,      /**< no code: the name is spelled out */
    AJP_RES_CONTENT_TYPE,     /**< 1 Content-Type */
    AJP_RES_CONTENT_LANGUAGE, /**< 2 Content-Language */
    AJP_RES_CONTENT_LENGTH,   /**< 3 Content-Length */
    AJP_RES_DATE,             /**< 4 Date */
    AJP_RES_LAST_MODIFIED,    /**< 5 Last-Modified */
    AJP_RES_LOCATION,         /**< 6 Location */
    AJP_RES_SET_COOKIE,       /**< 7 Set-Cookie */
    AJP_RES_SET_COOKIE2,      /**< 8 Set-Cookie2 */
    AJP_RES_SERVLET_ENGINE,   /**< 9 Servlet-Engine */
    AJP_RES_STATUS,           /**< 10 Status */
    AJP_RES_WWW_AUTHENTICATE, /**< 11 WWW-Authenticate */
    AJP_RES_HEADER_COUNT      /**< one more than the highest code */
} ajp_res_header;

/** Request attributes: a code, then one string unless something else is said. Each may
 * come once, but AJP_ATTR_NAMED as often as AJP_ATTRS_MAX allows. */
typedef enum ajp_attr {
    AJP_ATTR_CONTEXT = 1,   /**< 1 servlet context; Tomcat reads past it */
    AJP_ATTR_SERVLET_PATH,  /**< 2 servlet path; Tomcat reads past it */
    AJP_ATTR_REMOTE_USER,   /**< 3 user that the web server has authenticated */
    AJP_ATTR_AUTH_TYPE,     /**< 4 how it has */
    AJP_ATTR_QUERY_STRING,  /**< 5 query string, without '?' */
    AJP_ATTR_JVM_ROUTE,     /**< 6 route that was chosen; Tomcat reads past it */
    AJP_ATTR_SSL_CERT,      /**< 7 client certificates in PEM: the one text that may hold line
                                 ends, and that is not looked at */
    AJP_ATTR_SSL_CIPHER,    /**< 8 cipher suite */
    AJP_ATTR_SSL_SESSION,   /**< 9 TLS session id */
    AJP_ATTR_NAMED,         /**< 10 a name and a value: two strings */
    AJP_ATTR_SSL_KEY_SIZE,  /**< 11 bits of the cipher's key: an integer, not a string */
    AJP_ATTR_SECRET,        /**< 12 what a container's secret is compared with */
    AJP_ATTR_STORED_METHOD, /**< 13 the method, when its code is AJP_METHOD_STORED */
    AJP_ATTR_COUNT,         /**< one more than the highest code */
    AJP_ATTR_END = 0xff     /**< the byte that ends attributes and request */
} ajp_attr;

/** A kind's name as the specification spells it, for logs: "FORWARD_REQUEST",
 * "SEND_BODY_CHUNK". Here and below: names are of static life, and a code that is
 * unknown has the null string. */
AJP_API ajp_str ajp_kind_name(ajp_kind kind);
/** The method of a code from 1 to AJP_METHOD_MAX. */
AJP_API ajp_str ajp_method_name(uint8_t code);
/** The code of a method, 0 when it has none. Case matters, as in HTTP. */
AJP_API uint8_t ajp_method_code(ajp_str name);
/** The request header of a code, in lower case. */
AJP_API ajp_str ajp_req_header_name(ajp_req_header code);
/** The code of a request header in any case, AJP_REQ_LITERAL when it has none. */
AJP_API ajp_req_header ajp_req_header_code(ajp_str name);
/** The response header of a code, spelled as servlet containers do. */
AJP_API ajp_str ajp_res_header_name(ajp_res_header code);
/** The code of a response header in any case, AJP_RES_LITERAL when it has none. */
AJP_API ajp_res_header ajp_res_header_code(ajp_str name);
/** An attribute's name for logs: "query_string". Not a name for AJP_ATTR_NAMED: Undertow
 * takes those thirteen for the coded attributes. */
AJP_API ajp_str ajp_attr_name(ajp_attr code);

#ifdef __cplusplus
}
#endif
#endif
