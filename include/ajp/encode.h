/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Messages written into the caller's buffers, always in the canonical form. */
#ifndef AJP_ENCODE_H
#define AJP_ENCODE_H
#include <ajp/decode.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Writes one message into the caller's buffer. The first failure sticks, later writes
 * do nothing, and ajp_writer_finish reports it: check once, at the end. Fields are
 * private. The failures: AJP_ERR_SPACE, the buffer or a packet is too small; AJP_ERR_TEXT,
 * a control other than HTAB in a text; AJP_ERR_METHOD, _HEADER, a name that is no token;
 * AJP_ERR_STATUS; AJP_ERR_ARG, a null where there must be a string, or a wrong order. */
typedef struct ajp_writer {
    uint8_t *base;     /**< the caller's buffer */
    uint8_t *p;        /**< where the next byte goes */
    uint8_t *end;      /**< end of the buffer; p after a failure */
    uint8_t *count_at; /**< where the header count is patched in */
    ajp_str stored;    /**< method without a code: becomes the first attribute */
    uint32_t seen;     /**< attribute codes written so far */
    uint16_t count;    /**< headers written so far */
    uint8_t phase;     /**< what may come next */
    ajp_status st;     /**< the first failure */
} ajp_writer;

/** The first line of a request, and where it came from. */
typedef struct ajp_request_line {
    ajp_str method;       /**< a token; stored as an attribute when it has no code */
    ajp_str protocol;     /**< "HTTP/1.1"; not null */
    ajp_str uri;          /**< path without query; not empty */
    ajp_str remote_addr;  /**< the client's address, or null */
    ajp_str remote_host;  /**< the client's name, or null */
    ajp_str server_name;  /**< host that was asked for, or null */
    uint16_t server_port; /**< port that was asked for */
    bool is_ssl;          /**< the client came over TLS */
} ajp_request_line;

/** Begins a message in buf[0..cap), which the caller keeps. More than AJP_PACKET_MAX is
 * not used: the packet is no longer than cap, so cap is the packet size of the peer. */
AJP_API void ajp_writer_init(ajp_writer *w, void *buf, size_t cap);
/** Begins attributes alone, to be spliced in by ajp_patch_iov or ajp_reencode_request:
 * no head, no terminator. */
AJP_API void ajp_write_attrs_only(ajp_writer *w);
/** Begins a FORWARD_REQUEST. Strings are copied; the method is kept as a view until the
 * first attribute or the end. */
AJP_API void ajp_write_request(ajp_writer *w, const ajp_request_line *line);
/** Begins a SEND_HEADERS. status: 100 to 999; reason may be null. */
AJP_API void ajp_write_response(ajp_writer *w, uint16_t status, ajp_str reason);
/** Adds a header, by its code when the name has one in any case. The name is a token, the
 * value is not null. All headers come before the first attribute. A Content-Length is not
 * judged: what contradicts itself is refused by the decoder. */
AJP_API void ajp_write_header(ajp_writer *w, ajp_str name, ajp_str value);
/** Adds a Content-Length of n, as ajp_write_header would. */
AJP_API void ajp_write_length(ajp_writer *w, uint64_t n);
/** Adds an attribute of one string, once for each code. AJP_ATTR_NAMED and
 * AJP_ATTR_SSL_KEY_SIZE have functions of their own, AJP_ATTR_STORED_METHOD writes itself:
 * AJP_ERR_ARG. A certificate may hold any byte. */
AJP_API void ajp_write_attr(ajp_writer *w, ajp_attr code, ajp_str value);
/** Adds a named attribute; the name is not empty, the value not null. Which names a
 * container takes is its own affair: Tomcat answers 403 to those it does not know. */
AJP_API void ajp_write_named(ajp_writer *w, ajp_str name, ajp_str value);
/** Adds the key size of the client's TLS, in bits, as the integer that Tomcat reads. */
AJP_API void ajp_write_key_size(ajp_writer *w, uint16_t bits);
/** Ends the message. AJP_OK sets *len to the bytes in the buffer, which may be sent; an
 * error leaves it, and what is in the buffer is worthless. A writer ends once. */
AJP_API AJP_CHECK ajp_status ajp_writer_finish(ajp_writer *w, size_t *len);

/** Room that a message of fixed size needs. */
enum {
    AJP_SMALL_MAX = 8, /**< bytes */
};
/** CPing to the container. Here and below: out has room for AJP_SMALL_MAX bytes, and the
 * number of bytes written comes back. */
AJP_API size_t ajp_make_cping(uint8_t *out);
/** CPong, the answer to a CPing. */
AJP_API size_t ajp_make_cpong(uint8_t *out);
/** End Response; reuse: the connection stays. */
AJP_API size_t ajp_make_end(uint8_t *out, bool reuse);
/** Get Body Chunk: asks for up to wanted bytes of request body. */
AJP_API size_t ajp_make_get_body(uint8_t *out, uint16_t wanted);
/** End of the request body: a DATA of no bytes, in the long form 12 34 00 02 00 00, which
 * every container takes. */
AJP_API size_t ajp_make_body_end(uint8_t *out);
/** Flush: a BODY_CHUNK of no bytes. */
AJP_API size_t ajp_make_flush(uint8_t *out);

/** Bytes of framing around body bytes. */
enum {
    AJP_DATA_HEAD = 6,  /**< before the body of a DATA */
    AJP_CHUNK_HEAD = 7, /**< before the body of a BODY_CHUNK */
    AJP_CHUNK_TAIL = 1, /**< after it: a pad byte, 0 */
};
/** Frames the n body bytes at body where they stand, as a DATA: writes the AJP_DATA_HEAD
 * bytes before them, for which the caller has kept room, and returns where they start.
 * n + AJP_DATA_HEAD must not exceed the packet size, which is not checked here: a session
 * does. ajp/iov.h has the same for vectors. */
AJP_API uint8_t *ajp_wrap_data(uint8_t *body, uint16_t n);
/** The same as a BODY_CHUNK: AJP_CHUNK_HEAD bytes before the body, AJP_CHUNK_TAIL after. */
AJP_API uint8_t *ajp_wrap_chunk(uint8_t *body, uint16_t n);

#ifdef __cplusplus
}
#endif
#endif
