/* SPDX-License-Identifier: Apache-2.0 */
/* Completions for shells, written from the option tables of the subcommands. */
#ifndef AJPCAT_COMPLETION_H
#define AJPCAT_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
};

/* To standard output, for "bash", "zsh" or "fish"; false: another shell. */
bool completion_print(const char *shell, const struct command *commands, size_t count);

#endif
