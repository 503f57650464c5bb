/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What all headers share: borrowed strings, statuses, limits and leniencies. */
#ifndef AJP_BASE_H
#define AJP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
/** Marks what the shared library exports. */
#define AJP_API __attribute__((visibility("default")))
/** Marks results that a caller must look at. */
#define AJP_CHECK __attribute__((warn_unused_result))
#else
#define AJP_API
#define AJP_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** A borrowed run of bytes. A view that a decoder made lives as long as the buffer
 * it points into, and is followed by a NUL byte on the wire, so that ptr is also a
 * valid C string (with AJP_ALLOW_TERMINATOR it may be another byte). */
typedef struct ajp_str {
    const char *ptr; /**< NULL is AJP's null string, which is not the empty string */
    size_t len;      /**< bytes, without a NUL; 0 when ptr is NULL */
} ajp_str;

/** The len bytes at ptr as a string: nothing is copied. */
static inline ajp_str ajp_str_of(const char *ptr, size_t len)
{
    ajp_str s;
    s.ptr = ptr;
    s.len = len;
    return s;
}

/** A string literal as an ajp_str. */
#define AJP_STR(literal) ajp_str_of("" literal, sizeof(literal) - 1)
/** AJP's null string. */
#define AJP_NULL         ajp_str_of(NULL, 0)

/** Every status, once: X(enumerator, value, message). */
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

/** What a function made of its input. Errors are below 0; AJP_MORE is none. On an
 * error a function leaves its results alone, but where it says otherwise. */
typedef enum ajp_status {
#define AJP_STATUS_ENUM(name, value, text) AJP_##name = value,
    AJP_STATUS_MAP(AJP_STATUS_ENUM)
#undef AJP_STATUS_ENUM
} ajp_status;

/** Version of these headers: major.minor.patch, by semver. */
#define AJP_VERSION "0.1.0"
/** Version of the library that runs; a constant of static life. */
AJP_API const char *ajp_version(void);

/** What a status means, for people: "message is out of order". Never NULL; a number
 * that is no status gives "unknown status". */
AJP_API const char *ajp_strerror(ajp_status st);
/** A status's name without its prefix, for logs: "ERR_STATE". Never NULL; a number that
 * is no status gives "UNKNOWN". */
AJP_API const char *ajp_status_name(ajp_status st);

/** Sizes of packets, in bytes with their header, and bounds on counts. Nothing on the
 * wire tells the packet size: both ends must be configured alike. */
enum {
    AJP_HEADER_SIZE = 4,       /**< two bytes of magic and two of length, before every payload */
    AJP_PACKET_DEFAULT = 8192, /**< Tomcat's packetSize, mod_jk's max_packet_size if not set */
    AJP_PACKET_MAX = 65536,    /**< the most that either can be set to */
    AJP_ATTRS_MAX = 64,        /**< attributes of one request: a patch has a bit for each */
    AJP_LENGTH_UNSURE = -2,    /**< content_length of a request that AJP_ALLOW_TWO_LENGTHS let in */
};

/** Leniencies. Each bit widens what is accepted, and says what that risks. What was
 * tolerated makes a message not canonical, and is never written again. */
typedef enum ajp_lenient {
    /** An attribute of unknown code is read as one string. Tomcat and Undertow skip its code
     * byte alone: what follows may be another attribute to them than to us. */
    AJP_ALLOW_UNKNOWN_ATTR = 1u << 0,
    /** Text may hold CR, LF, NUL and other controls: headers can be injected downstream. Nobody
     * looks for them any more, so that no message counts as canonical. */
    AJP_ALLOW_CONTROLS = 1u << 1,
    /** Bytes after the end of a message are ignored, as Tomcat does, and counted in
     * ajp_message.slack. To Undertow they are the next message: never send them on. */
    AJP_ALLOW_TRAILING = 1u << 2,
    /** A boolean that is not 0 is true; in END_RESPONSE one that is not 1, or absent, is false. */
    AJP_ALLOW_ANY_BOOL = 1u << 3,
    /** A null value of a header or an attribute reads as empty (lighttpd sends such). */
    AJP_ALLOW_NULL_VALUE = 1u << 4,
    /** A body chunk may lack its pad byte (mod_proxy_ajp refuses those, mod_jk takes them). */
    AJP_ALLOW_NO_PAD = 1u << 5,
    /** ssl_key_size may be spelled as a string of 1 to 4 digits (lighttpd, Undertow's client). */
    AJP_ALLOW_TEXT_KEY_SIZE = 1u << 6,
    /** A string may end in a byte other than NUL, as for Tomcat; then it is no C string. */
    AJP_ALLOW_TERMINATOR = 1u << 7,
    /** A reason phrase that holds a control reads as null; other text stays strict. */
    AJP_ALLOW_REASON = 1u << 8,
    /** An empty body packet that nobody awaits (lighttpd sends one after each request without
     * body) is left unread by ajp_session_recv, and is no error to an observer. */
    AJP_ALLOW_STRAY_END = 1u << 9,
    /** A request may hold Content-Length more than once; its content_length is then
     * AJP_LENGTH_UNSURE. Web server and container may each believe another one, and the bytes
     * between the two are a request that nobody sent: a session lets no body packet of it through
     * in either direction, and both its connections must end with its answer. This one is written
     * again, as it came, so that the container can refuse it. */
    AJP_ALLOW_TWO_LENGTHS = 1u << 10,
    /** The value of a response's header may hold CR, LF, NUL and other controls: whoever sends it
     * on must first replace them, or headers can be injected downstream. It is never written as it
     * is: encoding it again is AJP_ERR_TEXT. Other text stays strict. */
    AJP_ALLOW_VALUE_CONTROLS = 1u << 11,
} ajp_lenient;

/** What a decoder or session accepts. */
typedef struct ajp_limits {
    uint32_t max_packet;  /**< bytes of a packet with its header, up to AJP_PACKET_MAX */
    uint16_t max_headers; /**< headers of one message: more are AJP_ERR_HEADER_LIMIT */
    uint16_t max_attrs;   /**< attributes of one request, at most AJP_ATTRS_MAX, to which more
                               is cut; more attributes are AJP_ERR_ATTR_LIMIT */
    uint32_t lenient;     /**< bits of ajp_lenient */
} ajp_limits;

/** Strict: packets of 8192 bytes, 100 headers (Tomcat's maxHeaderCount), 64 attributes. */
AJP_API extern const ajp_limits ajp_limits_default;
/** What a relay accepts so that every real peer gets through, and never writes itself:
 * trailing bytes, any boolean, null values, a missing pad byte, a textual key size, an
 * odd reason phrase, lighttpd's stray end of body. The sizes are the default ones. */
AJP_API extern const ajp_limits ajp_limits_relay;

#ifdef __cplusplus
}
#endif
#endif
