/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets that we listen on: whose they are, and that nothing else is ever removed for them.
 */
#ifndef ENGINE_NET_LOCAL_H
#define ENGINE_NET_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* What was made, to be removed again. */
struct local_socket {
    const char *path; /* the caller's */
    dev_t device;
    ino_t node;
};

/* Who may connect. */
struct local_access {
    mode_t mode;
    gid_t group; /* (gid_t)-1: as the process has it */
};

/* A group by its name or number. False: there is none. */
bool local_group(const char *name, gid_t *out);

/* Could local_listen make one there, and give it away? Nothing is made. False with the reason. A
 * socket that is there already is no fault. */
bool local_may_listen(const char *path, char *why, size_t why_cap);
bool local_may_give(const char *group, char *why, size_t why_cap);

/* A socket at path. One that nobody listens on any more is replaced, or, when taking, any; what is
 * no socket stays. -1 with one message in error: where is how it is called there. */
int local_listen(struct local_socket *local, const char *path, const struct local_access *access,
                 bool taking, const char *where, char *error, size_t error_cap);
/* The path is remembered as ours, made by a predecessor. */
void local_adopt(struct local_socket *local, const char *path);
/* Unless somebody else has put something there since. */
void local_remove(const struct local_socket *local);

#endif
