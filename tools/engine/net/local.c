/* SPDX-License-Identifier: Apache-2.0 */
/* A path in a file may be mistyped: whatever it names but a socket is left alone. */
#include "net/local.h"

#include "base/path.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static const char no_socket[] = "there is a file that is no socket, and it stays";
static const char no_folder[] = "the folder that it is to be in is not there";

bool local_group(const char *name, gid_t *out)
{
    const struct group *found = getgrnam(name);
    char *end;
    unsigned long number;

    if (found != NULL) {
        *out = found->gr_gid;
        return true;
    }
    number = strtoul(name, &end, 10);
    if (name[0] < '0' || name[0] > '9' || *end != '\0' || number >= (gid_t)-1)
        return false;
    *out = (gid_t)number;
    return true;
}

static bool says(char *why, size_t why_cap, const char *text)
{
    snprintf(why, why_cap, "%s", text);
    return false;
}

bool local_may_listen(const char *path, char *why, size_t why_cap)
{
    struct stat st;
    int rc;

    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return says(why, why_cap, strerror(ENAMETOOLONG));
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return says(why, why_cap, no_socket);
    rc = path_may_make(path);
    return rc == 0 || says(why, why_cap, rc == ENOENT ? no_folder : strerror(rc));
}

bool local_may_give(const char *group, char *why, size_t why_cap)
{
    gid_t id, all[256];
    int count = getgroups(sizeof(all) / sizeof(all[0]), all);

    if (!local_group(group, &id))
        return says(why, why_cap, "there is none");
    if (geteuid() == 0 || getegid() == id || count < 0)
        return true;
    for (int i = 0; i < count; i++)
        if (all[i] == id)
            return true;
    return says(why, why_cap, strerror(EPERM));
}

static int fail(int fd, const char *where, const char *why, char *error, size_t error_cap)
{
    snprintf(error, error_cap, "cannot listen on %s: %s", where, why);
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool nobody_listens(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused;

    if (fd < 0)
        return false;
    refused = connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* False: there is something that is no socket. */
static bool make_room(const struct sockaddr_un *at, bool taking)
{
    struct stat st;

    if (lstat(at->sun_path, &st) != 0)
        return true; /* bind tells what is wrong, if anything is */
    if (!S_ISSOCK(st.st_mode))
        return false;
    if (taking || nobody_listens(at))
        unlink(at->sun_path);
    return true;
}

/* Nobody can connect before it listens, so nobody comes in by the mode that it is made with. */
static bool give_access(const char *path, const struct local_access *access)
{
    if (access->group != (gid_t)-1 && chown(path, (uid_t)-1, access->group) != 0)
        return false;
    return chmod(path, access->mode) == 0;
}

int local_listen(struct local_socket *local, const char *path, const struct local_access *access,
                 bool taking, const char *where, char *error, size_t error_cap)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    mode_t mask;
    int fd, rc;

    if (strlen(path) >= sizeof(at.sun_path))
        return fail(-1, where, strerror(ENAMETOOLONG), error, error_cap);
    memcpy(at.sun_path, path, strlen(path) + 1);
    if (!make_room(&at, taking))
        return fail(-1, where, no_socket, error, error_cap);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(fd, where, strerror(errno), error, error_cap);
    mask = umask(0177);
    rc = bind(fd, (struct sockaddr *)&at, sizeof(at));
    umask(mask);
    if (rc != 0)
        return fail(fd, where, errno == ENOENT ? no_folder : strerror(errno), error, error_cap);
    local_adopt(local, path);
    if (give_access(path, access) && listen(fd, BACKLOG) == 0)
        return fd;
    fail(fd, where, strerror(errno), error, error_cap);
    local_remove(local);
    return -1;
}

void local_adopt(struct local_socket *local, const char *path)
{
    struct stat st;

    *local = (struct local_socket){.path = path};
    if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    local->device = st.st_dev;
    local->node = st.st_ino;
}

void local_remove(const struct local_socket *local)
{
    struct stat st;

    if (lstat(local->path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_dev == local->device &&
        st.st_ino == local->node)
        unlink(local->path);
}
