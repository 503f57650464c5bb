/* SPDX-License-Identifier: Apache-2.0 */
/* In memory, or as a file for each session in a folder that nodes share. */
#include "serve_session.h"

#include "text.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

enum { BUCKETS = 4096 };

struct session {
    char id[SESSION_ID + 1];
    unsigned count;
    struct session *next;
};

static struct session *sessions[BUCKETS];
static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;

bool session_is_id(ajp_str id)
{
    if (id.len < SESSION_ID)
        return false;
    for (size_t i = 0; i < SESSION_ID; i++) {
        if (!strchr("0123456789ABCDEFabcdef", id.ptr[i]))
            return false;
    }
    return id.len == SESSION_ID || id.ptr[SESSION_ID] == '.';
}

void session_new_id(char id[SESSION_ID + 1])
{
    unsigned char bytes[SESSION_ID / 2] = {0};
    if (getrandom(bytes, sizeof bytes, 0) < 0)
        abort();
    for (size_t i = 0; i < sizeof bytes; i++) {
        id[2 * i] = "0123456789ABCDEF"[bytes[i] >> 4];
        id[2 * i + 1] = "0123456789ABCDEF"[bytes[i] & 15];
    }
    id[SESSION_ID] = '\0';
}

static unsigned visit_in_memory(const char *id)
{
    unsigned hash = 2166136261u;
    for (const char *p = id; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    pthread_mutex_lock(&sessions_lock);
    struct session **slot = &sessions[hash % BUCKETS];
    while (*slot && strcmp((*slot)->id, id) != 0)
        slot = &(*slot)->next;
    if (!*slot) {
        *slot = xmalloc(sizeof **slot);
        **slot = (struct session){0};
        memcpy((*slot)->id, id, SESSION_ID);
    }
    unsigned count = ++(*slot)->count;
    pthread_mutex_unlock(&sessions_lock);
    return count;
}

/* The lock is for other nodes: a node that is killed between reading and writing leaves the old
 * count. */
static unsigned count_in_file(int fd)
{
    char digits[16] = "";
    if (flock(fd, LOCK_EX) != 0 || pread(fd, digits, sizeof digits - 1, 0) < 0)
        return 0;
    unsigned count = (unsigned)strtoul(digits, NULL, 10) + 1;
    int len = snprintf(digits, sizeof digits, "%u\n", count);
    return pwrite(fd, digits, (size_t)len, 0) == len ? count : 0;
}

static unsigned visit_in_folder(const char *folder, const char *id)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, id) >= (int)sizeof path)
        return 0;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return 0;
    unsigned count = count_in_file(fd);
    close(fd);
    return count;
}

unsigned session_visit(const char *folder, const char *id)
{
    return folder ? visit_in_folder(folder, id) : visit_in_memory(id);
}
