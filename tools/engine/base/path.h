/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a file could be opened, without opening or making it. */
#ifndef ENGINE_BASE_PATH_H
#define ENGINE_BASE_PATH_H

/* 0, or the errno of making path, which is not there. */
int path_may_make(const char *path);
/* 0, or the errno of opening it to write at its end. It is made then if it is not there. */
int path_may_append(const char *path);

#endif
