/* SPDX-License-Identifier: Apache-2.0 */
/* For those who put a settings tree together: memory that settings_free takes back. */
#ifndef ENGINE_CONFIG_SETTINGS_BUILD_H
#define ENGINE_CONFIG_SETTINGS_BUILD_H

#include "config/settings.h"

/* Zeroed; never NULL. */
void *settings_alloc(struct settings *settings, size_t size);
/* A NUL-terminated copy; the null string stays null. */
ajp_str settings_text(struct settings *settings, ajp_str text);

#endif
