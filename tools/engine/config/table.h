/* SPDX-License-Identifier: Apache-2.0 */
/* Every setting, once: its key in the file, its option, its kind, its bounds and its place. The
 * file's schema, the command line, the dump and the help all come from these rows. */
#ifndef ENGINE_CONFIG_TABLE_H
#define ENGINE_CONFIG_TABLE_H

#include "config/settings.h"

enum kind {
    KIND_NUMBER,      /* uint32_t */
    KIND_SIZE,        /* uint64_t; k, M, G are powers of 1024 */
    KIND_DURATION,    /* uint32_t milliseconds; "10s", "500ms", "2m" */
    KIND_BOOL,        /* bool */
    KIND_CHOICE,      /* an enum, by its names */
    KIND_TEXT,        /* ajp_str */
    KIND_NAME,        /* ajp_str of [A-Za-z0-9_.-]{1,64} */
    KIND_PATH,        /* ajp_str: /path?query of visible ASCII, at most 1000 bytes */
    KIND_LISTEN_URL,  /* proto, host and port of a listener */
    KIND_WORKER_URL,  /* of a worker */
    KIND_SECRET_FILE, /* ajp_str: the first line of a file */
    KIND_SECRET_ENV,  /* ajp_str: an environment variable */
    KIND_MARK,        /* char: one of . ! : ~ - _ */
    KIND_MODE,        /* uint32_t: of a file, in octal */
    KIND_GROUP,       /* ajp_str: of users, its name or number */
    KIND_NAMES,       /* struct text_list, each as KIND_NAME */
    KIND_MEMBERS,     /* struct text_list: names, or NAME=WEIGHT */
    KIND_SOURCES,     /* struct source_list */
    KIND_HOST,        /* ajp_str: a host name, or "*." and one */
    KIND_HOSTS,       /* struct text_list: likewise, several */
    KIND_PATHS,       /* struct text_list: paths with stars and '?', with or without '!' */
    KIND_PATTERNS,    /* struct text_list: /exact, /prefix*, *suffix */
    KIND_FILES,       /* struct text_list */
    KIND_NETWORKS,    /* struct network_list */
    KIND_RULES,       /* struct rule_list: names, or their beginnings and '*' */
    KIND_RENAMES,     /* struct pair_list: OLD=NEW, of attributes */
    KIND_ADDS,        /* struct pair_list: NAME=VALUE, of attributes */
};

struct setting_row {
    const char *group; /* mapping that holds the key; NULL: top level, or the entry of a list */
    const char *key;
    enum kind kind;
    size_t offset; /* into struct settings, listener_settings or worker_settings */
    uint64_t min, max;
    const char *const *choices; /* NULL-ended */
    const char *option;         /* "--threads"; NULL: file only */
    const char *help;
};

struct setting_table {
    const struct setting_row *rows;
    size_t count;
};

enum { ROWS_MAX = 128 }; /* of any one table */

extern const struct setting_table table_top;
extern const struct setting_table table_listener;
extern const struct setting_table table_worker;
extern const struct setting_table table_route;

/* Of the row with that key, which is there. */
size_t table_row_of(const struct setting_table *table, const char *key);

#endif
