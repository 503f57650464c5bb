/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON into a text. Commas look after themselves; strings from the wire are taken as
 * Latin-1 where they are not UTF-8, so that the output is always valid. */
#ifndef AJPCAT_JSON_H
#define AJPCAT_JSON_H

#include "text.h"

#include <ajp/base.h>

struct json {
    struct text *out;
    bool comma;
};

/* The functions take a key inside objects and NULL inside lists. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_string(struct json *j, const char *key, ajp_str value); /* a null view gives null */
void json_cstring(struct json *j, const char *key, const char *value);
void json_int(struct json *j, const char *key, int64_t value);
void json_real(struct json *j, const char *key, double value, int digits);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

/* The quoted and escaped string alone. */
void json_quote(struct text *out, const char *s, size_t len);

#endif
