/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that we answer ourselves, or not at all, since they may not go on: counted by reason, of
 * all threads together. */
#ifndef ENGINE_CORE_REFUSAL_H
#define ENGINE_CORE_REFUSAL_H

#include <stdint.h>

enum refusal {
    REFUSED_SECRET,    /* AJP: missing or wrong */
    REFUSED_ATTRIBUTE, /* AJP: not let through by the listener */
    REFUSED_TARGET,    /* AJP: no path */
    REFUSED_PACKET,    /* AJP: the protocol was broken */
    REFUSED_HEAD,      /* HTTP: malformed, too large or too slow */
    REFUSED_BODY,      /* HTTP: likewise */
    REFUSED_COUNT
};

void refusal_count(enum refusal why);
uint64_t refusal_value(enum refusal why);
const char *refusal_name(enum refusal why);

#endif
