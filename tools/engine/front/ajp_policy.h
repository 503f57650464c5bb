/* SPDX-License-Identifier: Apache-2.0 */
/* Who may say what over AJP: the secret, and which attributes go on to a worker. */
#ifndef ENGINE_FRONT_AJP_POLICY_H
#define ENGINE_FRONT_AJP_POLICY_H

#include "config/settings.h"
#include "core/refusal.h"

#include <ajp/ajp.h>

struct ajp_verdict {
    uint16_t status; /* 0: the request may go on */
    enum refusal why;
    const char *reason; /* constant text: what is wrong */
    const char *advice; /* likewise: who could let it through, and how */
    ajp_str attribute;  /* that is refused; null: none */
    uint64_t drop;      /* attributes that do not go on, by index */
};

/* trusted: the peer is one whose identity may be believed, if the listener believes any. */
struct ajp_verdict ajp_policy(const struct listener_settings *listener, const ajp_request *r,
                              bool trusted);

/* Compares without giving away by its time where they differ. */
bool secret_equal(ajp_str given, ajp_str wanted);

#endif
