/* SPDX-License-Identifier: Apache-2.0 */
/* For those who put a settings tree together: memory that settings_free takes back. */
#ifndef ENGINE_CONFIG_SETTINGS_BUILD_H
#define ENGINE_CONFIG_SETTINGS_BUILD_H

#include "config/settings.h"

/* Zeroed. NULL: out of memory; settings.no_memory says so from then on, and who puts the tree
 * together looks at that in the end. */
void *settings_alloc(struct settings *settings, size_t size);
/* A NUL-terminated copy; the null string stays null. The empty text when memory has run out. */
ajp_str settings_text(struct settings *settings, ajp_str text);

#endif
