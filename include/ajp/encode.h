/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AJP_ENCODE_H
#define AJP_ENCODE_H
#include <ajp/decode.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Writes one message into the caller's buffer. The first failure sticks, later
 * writes do nothing, and ajp_writer_finish reports it: check once, at the end. */
typedef struct ajp_writer {
    uint8_t *base, *p, *end;
    uint8_t *count_at; /* where the header count is patched in */
    ajp_str stored;    /* method without a code: becomes the first attribute */
    uint32_t seen;     /* attribute codes written so far */
    uint16_t count;
    uint8_t phase;
    ajp_status st;
} ajp_writer;

typedef struct ajp_request_line {
    ajp_str method, protocol, uri, remote_addr, remote_host, server_name;
    uint16_t server_port;
    bool is_ssl;
} ajp_request_line;

AJP_API void ajp_writer_init(ajp_writer *w, void *buf, size_t cap);
/* Attributes alone, to be spliced in by ajp_patch_iov: no head, no terminator. */
AJP_API void ajp_write_attrs_only(ajp_writer *w);
AJP_API void ajp_write_request(ajp_writer *w, const ajp_request_line *line);
AJP_API void ajp_write_response(ajp_writer *w, uint16_t status, ajp_str reason);
AJP_API void ajp_write_header(ajp_writer *w, ajp_str name, ajp_str value); /* picks the code */
AJP_API void ajp_write_attr(ajp_writer *w, ajp_attr code, ajp_str value);
AJP_API void ajp_write_named(ajp_writer *w, ajp_str name, ajp_str value);
AJP_API void ajp_write_key_size(ajp_writer *w, uint16_t bits);
AJP_API AJP_CHECK ajp_status ajp_writer_finish(ajp_writer *w, size_t *len);

/* Messages of fixed size: each returns the bytes it wrote, at most 8. */
enum { AJP_SMALL_MAX = 8 };
AJP_API size_t ajp_make_cping(uint8_t *out);
AJP_API size_t ajp_make_cpong(uint8_t *out);
AJP_API size_t ajp_make_end(uint8_t *out, bool reuse);
AJP_API size_t ajp_make_get_body(uint8_t *out, uint16_t wanted);
AJP_API size_t ajp_make_body_end(uint8_t *out); /* empty DATA */
AJP_API size_t ajp_make_flush(uint8_t *out);    /* empty BODY_CHUNK */

/* Body framing around bytes that stay where they are. Either write the head
 * into the room kept before the body (and, for a chunk, one byte after) ... */
enum { AJP_DATA_HEAD = 6, AJP_CHUNK_HEAD = 7, AJP_CHUNK_TAIL = 1 };
AJP_API uint8_t *ajp_wrap_data(uint8_t *body, uint16_t n);  /* returns body - 6 */
AJP_API uint8_t *ajp_wrap_chunk(uint8_t *body, uint16_t n); /* returns body - 7 */

#ifdef __cplusplus
}
#endif
#endif
