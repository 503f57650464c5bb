/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a client's TLS session: no more than our own handshake found out. */
#ifndef ENGINE_NET_TLS_FACTS_H
#define ENGINE_NET_TLS_FACTS_H

#include <ajp/base.h>

/* NULL views and 0 where unknown. */
struct tls_facts {
    struct ajp_str cipher, session_id, protocol, client_cert_pem;
    uint16_t key_size;
};

#endif
