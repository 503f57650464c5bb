/* SPDX-License-Identifier: Apache-2.0 */
/* What a start would find wrong beside the settings themselves: addresses and files that it could
 * not listen on or open. */
#ifndef ENGINE_RUN_PREFLIGHT_H
#define ENGINE_RUN_PREFLIGHT_H

#include <stdbool.h>

struct draft;

/* Notes it in the draft. checking: for --check, also what is there now may be looked at; nothing is
 * made, changed or asked of the network. */
void preflight(struct draft *draft, bool checking);

#endif
