/* SPDX-License-Identifier: Apache-2.0 */
/* An AJP Send Headers as a neutral reply head, and an AJP request as a neutral request head. */
#ifndef ENGINE_MAP_AJP_TO_HTTP_H
#define ENGINE_MAP_AJP_TO_HTTP_H

#include "http/head.h"

enum map_result {
    MAP_OK,
    MAP_INTERIM, /* a 1xx: the final head follows */
    MAP_BAD,     /* not fit for a client: 502, the application's fault */
};

/* The caller sets out->fields to room for r->headers.count. *why is constant text: what was wrong
 * with MAP_BAD, what was left out with MAP_OK (worth a warning), else NULL. */
AJP_CHECK enum map_result map_ajp_to_http(const ajp_response *r, struct reply *out,
                                          const char **why);

/* Fill *h from an AJP request: the caller sets h->fields to room for r->headers.count. h->raw is
 * r, h->tls stays NULL. */
void map_fields_from_request(const ajp_request *r, struct head *h);

#endif
