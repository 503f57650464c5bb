/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Bytes to frames, frames to messages. Nothing is copied: views point into the caller's
 * buffer, and what a decoder let through needs no second check. */
#ifndef AJP_DECODE_H
#define AJP_DECODE_H
#include <ajp/names.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Where a packet goes. */
typedef enum ajp_dir {
    AJP_TO_CONTAINER, /**< from web server to app server; magic 12 34 */
    AJP_TO_SERVER     /**< back; magic 41 42 */
} ajp_dir;

/** One packet without its header. */
typedef struct ajp_frame {
    const uint8_t *payload; /**< inside the caller's buffer */
    uint16_t len;           /**< bytes of payload */
    uint8_t dir;            /**< ajp_dir, told by the magic */
} ajp_frame;

/** Bytes that the frame at in[0] takes in all, as far as in[0..len) tells: at least
 * AJP_HEADER_SIZE. A reader that wants whole frames reads until it holds this many. The
 * magic and the limit are not looked at. */
AJP_API size_t ajp_frame_want(const uint8_t *in, size_t len);

/** Cuts one frame off the front of in[0..len). AJP_OK sets *f and *used, the bytes it
 * takes. AJP_MORE: the frame is not whole, read on. AJP_ERR_MAGIC as soon as one byte
 * tells; AJP_ERR_FRAME_SIZE when the header announces more than lim->max_packet. A null
 * lim, here and below: ajp_limits_default. */
AJP_API AJP_CHECK ajp_status ajp_frame_next(const uint8_t *in, size_t len, const ajp_limits *lim,
                                            ajp_frame *f, size_t *used);

/** A run of headers that a decoder has checked; walked with ajp_field_next. Copy it to
 * walk twice. Fields are private but count. */
typedef struct ajp_fields {
    const uint8_t *at;    /**< the next header on the wire */
    const ajp_str *names; /**< code to name in this direction */
    uint16_t count;       /**< headers to come */
} ajp_fields;

/** One header. */
typedef struct ajp_field {
    ajp_str name;  /**< as spelled on the wire, or the code's own name */
    ajp_str value; /**< never null */
    uint16_t code; /**< from 1 when the wire used a code, 0 when it spelled the name out */
} ajp_field;

/** A run of attributes that a decoder has checked; walked with ajp_attr_next. Copy it to
 * walk twice. Fields are private. */
typedef struct ajp_attrs {
    const uint8_t *at; /**< the next attribute on the wire */
    uint8_t index;     /**< its place among all, from 0 */
} ajp_attrs;

/** One attribute. */
typedef struct ajp_attr_view {
    ajp_attr code;   /**< AJP_ATTR_COUNT and above only with AJP_ALLOW_UNKNOWN_ATTR */
    ajp_str name;    /**< of AJP_ATTR_NAMED, else null */
    ajp_str value;   /**< null for AJP_ATTR_SSL_KEY_SIZE, unless it was spelled as a string */
    uint16_t number; /**< bits, of AJP_ATTR_SSL_KEY_SIZE */
    uint8_t index;   /**< place among the request's attributes, from 0: its bit in a patch */
} ajp_attr_view;

/** FORWARD_REQUEST. Everything points into the frame: valid while it is. */
typedef struct ajp_request {
    ajp_str method;         /**< by its code, or as stored; a token, never empty */
    ajp_str protocol;       /**< "HTTP/1.1"; not null, otherwise any text */
    ajp_str uri;            /**< path without query, as the client sent it; never empty */
    ajp_str remote_addr;    /**< the client's address; may be null */
    ajp_str remote_host;    /**< the client's name; null from nearly all web servers */
    ajp_str server_name;    /**< host that was asked for; may be null */
    int64_t content_length; /**< from the one Content-Length header, -1 when there is none,
                               AJP_LENGTH_UNSURE when there are several */
    ajp_fields headers;     /**< all headers, in order */
    ajp_attrs attrs;        /**< all attributes, in order */
    const uint8_t *payload; /**< of the frame */
    uint16_t payload_len;   /**< with any slack */
    uint16_t attrs_at;      /**< payload offset of the first attribute */
    uint16_t end_at;        /**< payload offset of the terminating byte */
    bool canonical;         /**< encoding it again would give these very bytes */
    uint16_t server_port;   /**< port that was asked for */
    uint8_t method_code;    /**< from 1 to AJP_METHOD_MAX, or AJP_METHOD_STORED */
    bool is_ssl;            /**< the client came over TLS */
    /** Payload offset of the length word of each header's first value, 0: absent. A header
     * that has a code counts whether the wire used it or spelled the name. Private: use
     * ajp_request_header. */
    uint16_t known_header[AJP_REQ_HEADER_COUNT];
    /** Payload offset of each attribute's first value, 0: absent. Private: use
     * ajp_request_attr. */
    uint16_t known_attr[AJP_ATTR_COUNT];
} ajp_request;

