/* SPDX-License-Identifier: Apache-2.0 */
/* Command line options of a subcommand, read and explained from one table. */
#ifndef AJPCAT_ARGS_H
#define AJPCAT_ARGS_H

#include <stdbool.h>
#include <stdint.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct arg {
    char letter;       /* 0: none */
    const char *name;  /* NULL ends the table */
    const char *value; /* what the value is called, NULL: a switch */
    const char *help;
};

struct args {
    const char *command;  /* "serve" */
    const char *operands; /* "HOST:PORT", for the usage line */
    const char *about;
    const struct arg *table;
    int argc;
    char **argv;
    int at;             /* next word */
    const char *bundle; /* rest of a word of switches: -iv */
    const char *value;  /* of the option or operand just read */
    bool only_operands; /* after -- */
};

enum { ARGS_END = -1, ARGS_OPERAND = -2, ARGS_ERROR = -3, ARGS_HELP = -4 };

/* argv[0] is the subcommand's name. */
void args_init(struct args *a, int argc, char **argv, const char *operands, const char *about,
               const struct arg *table);

/* When set, args_next calls it once and returns ARGS_HELP: the table is wanted, not the words. */
extern void (*args_describe)(const struct args *a);

/* The row of the next option, or one of the numbers above. ARGS_ERROR has told
 * the user already; ARGS_HELP has printed the help. */
int args_next(struct args *a);

/* "ajpcat serve: ..." on standard error, with where to find help. Returns EXIT_USAGE. */
int args_wrong(const struct args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit code for a negative result of args_next. */
int args_exit(int result);

/* Numbers and durations ("250ms", "2s", "1m"; a bare number counts seconds). False: not one. */
bool parse_uint(const char *s, uint64_t max, uint64_t *out);
bool parse_duration_ms(const char *s, uint64_t *out);

/* The value of the option just read as a number in min..max; tells the user if it is not. */
bool args_uint(const struct args *a, uint64_t min, uint64_t max, uint64_t *out);
bool args_duration_ms(const struct args *a, uint64_t *out);

#endif
