/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of `ajpcat serve`: a counter of visits for each id. */
#ifndef AJPCAT_SERVE_SESSION_H
#define AJPCAT_SERVE_SESSION_H

#include <ajp/ajp.h>
#include <stdbool.h>

enum { SESSION_ID = 32 }; /* hexadecimal digits, with no route behind them */

/* id begins like one of ours: what may follow is a dot and a route. */
bool session_is_id(ajp_str id);
void session_new_id(char id[SESSION_ID + 1]);

/* Counts a visit and returns the sum. An id that is new here is taken over, counting from 1. With a
 * folder (not NULL) the counters are kept there, and nodes that share it share their sessions.
 * 0: the folder cannot be used, errno says why. */
unsigned session_visit(const char *folder, const char *id);

#endif
