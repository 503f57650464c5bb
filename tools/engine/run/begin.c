/* SPDX-License-Identifier: Apache-2.0 */
/* What a predecessor was told goes over the settings, as in a reload. */
#include "run/begin.h"

#include "net/inherit.h"
#include "run/expand.h"

#include <stdio.h>

int begin_settings(int argc, char **argv, const struct program *program, struct overlay *overlay,
                   struct handover **handover, struct settings **set)
{
    char error[256];
    int rc;

    inherit_init();
    if (!handover_read(overlay, handover, error, sizeof(error))) {
        fprintf(stderr, "%s: %s\n", program->name, error);
        return 1;
    }
    rc = options_parse_over(argc, argv, program, overlay, error, sizeof(error), set);
    if (rc >= 0) {
        handover_free(*handover);
        overlay_clear(overlay);
    }
    return rc;
}

struct generation *begin_generation(struct settings *set, struct handover *handover, char *error,
                                    size_t error_cap)
{
    struct generation *g = NULL;

    if (expand_workers(set, NULL, error, error_cap))
        g = generation_new(set, error, error_cap);
    else
        settings_free(set);
    if (g != NULL && inherit_any()) /* the workers have been at work all the time */
        g->balancer->born_ms = 0;
    if (g != NULL && handover != NULL)
        handover_apply(handover, g->balancer);
    handover_free(handover);
    return g;
}
