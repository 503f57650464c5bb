/* SPDX-License-Identifier: Apache-2.0 */
/* The mistakes that a draft has noted, told. */
#ifndef ENGINE_CONFIG_MISTAKES_H
#define ENGINE_CONFIG_MISTAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct draft;

/* There is no other: what was read is not what is there. */
void mistakes_of_memory(struct draft *draft);
/* In the order of the file. */
void mistakes_sort(struct draft *draft);
/* "FILE:LINE:COLUMN: KEY: TEXT" of one of them, or what is known of it. Gives buf. */
const char *mistakes_line(const struct draft *draft, size_t at, char *buf, size_t cap);
/* A line each, and how many they are when they are several. */
void mistakes_print(const struct draft *draft, FILE *out);
/* An event each. */
void mistakes_log(const struct draft *draft);
/* {"file": ..., "valid": ..., "mistakes": [{"line": ..., "column": ..., "key": ..., "message":
 * ...}]}. False: out of memory. */
bool mistakes_print_json(const struct draft *draft, FILE *out);

#endif
