/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AJP_IOV_H
#define AJP_IOV_H
#include <ajp/encode.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Laid out as POSIX's struct iovec, so an array can be handed to writev(2);
 * declared here so that the library builds without POSIX. */
typedef struct ajp_iov {
    void *base;
    size_t len;
} ajp_iov;

/* ... or point at head, body and tail. Returns the number of vectors set. */
AJP_API int ajp_data_iov(ajp_iov iov[2], uint8_t head[AJP_DATA_HEAD], const void *body, uint16_t n);
AJP_API int ajp_chunk_iov(ajp_iov iov[3], uint8_t head[AJP_CHUNK_HEAD], const void *body, uint16_t n);

/* Head alone, for a body of n bytes that is sent in parts: returns bytes written. */
AJP_API size_t ajp_data_head(uint8_t head[AJP_DATA_HEAD], uint16_t n);
AJP_API size_t ajp_chunk_head(uint8_t head[AJP_CHUNK_HEAD], uint16_t n);

/* Send a received request on with some attributes dropped (bit i: the attribute
 * of index i) and others added, copying none of it. extra holds attributes from
 * an attributes-only writer (ajp_write_attrs_only). The request must be
 * canonical: AJP_ERR_ARG otherwise. head and iov[] stay valid as long as the
 * request's frame, head and extra do. max_packet bounds the result: AJP_ERR_SPACE. */
enum { AJP_PATCH_IOV = 64 + 4 };
AJP_API AJP_CHECK ajp_status ajp_patch_iov(const ajp_request *r, uint64_t drop,
                                           const void *extra, size_t extra_len, size_t max_packet,
                                           uint8_t head[4], ajp_iov iov[AJP_PATCH_IOV],
                                           int *iovcnt);

/* The same request as a fresh canonical packet in out[0..cap): what a relay sends
 * when the packet it received was not canonical. */
AJP_API AJP_CHECK ajp_status ajp_reencode_request(const ajp_request *r, uint64_t drop,
                                                  const void *extra, size_t extra_len,
                                                  uint8_t *out, size_t cap, size_t *len);
AJP_API AJP_CHECK ajp_status ajp_reencode_response(const ajp_response *r, uint8_t *out, size_t cap,
                                                   size_t *len);

#ifdef __cplusplus
}
#endif
#endif
