/* SPDX-License-Identifier: Apache-2.0 */
/* What a reload cannot change: it is told which of these the file has changed since the start. */
#ifndef ENGINE_RUN_RESTART_H
#define ENGINE_RUN_RESTART_H

#include "config/settings.h"

enum { RESTART_KEYS_MAX = 8 };

struct restart {
    char *at_start[RESTART_KEYS_MAX]; /* values as text; NULL: not known */
};

void restart_remember(struct restart *restart, const struct settings *settings);
void restart_forget(struct restart *restart);
/* A line in the log when there are any. */
void restart_tell(const struct restart *restart, const struct settings *settings);

#endif
