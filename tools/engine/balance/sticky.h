/* SPDX-License-Identifier: Apache-2.0 */
/* Session ids of a request and the route each carries, in the order of the settings: query
 * parameter where one is set, path parameter, and every cookie of the names in turn. Works on
 * neutral heads and on raw AJP requests alike. */
#ifndef ENGINE_BALANCE_STICKY_H
#define ENGINE_BALANCE_STICKY_H

#include "balance/balancer.h"
#include "http/head.h"

struct sticky_ids {
    const struct head *head;
    const struct session_settings *session;
    const struct source_list *order;
    struct ajp_cookies cookies; /* to come of one header */
    struct ajp_fields fields;   /* to come of a packet */
    uint16_t headers;           /* of the head: looked at; of a packet: Cookie headers */
    uint8_t source;             /* place in order */
    bool asked;                 /* that source was asked already */
};

void sticky_ids_init(struct sticky_ids *it, const struct head *head,
                     const struct session_settings *session);
bool sticky_ids_next(struct sticky_ids *it, ajp_str *session_id);

/* The part of a session id after the first separator, null when absent or not [A-Za-z0-9_.-]{1,64}.
 */
ajp_str sticky_route_of(ajp_str session_id, char separator);

/* Is the path one that belongs to no session? */
bool sticky_is_stateless(const struct session_settings *session, ajp_str path);

/* Fills route and session_id of pick, whose outside is set: the first id whose route names a
 * worker, else the first id with a route, else the first id, else nulls. False: no session id at
 * all, or a stateless path. */
bool sticky_find(struct balancer *balancer, const struct head *head, struct pick *pick);

/* Counts the sessions that a reply begins, or names anew, as seen: at the worker of their route,
 * else at the one that answers. */
void sticky_begun(struct balancer *balancer, struct worker *worker, const ajp_response *reply,
                  uint64_t now_ms);

#endif
