/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of filters:
 *   either = both { "or" both }      both = not { "and" not }      not = "not" not | test
 *   test = "(" either ")" | FIELD [ OPERATOR value ] */
#include "filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

struct parser {
    const char *text, *at;
    const char *why; /* NULL: no error yet */
    size_t column;
    int depth;
};

static struct filter_node *parse_either(struct parser *p);

static struct filter_node *fail(struct parser *p, const char *at, const char *why)
{
    if (!p->why) {
        p->why = why;
        p->column = (size_t)(at - p->text);
    }
    return NULL;
}

static bool refuse(struct parser *p, const char *at, const char *why)
{
    fail(p, at, why);
    return false;
}

static void skip_blanks(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static size_t word_length(const char *s)
{
    size_t n = 0;
    while (is_word(s[n]))
        n++;
    return n;
}

static bool take_word(struct parser *p, const char *word)
{
    size_t len = strlen(word);
    skip_blanks(p);
    if (word_length(p->at) != len || strncmp(p->at, word, len) != 0)
        return false;
    p->at += len;
    return true;
}

static struct filter_node *node(int kind, struct filter_node *left, struct filter_node *right)
{
    struct filter_node *n = xmalloc(sizeof *n);
    memset(n, 0, sizeof *n);
    n->kind = kind;
    n->left = left;
    n->right = right;
    return n;
}

static const struct filter_field *take_field(struct parser *p)
{
    size_t len = word_length(p->at);
    for (const struct filter_field *f = filter_fields; f->name; f++) {
        if (strlen(f->name) == len && strncmp(f->name, p->at, len) == 0) {
            p->at += len;
            return f;
        }
    }
    return NULL;
}

static bool take_operator(struct parser *p, enum filter_op *op)
{
    static const struct {
        const char *sign;
        enum filter_op op;
    } signs[] = {{"==", OP_EQ},       {"!=", OP_NE},    {"<=", OP_LE}, {">=", OP_GE},
                 {"!~", OP_NO_MATCH}, {"=~", OP_MATCH}, {"<", OP_LT},  {">", OP_GT},
                 {"~", OP_MATCH},     {"=", OP_EQ}};
    skip_blanks(p);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t len = strlen(signs[i].sign);
        if (strncmp(p->at, signs[i].sign, len) == 0) {
            p->at += len;
            *op = signs[i].op;
            return true;
        }
    }
    return false;
}

static bool take_unit(struct parser *p, enum filter_type type, double *factor)
{
    static const struct {
        const char *unit;
        enum filter_type type;
        double factor;
    } units[] = {{"us", TYPE_TIME, 1e-3}, {"ms", TYPE_TIME, 1},     {"s", TYPE_TIME, 1e3},
                 {"m", TYPE_TIME, 6e4},   {"k", TYPE_NUMBER, 1024}, {"M", TYPE_NUMBER, 1048576}};
    size_t len = word_length(p->at);
    *factor = 1; /* a bare time counts milliseconds */
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (units[i].type == type && strlen(units[i].unit) == len &&
            strncmp(units[i].unit, p->at, len) == 0) {
            p->at += len;
            *factor = units[i].factor;
        }
    }
    return !is_word(*p->at);
}

static bool take_number(struct parser *p, struct filter_node *n)
{
    bool is_time = n->field->type == TYPE_TIME;
    char *end;
    double factor;
    if (!isdigit((unsigned char)*p->at))
        return refuse(p, p->at,
                      is_time ? "expected a time such as 200ms, or null"
                              : "expected a number, or null");
    n->number = strtod(p->at, &end);
    p->at = end;
    if (!take_unit(p, n->field->type, &factor))
        return refuse(p, p->at,
                      is_time ? "expected the unit us, ms, s or m"
                              : "expected the unit k or M, or none");
    n->number *= factor;
    return true;
}

/* How often the C library writes out what the repetition at c repeats. */
static uint64_t copies(const char *c)
{
    uint64_t most = 2, here = 0;
    if (*c == '+')
        return most;
    for (c++; *c && *c != '}' && most < 1u << 16; c++) {
        here = *c >= '0' && *c <= '9' ? here * 10 + (uint64_t)(*c - '0') : 0;
        most = here > most ? here : most;
    }
    return most;
}

/* False for a pattern that would take a great deal of memory or time, since repetitions are
 * followed up one by one: of a repetition, as in "a++" or "a**", or of a group with others in it,
 * "(a{99}){99}". */
static bool is_modest(const char *pattern)
{
    uint64_t size = strlen(pattern);
    char before = 'x';
    for (; *pattern && size <= 1u << 13; before = *pattern++) {
        if (!strchr("+*?{", *pattern))
            continue;
        if (strchr("+*?}", before))
            return false;
        if (*pattern != '*' && *pattern != '?')
            size = before == ')' ? size * copies(pattern) : size + copies(pattern);
    }
    return size <= 1u << 13;
}

