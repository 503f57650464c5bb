/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the known word that is nearest to one that is not known. */
#ifndef ENGINE_BASE_NEAREST_H
#define ENGINE_BASE_NEAREST_H

struct nearest {
    const char *text;  /* as it was written */
    const char *found; /* the best word so far; NULL: none is near enough */
    unsigned distance; /* of it, in letters */
};

struct nearest nearest_to(const char *text);
/* word has to outlive the answer. */
void nearest_try(struct nearest *nearest, const char *word);

#endif
