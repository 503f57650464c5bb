/* SPDX-License-Identifier: Apache-2.0 */
/* Request attributes by their names: which are harmless, which never go on, and what a listener's
 * and a worker's policy make of the rest. */
#ifndef ENGINE_MAP_ATTRIBUTES_H
#define ENGINE_MAP_ATTRIBUTES_H

#include "config/settings.h"

#include <ajp/ajp.h>

/* What web servers send, and Tomcat takes, by itself. */
bool attribute_usual(ajp_str name);
/* It says who the client is: believed only of those who are trusted. */
bool attribute_identity(ajp_str name);
/* Never, whatever the settings say. */
bool attribute_forbidden(ajp_str name);
bool attribute_listed(const struct rule_list *rules, ajp_str name);
/* The name that it gets; null: it keeps its own. */
ajp_str attribute_renamed(const struct attribute_policy *policy, ajp_str name);

/* The name under which an attribute reaches the worker, null when it does not. Both policies may be
 * NULL; what the listener allows was judged before. */
ajp_str attribute_at_worker(const struct attribute_policy *front,
                            const struct attribute_policy *back, ajp_str name);
/* What both add. */
void attributes_add(ajp_writer *w, const struct attribute_policy *front,
                    const struct attribute_policy *back);

#endif