static bool take_string(struct parser *p, struct filter_node *n)
{
    char quote = *p->at;
    const char *start = p->at;
    if (quote != '"' && quote != '\'')
        return refuse(p, p->at, "expected a text in quotes, or null");
    for (p->at++; *p->at != quote; p->at++) {
        if (*p->at == '\\' && (p->at[1] == quote || p->at[1] == '\\'))
            p->at++;
        if (!*p->at)
            return refuse(p, start, "expected the closing quote");
        text_byte(&n->string, *p->at);
    }
    p->at++;
    if (n->op != OP_MATCH && n->op != OP_NO_MATCH)
        return true;
    const char *pattern = n->string.at ? n->string.at : "";
    if (!is_modest(pattern))
        return refuse(p, start, "expected fewer repetitions in the regular expression");
    n->has_regex = regcomp(&n->regex, pattern, REG_EXTENDED | REG_NOSUB) == 0;
    return n->has_regex || refuse(p, start, "expected an extended regular expression");
}

static bool take_bool(struct parser *p, struct filter_node *n)
{
    n->number = take_word(p, "true");
    return n->number != 0 || take_word(p, "false") || refuse(p, p->at, "expected true or false");
}

static bool take_value(struct parser *p, struct filter_node *n)
{
    skip_blanks(p);
    bool matches = n->op == OP_MATCH || n->op == OP_NO_MATCH;
    if (matches && n->field->type != TYPE_TEXT)
        return refuse(p, p->at, "~ compares texts: expected a text field before it");
    if ((n->op == OP_EQ || n->op == OP_NE) && take_word(p, "null")) {
        n->is_null = true;
        return true;
    }
    switch (n->field->type) {
    case TYPE_TEXT:
        return take_string(p, n);
    case TYPE_BOOL:
        return take_bool(p, n);
    case TYPE_NUMBER:
    case TYPE_TIME:
        return take_number(p, n);
    }
    return false;
}

static struct filter_node *parse_test(struct parser *p)
{
    skip_blanks(p);
    const char *start = p->at;
    if (*p->at == '(') {
        p->at++;
        struct filter_node *n = parse_either(p);
        skip_blanks(p);
        if (n && *p->at == ')') {
            p->at++;
            return n;
        }
        filter_free(n);
        return fail(p, p->at, "expected )");
    }
    const struct filter_field *field = take_field(p);
    if (!field)
        return fail(p, start,
                    "expected a field: kind, method, uri, query, protocol, route, client, "
                    "server, status, connection, index, frame, up, down, problems, quirks, "
                    "time, first, complete or reuse");
    struct filter_node *n = node(NODE_TEST, NULL, NULL);
    n->field = field;
    n->op = OP_TRUE;
    if (take_operator(p, &n->op) ? take_value(p, n) : field->type == TYPE_BOOL)
        return n;
    filter_free(n);
    return fail(p, p->at, "expected ==, !=, <, <=, >, >=, ~ or !~");
}

static struct filter_node *parse_not(struct parser *p)
{
    if (p->depth >= DEPTH_MAX)
        return fail(p, p->at, "expected less nesting");
    p->depth++;
    struct filter_node *n;
    if (take_word(p, "not")) {
        struct filter_node *inner = parse_not(p);
        n = inner ? node(NODE_NOT, inner, NULL) : NULL;
    } else {
        n = parse_test(p);
    }
    p->depth--;
    return n;
}

/* operand { word operand } */
static struct filter_node *parse_chain(struct parser *p, const char *word, int kind,
                                       struct filter_node *(*operand)(struct parser *))
{
    struct filter_node *left = operand(p);
    while (left && take_word(p, word)) {
        struct filter_node *right = operand(p);
        if (!right) {
            filter_free(left);
            return NULL;
        }
        left = node(kind, left, right);
    }
    return left;
}

static struct filter_node *parse_both(struct parser *p)
{
    return parse_chain(p, "and", NODE_AND, parse_not);
}

static struct filter_node *parse_either(struct parser *p)
{
    return parse_chain(p, "or", NODE_OR, parse_both);
}

struct filter_node *filter_parse(const char *expression, size_t *column, const char **why)
{
    struct parser p = {.text = expression, .at = expression};
    struct filter_node *n = parse_either(&p);
    skip_blanks(&p);
    if (n && *p.at) {
        filter_free(n);
        n = fail(&p, p.at, "expected \"and\", \"or\" or the end");
    }
    if (!n) {
        *column = p.column;
        *why = p.why;
    }
    /* cppcheck-suppress returnDanglingLifetime ; the nodes point to no parser */
    return n;
}

struct filter_node *filter_option(const struct args *a)
{
    size_t column;
    const char *why;
    struct filter_node *n = filter_parse(a->value, &column, &why);
    if (!n)
        fprintf(stderr, "ajpcat %s: --filter, column %zu: %s\n  %s\n  %*s^\n", a->command,
                column + 1, why, a->value, (int)column, "");
    return n;
}
