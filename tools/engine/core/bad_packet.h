/* SPDX-License-Identifier: Apache-2.0 */
/* What to say of a packet that was refused: which it was, how long, which limit, what to do. */
#ifndef ENGINE_CORE_BAD_PACKET_H
#define ENGINE_CORE_BAD_PACKET_H

#include <ajp/ajp.h>

enum { BAD_PACKET_TEXT = 256 };

/* in[0..len) begins with what was refused with st; max_packet is the limit that it was read under.
 * from_worker: a worker sent it; else a web server. Writes one sentence or two into out, without
 * quotes or bytes that a log must not have, and gives it back. */
const char *bad_packet_text(char out[BAD_PACKET_TEXT], ajp_status st, const uint8_t *in, size_t len,
                            uint32_t max_packet, bool from_worker);

#endif
