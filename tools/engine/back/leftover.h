/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of a reply whose client is gone: where it is short, reading it is cheaper than a new
 * connection. */
#ifndef ENGINE_BACK_LEFTOVER_H
#define ENGINE_BACK_LEFTOVER_H

#include "back/link.h"

/* l has just let go of x. False: it is to be closed. */
bool leftover_begin(struct link *l, const struct exchange *x);
/* Its socket can be read. */
void leftover_readable(struct link *l);

#endif
