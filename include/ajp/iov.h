/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Bodies and relayed requests as vectors for writev(2), nothing copied; and the same
 * request written anew, where that may not be. */
#ifndef AJP_IOV_H
#define AJP_IOV_H
#include <ajp/encode.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Laid out as POSIX's struct iovec, so that an array of them can be handed to writev(2);
 * declared here so that the library builds without POSIX. */
typedef struct ajp_iov {
    void *base; /**< not written through */
    size_t len; /**< bytes */
} ajp_iov;

/** A DATA as head and body: the head is written, the body pointed at. Returns how many
 * vectors are set: 2, or 1 when n is 0. All must live until they were sent. */
AJP_API int ajp_data_iov(ajp_iov iov[2], uint8_t head[AJP_DATA_HEAD], const void *body, uint16_t n);
/** A BODY_CHUNK as head, body and pad: 3 vectors, or 2 when n is 0. */
AJP_API int ajp_chunk_iov(ajp_iov iov[3], uint8_t head[AJP_CHUNK_HEAD], const void *body,
                          uint16_t n);

/** Head of a DATA alone, for a body of n bytes that is sent in parts. Returns bytes written. */
AJP_API size_t ajp_data_head(uint8_t head[AJP_DATA_HEAD], uint16_t n);
/** Head of a BODY_CHUNK alone; behind the body's n bytes one byte 0 must follow. */
AJP_API size_t ajp_chunk_head(uint8_t head[AJP_CHUNK_HEAD], uint16_t n);

/** Most vectors of a patched request. */
enum {
    AJP_PATCH_IOV = 64 + 4, /**< one for each attribute, head, headers, extra, terminator */
};
/** A received request, sent on with some attributes dropped and others added, copying
 * none of it. Bit i of drop: the attribute of index i. extra[0..extra_len) holds attributes
 * that an attributes-only writer made (ajp_write_attrs_only); it may be null when there are
 * none. head[] gets a new packet header, iov[0..*iovcnt) the pieces; they are valid as long
 * as the request's frame, head and extra are.
 * AJP_ERR_ARG: the request is not canonical, the stored method would be dropped, an
 * attribute would come twice, or extra is not what such a writer makes. AJP_ERR_SPACE: the packet
 * would be longer than max_packet. */
AJP_API AJP_CHECK ajp_status ajp_patch_iov(const ajp_request *r, uint64_t drop,
                                           const void *extra, size_t extra_len, size_t max_packet,
                                           uint8_t head[4], ajp_iov iov[AJP_PATCH_IOV],
                                           int *iovcnt);

/** The same request with the same edits as a fresh canonical packet in out[0..cap): what a
 * relay sends when the packet that it received was not canonical. Errors as above, and
 * those of a writer: text that leniency let in is not written. *len: bytes in out. */
AJP_API AJP_CHECK ajp_status ajp_reencode_request(const ajp_request *r, uint64_t drop,
                                                  const void *extra, size_t extra_len,
                                                  uint8_t *out, size_t cap, size_t *len);
/** A received response as a fresh canonical packet in out[0..cap); errors as a writer's. */
AJP_API AJP_CHECK ajp_status ajp_reencode_response(const ajp_response *r, uint8_t *out, size_t cap,
                                                   size_t *len);

#ifdef __cplusplus
}
#endif
#endif
