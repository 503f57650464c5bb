/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the command line: those of the settings' rows, and those that are more than a row.
 */
#ifndef ENGINE_CONFIG_OPTIONS_LIST_H
#define ENGINE_CONFIG_OPTIONS_LIST_H

#include "config/options.h"
#include "config/table.h"

enum flag {
    FLAG_CHECK = 1,
    FLAG_DUMP = 2,
    FLAG_HELP = 4,
    FLAG_VERSION = 8,
    FLAG_NO_SECRET = 16,
    FLAG_JSON = 32,
};

enum action {
    ACTION_FLAG, /* no argument */
    ACTION_CONFIG,
    ACTION_LISTEN,
    ACTION_WORKER,
    ACTION_SECRET,        /* of all AJP listeners */
    ACTION_WORKER_SECRET, /* of one worker, or of all */
    ACTION_TLS,           /* of all TLS listeners */
    ACTION_WORKER_TLS,    /* of one worker, or of all with TLS */
    ACTION_ATTRIBUTE,
};

struct option {
    const char *name;
    enum action action;
    enum flag flag;
    const char *key; /* of the row that the value goes to */
    const char *metavar, *help;
};

/* One option of the command line: one of options_list.c, or a row of the settings. */
struct given {
    const struct option *option;
    const struct setting_row *row;
    const char *value; /* NULL: none */
};

bool option_is_named(const char *name, const char *text, size_t len);
/* Fills option or row. False: there is no such option. */
bool option_find(const char *text, size_t len, struct given *given);
/* Has it a meaning for that program? */
bool option_is_of(const struct program *program, const char *name);
/* NULL: none is near. */
const char *option_nearest(const struct program *program, const char *name);
void option_print_help(const struct program *program);

#endif
