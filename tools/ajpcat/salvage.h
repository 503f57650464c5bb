/* SPDX-License-Identifier: Apache-2.0 */
/* What can still be read of a request that does not decode. */
#ifndef AJPCAT_SALVAGE_H
#define AJPCAT_SALVAGE_H

#include <ajp/ajp.h>

struct salvage {
    ajp_str method, protocol, uri, query, cookie; /* null views where the packet did not reach */
    int64_t content_length;                       /* -1: none */
};

/* payload[0..len) begins a Forward Request. Steps over unknown attribute codes byte by byte, as
 * Tomcat does. */
void salvage_request(const uint8_t *payload, size_t len, struct salvage *out);

#endif
