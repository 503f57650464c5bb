/* SPDX-License-Identifier: Apache-2.0 */
/* Which workers a request's path and host belong to. */
#ifndef ENGINE_BALANCE_ROUTES_H
#define ENGINE_BALANCE_ROUTES_H

#include "balance/balancer.h"
#include "http/head.h"

/* 0: the pick knows its route, with workers and weights. 404: no route has it. 400: the path can be
 * read in more than one way. What is compared is the path as Tomcat sees it. */
uint16_t routes_find(const struct settings *settings, const struct head *head, struct pick *pick);

#endif
