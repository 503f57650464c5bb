/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that says nothing for long: is it still at work, or is the request over there and its
 * answer lost? Tomcat keeps a connection, and silent, whose servlet threw after the response was
 * committed, or whose headers are larger than a packet. It reads the connection then, and not while
 * a servlet is busy, blocking or async: so a CPing over it tells. */
#ifndef ENGINE_BACK_SILENCE_H
#define ENGINE_BACK_SILENCE_H

#include "back/link.h"
#include "base/rare.h"

/* ms that the worker of l, which has all there is of the request so far, may be silent before
 * something is done about it; 0: any time. */
uint32_t silence_patience(const struct link *l);
/* So long it was. False: it is to be waited for no longer. */
RARE bool silence_ask(struct link *l);
/* The reply came whole after all, and l waits for the CPong, of which in[0..len) has come; or, if
 * not for reuse, is closed. */
RARE void silence_ended(struct link *l, bool reuse, const uint8_t *in, size_t len);
/* l broke off while it was at work. A peer that takes a CPing for disorder there is asked no more
 * for a while. */
RARE void silence_broken(const struct link *l);

#endif
