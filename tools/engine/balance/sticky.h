/* SPDX-License-Identifier: Apache-2.0 */
/* Session ids of a request and the route each carries: query parameter where one is set, path
 * parameter, then every cookie of the name in turn. Works on neutral heads and on raw AJP requests
 * alike. */
#ifndef ENGINE_BALANCE_STICKY_H
#define ENGINE_BALANCE_STICKY_H

#include "balance/balancer.h"
#include "http/head.h"

struct sticky_ids {
    const struct head *head;
    const struct session_settings *session;
    struct ajp_session_ids raw;
    struct ajp_cookies cookies;
    uint16_t field;
    uint8_t phase;
};

void sticky_ids_init(struct sticky_ids *it, const struct head *head,
                     const struct session_settings *session);
bool sticky_ids_next(struct sticky_ids *it, ajp_str *session_id);

/* The part of a session id after the first separator, null when absent or not [A-Za-z0-9_.-]{1,64}.
 */
ajp_str sticky_route_of(ajp_str session_id, char separator);

/* Is the path one that belongs to no session? */
bool sticky_is_stateless(const struct session_settings *session, ajp_str path);

/* Fills route and session_id of pick: the first id whose route names a worker, else the first
 * id with a route, else the first id, else nulls. False: no session id at all, or a stateless
 * path. */
bool sticky_find(struct balancer *balancer, const struct head *head, struct pick *pick);

#endif
