/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AJP_DECODE_H
#define AJP_DECODE_H
#include <ajp/names.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef enum ajp_dir { AJP_TO_CONTAINER, AJP_TO_SERVER } ajp_dir;

typedef struct ajp_frame {
    const uint8_t *payload; /* inside the caller's buffer */
    uint16_t len;
    uint8_t dir;            /* ajp_dir, told by the magic */
} ajp_frame;

/* Bytes that the frame at in[0] takes in all, as far as in[0..len) tells: at
 * least 4. A reader that wants whole frames reads until it holds this many. */
AJP_API size_t ajp_frame_want(const uint8_t *in, size_t len);

/* Cut one frame off the front of in[0..len). AJP_OK sets *f and *used;
 * AJP_MORE leaves both alone. A null lim, here and below: ajp_limits_default. */
AJP_API AJP_CHECK ajp_status ajp_frame_next(const uint8_t *in, size_t len, const ajp_limits *lim,
                                            ajp_frame *f, size_t *used);

/* A run of headers that a decoder has already checked. */
typedef struct ajp_fields {
    const uint8_t *at;
    const ajp_str *names; /* code -> name for this direction */
    uint16_t count;
} ajp_fields;

typedef struct ajp_field {
    ajp_str name;
    ajp_str value;
    uint16_t code; /* 1.. when the wire used a code, 0 when it spelled the name */
} ajp_field;

typedef struct ajp_attrs {
    const uint8_t *at;
    uint8_t index;
} ajp_attrs;

typedef struct ajp_attr_view {
    ajp_attr code;
    ajp_str name;   /* AJP_ATTR_NAMED only */
    ajp_str value;
    uint16_t number; /* AJP_ATTR_SSL_KEY_SIZE only */
    uint8_t index;   /* place among the request's attributes, from 0 */
} ajp_attr_view;

/* FORWARD_REQUEST. Everything points into the frame: valid while it is. */
typedef struct ajp_request {
    ajp_str method; /* resolved: code or stored method */
    ajp_str protocol, uri, remote_addr, remote_host, server_name;
    int64_t content_length; /* -1 when absent */
    ajp_fields headers;
    ajp_attrs attrs;
    const uint8_t *payload;
    uint16_t payload_len, attrs_at, end_at; /* offsets, for patching */
    bool canonical; /* re-encoding would give these very bytes: it may be patched */
    uint16_t server_port;
    uint8_t method_code;
    bool is_ssl;
    /* payload offsets of the first value's length word, 0: absent; headers that
     * have a code count whether the wire used it or spelled the name */
    uint16_t known_header[AJP_REQ_HEADER_COUNT];
    uint16_t known_attr[AJP_ATTR_COUNT];
} ajp_request;

typedef struct ajp_response { /* SEND_HEADERS */
    uint16_t status;
    ajp_str reason;
    int64_t content_length; /* -1 when absent */
    ajp_fields headers;
    const uint8_t *payload;
    uint16_t payload_len;
    bool canonical;
} ajp_response;

typedef struct ajp_body { /* DATA and BODY_CHUNK, or a part of one */
    const uint8_t *data;
    size_t len;
    uint16_t packet; /* body bytes of the whole packet that this is a part of */
    bool first;      /* this part begins its packet */
    bool complete;   /* this part ends its packet */
} ajp_body;

typedef struct ajp_message {
    ajp_kind kind;
    uint16_t fault; /* on error: payload offset of the offending byte */
    uint16_t slack; /* bytes after the message's end, ignored (AJP_ALLOW_TRAILING) */
    union {
        ajp_request request;
        ajp_response response;
        ajp_body body;
        uint16_t wanted; /* GET_BODY */
        bool reuse;      /* END_RESPONSE */
    } u;
} ajp_message;

/* Decode a whole frame. A frame to the container has no type byte when it
 * carries request body: pass expect_data to say so. On error only kind and
 * fault of *m mean anything. */
AJP_API AJP_CHECK ajp_status ajp_decode(ajp_message *m, const ajp_frame *f, bool expect_data,
                                        const ajp_limits *lim);

/* Steps cannot fail: ajp_decode has checked the block. */
AJP_API bool ajp_field_next(ajp_fields *it, ajp_field *out);
AJP_API bool ajp_attr_next(ajp_attrs *it, ajp_attr_view *out);

/* First value, or a null view. No search: one indexed load. */
AJP_API ajp_str ajp_request_header(const ajp_request *r, ajp_req_header code);
AJP_API ajp_str ajp_request_attr(const ajp_request *r, ajp_attr code);
/* First value of the named (0A) attribute of that exact name, or a null view. */
AJP_API ajp_str ajp_request_named(const ajp_request *r, ajp_str name);

#ifdef __cplusplus
}
#endif
#endif
