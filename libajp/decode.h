/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the decoder that its files share with each other and the session. */
#ifndef AJP_DECODE_PRIVATE_H
#define AJP_DECODE_PRIVATE_H
#include "cursor.h"
#include <ajp/decode.h>

ajp_status ajp_in_decode_request(ajp_message *m, const uint8_t *payload, uint16_t len,
                                 const ajp_limits *lim);
ajp_status ajp_in_decode_response(ajp_message *m, const uint8_t *payload, uint16_t len,
                                  const ajp_limits *lim);

/* Counts bytes that follow the end of a message, or refuses them. */
INLINE ajp_status check_slack(ajp_message *m, size_t at, size_t len, uint32_t lenient)
{
    if (RARELY(at < len) && (lenient & AJP_ALLOW_TRAILING) == 0) {
        m->fault = (uint16_t)at;
        return AJP_ERR_TRAILING;
    }
    m->slack = (uint16_t)(len - at);
    return AJP_OK;
}

/* Body bytes and the bytes behind them of a DATA or BODY_CHUNK whose payload of
 * len bytes starts with p[0..3), or as many of them as there are. */
struct body_shape {
    uint16_t packet, tail, fault;
};
ajp_status ajp_in_data_shape(struct body_shape *b, const uint8_t *p, size_t len, uint32_t lenient);
ajp_status ajp_in_chunk_shape(struct body_shape *b, const uint8_t *p, size_t len, uint32_t lenient);

/* Digits of an ssl_key_size spelled as a string at p, or 0. No attribute code is
 * a digit, so a number followed by other attributes never looks like it. */
size_t ajp_in_key_size_text(const uint8_t *p, size_t left);

static inline const ajp_limits *limits_or_default(const ajp_limits *lim)
{
    return lim != NULL ? lim : &ajp_limits_default;
}

#endif
