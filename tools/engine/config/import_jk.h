/* SPDX-License-Identifier: Apache-2.0 */
/* mod_jk's workers.properties and uriworkermap.properties as a configuration file of ours. */
#ifndef ENGINE_CONFIG_IMPORT_JK_H
#define ENGINE_CONFIG_IMPORT_JK_H

#include "config/options.h"

#include <stdio.h>

/* argv after "import". Prints the file on out, with a comment for every key that has no part in
 * it. Gives the exit code: 0, or 2 after one message on standard error. */
int import_jk(int argc, char **argv, const struct program *program, FILE *out);

#endif
