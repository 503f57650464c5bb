/* SPDX-License-Identifier: Apache-2.0 */
/* A neutral request head as an AJP Forward Request. */
#ifndef ENGINE_MAP_HTTP_TO_AJP_H
#define ENGINE_MAP_HTTP_TO_AJP_H

#include "http/head.h"
#include "map/attributes.h"

/* What the worker is told beside the request; null views are left out. */
struct ajp_extra {
    ajp_str secret;
    ajp_str route;                               /* the jvm_route attribute */
    ajp_str activation;                          /* JK_LB_ACTIVATION: "ACT", "DIS", "STP" */
    const struct attribute_policy *front, *back; /* NULL: no edits */
};

/* Write h as one canonical packet into out[0..cap), magic and length included. h->raw must be
 * NULL. On AJP_ERR_SPACE, *largest is the name of the field that takes the most room. */
AJP_CHECK ajp_status map_http_to_ajp(const struct head *h, const struct ajp_extra *x, uint8_t *out,
                                     size_t cap, size_t *len, ajp_str *largest);

/* It says nothing of a body, and so has none: the worker is told that its length is 0. */
static inline bool map_is_bodiless(const struct head *h)
{
    return h->content_length == -1 && !h->chunked;
}

#endif
