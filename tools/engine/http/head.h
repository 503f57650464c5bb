/* SPDX-License-Identifier: Apache-2.0 */
/* The neutral head of a request and of a reply: what fronts and backs exchange. */
#ifndef ENGINE_HTTP_HEAD_H
#define ENGINE_HTTP_HEAD_H

#include "net/tls_facts.h"

#include <ajp/ajp.h>

/* One header field. Name and value are views into the buffer it came in. */
struct field {
    struct ajp_str name;
    struct ajp_str value;
};

enum { HEAD_FIELDS_USUAL = 128 }; /* more cost an allocation */

/* A request, whatever protocol it came in by. Everything is a view: valid while
 * the buffer that holds the head is, which the front keeps until the exchange ends. */
struct head {
    struct ajp_str method;
    struct ajp_str path;                     /* as received, no query; never empty */
    struct ajp_str query;                    /* null when there was no '?' */
    struct ajp_str protocol;                 /* "HTTP/1.1" */
    struct ajp_str host;                     /* authority: Host's value or the absolute form's */
    struct ajp_str remote_addr, remote_host; /* remote_host may be null */
    struct ajp_str server_name, local_addr;
    uint16_t server_port, remote_port;
    bool is_ssl;
    bool chunked; /* a body of unknown length follows */
    bool expect_continue;
    bool keep_alive; /* HTTP/1 front only: what the client asked for */
    /* HTTP/1 front only, null: none. The name of a field that was left out though it is end to end,
     * and the value of Upgrade. */
    struct ajp_str dropped, upgrade;
    int64_t content_length; /* -1 when absent; 0 when absent and no body can follow is still -1 */
    uint16_t field_count;
    struct field *fields; /* end-to-end fields only; NULL while raw is set and not expanded */
    const struct tls_facts *tls;
    const struct ajp_request *raw; /* the AJP packet this came in by, or NULL */
};

/* A reply, whatever protocol the worker speaks. */
struct reply {
    uint16_t status;
    int64_t content_length; /* -1 when absent */
    uint16_t field_count;
    struct field *fields;           /* end-to-end fields only, Content-Length left out */
    const struct ajp_response *raw; /* the AJP packet this came in by, or NULL */
    bool relength;                  /* content_length is not what raw says */
    bool close;                     /* the app wants the client's connection ended */
};

/* Part of a body in either direction. packet and first tell where the sender's
 * packets begin, so that a relay neither merges nor splits them. */
struct part {
    const uint8_t *data;
    size_t len;
    uint16_t packet;  /* body bytes in the packet that this is a part of */
    bool first, last; /* this part begins, ends its packet */
    /* The whole AJP packet that data lies in, when it has come whole and just as we would write
     * it; else NULL. */
    const uint8_t *frame;
    size_t frame_len;
};

#endif
