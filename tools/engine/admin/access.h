/* SPDX-License-Identifier: Apache-2.0 */
/* Who may look at a daemon and change it. A Unix socket has its file's mode and group for that;
 * every user of the machine, and every page in a browser on it, can reach a TCP port of loopback.
 */
#ifndef ENGINE_ADMIN_ACCESS_H
#define ENGINE_ADMIN_ACCESS_H

#include "config/settings.h"

/* What a request says of its sender; NULL: nothing. */
struct admin_caller {
    bool local; /* came by the Unix socket */
    const char *host, *origin, *authorization;
    const char *header; /* X-Ajp-Admin, which a page in a browser cannot send by itself */
};

/* NULL: he may. Otherwise the status of the answer and what has to be done, constant text. */
const char *admin_may_look(const struct admin_caller *caller, unsigned *status);
const char *admin_may_change(const struct admin_caller *caller, ajp_str token, unsigned *status);

#endif
