/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the line and column of a value in a YAML file, for messages about it. */
#ifndef ENGINE_CONFIG_LOCATE_H
#define ENGINE_CONFIG_LOCATE_H

#include <stdbool.h>
#include <stddef.h>

/* Counted from 1. outer: group or list, NULL for a key of the top level. index: entry of the
 * list, below 0 for a group. key: NULL for the entry itself. What is nearest is given when the
 * value is not there; 1:1 in the worst case. */
void locate_value(const char *path, const char *outer, int index, const char *key, unsigned *line,
                  unsigned *column);

/* True when the file is no YAML: where, and what libyaml says. */
bool locate_syntax_error(const char *path, unsigned *line, unsigned *column, char *problem,
                         size_t cap);

#endif