/** SEND_HEADERS. Everything points into the frame: valid while it is. */
typedef struct ajp_response {
    uint16_t status;        /**< 100 to 999 */
    ajp_str reason;         /**< may be null; Tomcat sends the status as text */
    int64_t content_length; /**< from the one Content-Length header, -1 when there is none */
    ajp_fields headers;     /**< all headers, in order */
    const uint8_t *payload; /**< of the frame */
    uint16_t payload_len;   /**< with any slack */
    bool canonical;         /**< encoding it again would give these very bytes */
} ajp_response;

/** DATA or BODY_CHUNK, or a part of one. */
typedef struct ajp_body {
    const uint8_t *data; /**< inside the caller's buffer */
    size_t len;          /**< bytes of this part */
    uint16_t packet;     /**< body bytes of the whole packet that this is a part of */
    bool first;          /**< this part begins its packet */
    bool complete;       /**< this part ends its packet */
} ajp_body;

/** A decoded message. */
typedef struct ajp_message {
    ajp_kind kind;  /**< which member of u is set; none for CPING, CPONG, PING, SHUTDOWN */
    uint16_t fault; /**< on error: payload offset of the byte to blame, at most the payload's
                         length; 0 when the frame as such is wrong */
    uint16_t slack; /**< bytes after the message's end that AJP_ALLOW_TRAILING ignored */
    /** What the message says. */
    union {
        ajp_request request;   /**< AJP_FORWARD_REQUEST */
        ajp_response response; /**< AJP_SEND_HEADERS */
        ajp_body body;         /**< AJP_DATA, AJP_BODY_CHUNK */
        uint16_t wanted;       /**< AJP_GET_BODY: most bytes asked for */
        bool reuse;            /**< AJP_END_RESPONSE: the connection stays */
    } u;                       /**< by kind */
} ajp_message;

/** Decodes a whole frame into *m, whose views point into it. A frame to the container
 * has no type byte when it carries request body: expect_data says that it does. Every
 * error below AJP_MORE but AJP_ERR_STATE, _FLOW, _SPACE and _ARG can come back; then only
 * kind and fault of *m mean anything. */
AJP_API AJP_CHECK ajp_status ajp_decode(ajp_message *m, const ajp_frame *f, bool expect_data,
                                        const ajp_limits *lim);

/** Takes the next header; false at the end. It cannot fail: ajp_decode has checked all. */
AJP_API bool ajp_field_next(ajp_fields *it, ajp_field *out);
/** Takes the next attribute; false at the end. It cannot fail either. */
AJP_API bool ajp_attr_next(ajp_attrs *it, ajp_attr_view *out);

/** First value of a header that has a code, or a null view. No search: one indexed load. */
AJP_API ajp_str ajp_request_header(const ajp_request *r, ajp_req_header code);
/** Value of an attribute, or a null view, which AJP_ATTR_NAMED and AJP_ATTR_SSL_KEY_SIZE
 * always have: those are found by ajp_request_named and ajp_attr_next. */
AJP_API ajp_str ajp_request_attr(const ajp_request *r, ajp_attr code);
/** First value of the named attribute of that exact name, or a null view. */
AJP_API ajp_str ajp_request_named(const ajp_request *r, ajp_str name);

#ifdef __cplusplus
}
#endif
#endif
