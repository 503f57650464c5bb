/* SPDX-License-Identifier: Apache-2.0 */
/* What a server that misbehaves does on a connection, step by step: the language of
 * `ajpcat serve --script` and of its /fault/ pages. */
#ifndef AJPCAT_SCRIPT_H
#define AJPCAT_SCRIPT_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

enum script_verb {
    SCRIPT_SEND,   /* bytes */
    SCRIPT_EXPECT, /* a packet, number says of which kind */
    SCRIPT_WAIT,   /* number milliseconds */
    SCRIPT_CLOSE,
    SCRIPT_RESET,
    SCRIPT_REPEAT, /* all from the beginning */
};

enum script_kind { EXPECT_ANY, EXPECT_REQUEST, EXPECT_DATA, EXPECT_CPING };

struct script {
    const char *name;
    struct script_step {
        enum script_verb verb;
        unsigned line;
        uint64_t number;
        struct text bytes;
    } * steps;
    size_t count;
};

/* False: *line and *why tell where and what was expected. */
bool script_parse(struct script *s, const char *text, unsigned *line, const char **why);
void script_free(struct script *s);

/* The pages below /fault/. */
struct script_fault {
    const char *name, *about, *text;
};
extern const struct script_fault script_faults[]; /* ends with a NULL name */
void script_faults_load(void);
const struct script *script_fault_find(const char *name);

#endif
