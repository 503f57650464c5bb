/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a setting: from text into its place, and back. */
#ifndef ENGINE_CONFIG_VALUE_H
#define ENGINE_CONFIG_VALUE_H

#include "config/table.h"

#include <stdio.h>

struct value_context {
    struct settings *owner; /* of the memory of texts */
    unsigned listen_protos; /* bits of what KIND_LISTEN_URL may name */
    char *why;              /* filled when a value is refused: what was expected */
    size_t why_cap;
};

/* base is what row->offset counts from: settings, a listener or a worker. */
bool value_set(const struct value_context *ctx, const struct setting_row *row, void *base,
               const char *text);
/* For the kinds that are lists: adds to what is there. */
bool value_set_list(const struct value_context *ctx, const struct setting_row *row, void *base,
                    const char *const *items, size_t count);
bool value_is_list(enum kind kind);

/* As YAML, "null" for what is absent. Secrets are not printed: false, nothing is written. */
bool value_print(FILE *out, const struct setting_row *row, const void *base);

bool value_is_name(ajp_str text);
/* NAME or NAME=WEIGHT; without it weight is 0. False: neither. */
bool value_is_member(ajp_str text, ajp_str *name, uint32_t *weight);
/* What a normalised path can look like, with stars for any text and '?' for any byte; or '!' and
 * one. */
bool value_is_path_pattern(const char *text);

enum { VALUE_HOST_MAX = 256 };
/* A host name or "*." and one, in lower case. False: neither. */
bool value_host(const char *text, char host[VALUE_HOST_MAX]);

/* For value.c and value_list.c: "expected WHAT, got TEXT" into ctx->why. Returns false. */
bool value_refuse(const struct value_context *ctx, const char *text, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void value_print_text(FILE *out, ajp_str text);
void value_print_list(FILE *out, const struct setting_row *row, const void *base);

#endif
