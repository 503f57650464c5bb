/* SPDX-License-Identifier: Apache-2.0 */
/* Options from a table: -x, -xVALUE, -xyz, --name VALUE, --name=VALUE, --. */
#include "args.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void (*args_describe)(const struct args *a);

void args_init(struct args *a, int argc, char **argv, const char *operands, const char *about,
               const struct arg *table)
{
    *a = (struct args){.command = argv[0],
                       .operands = operands,
                       .about = about,
                       .table = table,
                       .argc = argc,
                       .argv = argv,
                       .at = 1};
}

int args_wrong(const struct args *a, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "ajpcat %s: ", a->command);
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\nSee: ajpcat %s --help\n", a->command);
    va_end(ap);
    return EXIT_USAGE;
}

int args_exit(int result)
{
    return result == ARGS_HELP ? 0 : EXIT_USAGE;
}

static void print_help(const struct args *a)
{
    printf("Usage: ajpcat %s [options]%s%s\n%s\n\n", a->command, a->operands[0] ? " " : "",
           a->operands, a->about);
    for (const struct arg *o = a->table; o->name; o++) {
        char left[64];
        char letter[5] = "    ";
        if (o->letter)
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        printf("  %-30s %s\n", left, o->help);
    }
    printf("  %-30s %s\n", "-h, --help", "this help");
}

static int find_name(const struct arg *table, const char *name, size_t len)
{
    for (int i = 0; table[i].name; i++) {
        if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
            return i;
    }
    return ARGS_ERROR;
}

static int find_letter(const struct arg *table, char letter)
{
    for (int i = 0; table[i].name; i++) {
        if (table[i].letter == letter)
            return i;
    }
    return ARGS_ERROR;
}

static int take_value(struct args *a, int row, const char *attached)
{
    const struct arg *o = &a->table[row];
    a->value = attached;
    if (!o->value && attached)
        return args_wrong(a, "--%s takes no value", o->name), ARGS_ERROR;
    if (!o->value || attached)
        return row;
    if (a->at >= a->argc)
        return args_wrong(a, "--%s wants %s", o->name, o->value), ARGS_ERROR;
    a->value = a->argv[a->at++];
    return row;
}

static int next_letter(struct args *a)
{
    char letter = *a->bundle++;
    const char *rest = *a->bundle ? a->bundle : NULL;
    int row = find_letter(a->table, letter);
    if (row < 0 && letter == 'h') {
        print_help(a);
        return ARGS_HELP;
    }
    if (row < 0)
        return args_wrong(a, "unknown option -%c", letter), ARGS_ERROR;
    if (a->table[row].value || !rest)
        a->bundle = NULL;
    return take_value(a, row, a->table[row].value ? rest : NULL);
}

static int next_long(struct args *a, const char *word)
{
    size_t len = strcspn(word, "=");
    if (strcmp(word, "help") == 0) {
        print_help(a);
        return ARGS_HELP;
    }
    int row = find_name(a->table, word, len);
    if (row < 0)
        return args_wrong(a, "unknown option --%.*s", (int)len, word), ARGS_ERROR;
    return take_value(a, row, word[len] ? word + len + 1 : NULL);
}

int args_next(struct args *a)
{
    if (args_describe) {
        args_describe(a);
        return ARGS_HELP;
    }
    if (a->bundle)
        return next_letter(a);
    if (a->at >= a->argc)
        return ARGS_END;
    char *word = a->argv[a->at++];
    if (!a->only_operands && strcmp(word, "--") == 0) {
        a->only_operands = true;
        return args_next(a);
    }
    if (a->only_operands || word[0] != '-' || word[1] == '\0') {
        a->value = word;
        return ARGS_OPERAND;
    }
    if (word[1] == '-')
        return next_long(a, word + 2);
    a->bundle = word + 1;
    return next_letter(a);
}

/* Digits at *s as a number up to max; moves *s behind them. */
static bool take_digits(const char **s, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    const char *p = *s;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    if (p == *s)
        return false;
    *s = p;
    *out = n;
    return true;
}

bool parse_uint(const char *s, uint64_t max, uint64_t *out)
{
    uint64_t n;
    if (!take_digits(&s, max, &n) || *s)
        return false;
    *out = n;
    return true;
}

bool parse_duration_ms(const char *s, uint64_t *out)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t whole, thousandths = 0;
    if (!take_digits(&s, UINT32_MAX, &whole))
        return false;
    if (*s == '.') {
        uint64_t weight = 100;
        for (s++; *s >= '0' && *s <= '9'; s++, weight /= 10)
            thousandths += weight * (uint64_t)(*s - '0');
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(s, units[i].unit) == 0) {
            *out = whole * units[i].ms + thousandths * units[i].ms / 1000;
            return true;
        }
    }
    return false;
}

/* How the option was given, for messages: its row is found by the value's place. */
static const char *last_word(const struct args *a)
{
    const char *word = a->argv[a->at - 1];
    return a->value == word && a->at >= 2 ? a->argv[a->at - 2] : word;
}

bool args_uint(const struct args *a, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t n;
    if (parse_uint(a->value, max, &n) && n >= min) {
        *out = n;
        return true;
    }
    args_wrong(a, "%s: expected a number from %" PRIu64 " to %" PRIu64 ", not \"%s\"", last_word(a),
               min, max, a->value);
    return false;
}

bool args_duration_ms(const struct args *a, uint64_t *out)
{
    if (parse_duration_ms(a->value, out))
        return true;
    args_wrong(a, "%s: expected a duration such as 250ms, 2s or 1m, not \"%s\"", last_word(a),
               a->value);
    return false;
}
