/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker is told beside the request: its secret, that it is being drained, and what the
 * attribute policies make of the request's own. */
#ifndef ENGINE_BACK_EXTRA_H
#define ENGINE_BACK_EXTRA_H

#include "core/exchange.h"

#include <ajp/ajp.h>

enum { EXTRA_SMALL = 1280 }; /* enough where no policy edits attributes */

struct extra_attrs {
    uint8_t *bytes; /* attributes to splice in; the caller sets it, and cap */
    size_t cap, len;
    uint64_t drop; /* attributes of the request that do not go on, by index */
};

/* The worker's policy, NULL where it edits nothing. */
static inline const struct attribute_policy *extra_policy(const struct worker *w)
{
    return w->settings->attributes.edits ? &w->settings->attributes : NULL;
}

/* JK_LB_ACTIVATION as mod_jk has it, for Tomcat's LoadBalancerDrainingValve: "DIS" while w is
 * drained, else null, since nothing is told of an active worker. */
ajp_str extra_activation(const struct worker *w);

/* For the request of x, which is relayed to w. */
AJP_CHECK ajp_status extra_of(const struct exchange *x, const struct worker *w,
                              struct extra_attrs *out);

#endif
