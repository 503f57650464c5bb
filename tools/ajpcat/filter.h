/* SPDX-License-Identifier: Apache-2.0 */
/* Filter expressions over exchanges: status >= 500 and uri ~ "^/login" and time > 200ms */
#ifndef AJPCAT_FILTER_H
#define AJPCAT_FILTER_H

#include "args.h"
#include "exchange.h"

#include <regex.h>

enum filter_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_MATCH, OP_NO_MATCH, OP_TRUE };
enum filter_type { TYPE_NUMBER, TYPE_TEXT, TYPE_BOOL, TYPE_TIME };

struct filter_field {
    const char *name;
    enum filter_type type;
    /* Sets the one that fits the type; false: the exchange has no such value (null). */
    bool (*get)(const struct exchange *e, double *number, struct text *string);
};

extern const struct filter_field filter_fields[]; /* ends with a NULL name */

struct filter_node {
    enum { NODE_AND, NODE_OR, NODE_NOT, NODE_TEST } kind;
    struct filter_node *left, *right; /* NOT has a left one only */
    const struct filter_field *field;
    enum filter_op op;
    bool is_null; /* compared with null */
    double number;
    struct text string;
    regex_t regex; /* for the match operators */
    bool has_regex;
};

/* NULL: *column (from 0) and *why tell where and what was expected. */
struct filter_node *filter_parse(const char *expression, size_t *column, const char **why);
/* The value of the option just read; NULL after the user was told. */
struct filter_node *filter_option(const struct args *a);
bool filter_accepts(const struct filter_node *n, const struct exchange *e);
void filter_free(struct filter_node *n);

#endif
