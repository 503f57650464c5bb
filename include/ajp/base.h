/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AJP_BASE_H
#define AJP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define AJP_API __attribute__((visibility("default")))
#define AJP_CHECK __attribute__((warn_unused_result))
#else
#define AJP_API
#define AJP_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A borrowed run of bytes. ptr == NULL is AJP's null string; len == 0 with a
 * non-NULL ptr is the empty string. Views produced by a decoder are followed
 * by a NUL byte on the wire, so ptr is also a valid C string. */
typedef struct ajp_str {
    const char *ptr;
    size_t len;
} ajp_str;

static inline ajp_str ajp_str_of(const char *ptr, size_t len)
{
    ajp_str s;
    s.ptr = ptr;
    s.len = len;
    return s;
}

#define AJP_STR(literal) ajp_str_of("" literal, sizeof(literal) - 1)
#define AJP_NULL         ajp_str_of(NULL, 0)

/* Every status, once: enumerator, value, message. */
#define AJP_STATUS_MAP(X)                                            \
    X(OK, 0, "success")                                              \
    X(MORE, 1, "more input is needed")                               \
    X(ERR_MAGIC, -1, "frame does not start with an AJP magic")       \
    X(ERR_FRAME_SIZE, -2, "frame is longer than the limit")          \
    X(ERR_KIND, -3, "message type is unknown or not valid here")     \
    X(ERR_TRUNCATED, -4, "message ends inside a field")              \
    X(ERR_TRAILING, -5, "bytes follow the end of the message")       \
    X(ERR_STRING, -6, "string is null or not NUL terminated")        \
    X(ERR_TEXT, -7, "string holds a forbidden control byte")         \
    X(ERR_METHOD, -8, "method code is unknown")                      \
    X(ERR_HEADER, -9, "header code is unknown or name is null")      \
    X(ERR_HEADER_LIMIT, -10, "too many headers")                     \
    X(ERR_ATTR, -11, "attribute is unknown, repeated or null")       \
    X(ERR_LENGTH, -12, "content length is malformed or conflicting") \
    X(ERR_STATE, -13, "message is out of order")                     \
    X(ERR_FLOW, -14, "body exceeds what was announced or asked for") \
    X(ERR_SPACE, -15, "output buffer or packet size exceeded")       \
    X(ERR_ARG, -16, "invalid argument")                              \
    X(ERR_BOOL, -17, "boolean is neither 0 nor 1")                   \
    X(ERR_ATTR_LIMIT, -18, "too many attributes")                    \
    X(ERR_STATUS, -19, "response status is out of range")

typedef enum ajp_status {
#define AJP_STATUS_ENUM(name, value, text) AJP_##name = value,
    AJP_STATUS_MAP(AJP_STATUS_ENUM)
#undef AJP_STATUS_ENUM
} ajp_status;

#define AJP_VERSION "0.1.0"
AJP_API const char *ajp_version(void);

AJP_API const char *ajp_strerror(ajp_status st);    /* "message is out of order" */
AJP_API const char *ajp_status_name(ajp_status st); /* "ERR_STATE" */

enum {
    AJP_HEADER_SIZE = 4,
    AJP_PACKET_DEFAULT = 8192,
    AJP_PACKET_MAX = 65536,
    AJP_ATTRS_MAX = 64,
};

/* Each bit widens what is accepted; the comment says what that risks. */
typedef enum ajp_lenient {
    AJP_ALLOW_UNKNOWN_ATTR = 1u << 0, /* unknown attribute read as one string: may desync */
    AJP_ALLOW_CONTROLS = 1u << 1,     /* CR, LF, NUL in text: header injection downstream */
    AJP_ALLOW_TRAILING = 1u << 2,     /* bytes after the end of a message are ignored */
    AJP_ALLOW_ANY_BOOL = 1u << 3,     /* non-zero means true; reuse: anything but 1 is false */
    AJP_ALLOW_NULL_VALUE = 1u << 4,   /* a null header or attribute value reads as empty */
    AJP_ALLOW_NO_PAD = 1u << 5,       /* a body chunk may lack its pad byte */
    AJP_ALLOW_TEXT_KEY_SIZE = 1u << 6, /* ssl_key_size spelled as a string (lighttpd, Undertow) */
    AJP_ALLOW_TERMINATOR = 1u << 7,   /* a string may end in a byte other than NUL */
    AJP_ALLOW_REASON = 1u << 8,       /* a reason phrase with controls reads as null */
    AJP_ALLOW_STRAY_END = 1u << 9,    /* an end of body nobody awaits (lighttpd) stays unread */
} ajp_lenient;

typedef struct ajp_limits {
    uint32_t max_packet;  /* header included, at most AJP_PACKET_MAX */
    uint16_t max_headers;
    uint16_t max_attrs;   /* counts above AJP_ATTRS_MAX are cut to it */
    uint32_t lenient;     /* ajp_lenient bits */
} ajp_limits;

AJP_API extern const ajp_limits ajp_limits_default; /* 8192, 100, 64, strict */
/* What a relay accepts so that every real peer gets through, and never re-emits:
 * trailing bytes, any boolean, null values, a missing pad byte, a textual key
 * size, an odd reason phrase, lighttpd's stray end of body. */
AJP_API extern const ajp_limits ajp_limits_relay;

#ifdef __cplusplus
}
#endif
#endif
