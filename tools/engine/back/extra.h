/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker is told beside the request: its secret, and that it is being drained. */
#ifndef ENGINE_BACK_EXTRA_H
#define ENGINE_BACK_EXTRA_H

#include "balance/worker.h"

#include <ajp/ajp.h>

struct extra_attrs {
    uint8_t bytes[1280]; /* attributes to splice in */
    size_t len;
    uint64_t drop; /* attributes of the request that they stand for, by index */
};

/* JK_LB_ACTIVATION as mod_jk has it, for Tomcat's LoadBalancerDrainingValve: "DIS" while w is
 * drained, else null, since nothing is told of an active worker. */
ajp_str extra_activation(const struct worker *w);

/* For a request that is relayed as raw. */
AJP_CHECK ajp_status extra_of(const struct worker *w, const ajp_request *raw,
                              struct extra_attrs *out);

#endif
