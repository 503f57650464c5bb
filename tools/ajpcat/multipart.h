/* SPDX-License-Identifier: Apache-2.0 */
/* multipart/form-data bodies, part by part. */
#ifndef AJPCAT_MULTIPART_H
#define AJPCAT_MULTIPART_H

#include "text.h"

#include <stdbool.h>

enum { MULTIPART_BOUNDARY = 40 };

/* A boundary that no body holds but by chance. */
void multipart_boundary(char out[MULTIPART_BOUNDARY]);

/* Appends the part that the text describes: NAME=TEXT, NAME=<FILE or NAME=@FILE, the last with
 * ;type=TYPE and ;filename=NAME behind. False: *why tells. */
bool multipart_add(struct text *body, const char *boundary, const char *part, const char **why);
void multipart_end(struct text *body, const char *boundary);

#endif
