/* SPDX-License-Identifier: Apache-2.0 */
/* Who gave up when no answer came, and after how long. */
#ifndef AJPCAT_ENDING_H
#define AJPCAT_ENDING_H

#include "exchange.h"
#include "tcp.h"

/* What ended the connection ends the exchange. client: its side of the flow; now_ns: when the
 * capture ends, should nothing else do. */
void ending_note(struct exchange *e, const struct tcp_flow *f, int client, uint64_t now_ns);

/* Time waited in vain, from the first byte on; false: an answer came, or it is not known. */
bool ending_waited(const struct exchange *e, uint64_t *ns);

/* For programs: "client_closed", "server_reset", ... or NULL. */
const char *ending_name(const struct exchange *e);

/* For people, a sentence without its frame; nothing where the exchange is whole. */
void ending_tell(const struct exchange *e, struct text *out);

#endif
