/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of both daemons, merged over the configuration file. */
#ifndef ENGINE_CONFIG_OPTIONS_H
#define ENGINE_CONFIG_OPTIONS_H

#include "config/settings.h"

struct draft;

struct program {
    const char *name;
    const char *summary;    /* one line, for --help */
    unsigned listen_protos; /* bits: 1u << PROTO_HTTP, 1u << PROTO_AJP */
    /* Notes what a start would find wrong beside the settings, all of it for --check; may be NULL.
     */
    void (*preflight)(struct draft *draft, bool checking);
};

/* -1: *out holds the settings, run. Otherwise the exit code, all messages printed:
 * 0 after --help, --version, --check, --dump; 2 for bad options or a bad file. */
int options_parse(int argc, char **argv, const struct program *program, struct settings **out);

/* The same with changes of run time laid over it, and the first message in error as well. */
struct overlay;
int options_parse_over(int argc, char **argv, const struct program *program,
                       const struct overlay *overlay, char *error, size_t error_cap,
                       struct settings **out);
/* Once more, of a program that runs: its messages go to the log. */
int options_parse_again(int argc, char **argv, const struct program *program,
                        const struct overlay *overlay, char *error, size_t error_cap,
                        struct settings **out);

#endif
