/* SPDX-License-Identifier: Apache-2.0 */
/* The Forward Request of a link's exchange. */
#ifndef ENGINE_BACK_AJP_HEAD_H
#define ENGINE_BACK_AJP_HEAD_H

#include "back/link.h"

/* The Content-Length that its worker is told: ours say 0 where there is no body. */
int64_t ajp_head_length(const struct head *h);

/* Send it; what the kernel does not take waits in l->out. room: as large as the worker's
 * packets. AJP_ERR_SPACE: it does not fit one, and nothing was sent. */
AJP_CHECK ajp_status ajp_head_send(struct link *l, uint8_t *room);

/* For the log: the header that makes it too large. */
void ajp_head_blame(const struct link *l);

#endif
