/* SPDX-License-Identifier: Apache-2.0 */
/* Read ahead, so that the first bytes can be looked at where one cannot seek, and so that the
 * records of a capture are used where they were read. */
#include "input.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int open_tap(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof at.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(at.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

bool input_open(struct input *in, const char *path)
{
    *in = (struct input){.fd = strcmp(path, "-") == 0           ? dup(STDIN_FILENO)
                               : strncmp(path, "unix:", 5) == 0 ? open_tap(path + 5)
                                                                : open(path, O_RDONLY | O_CLOEXEC),
                         .nothing = -1};
    if (in->fd < 0) {
        in->error = errno;
        return false;
    }
    struct stat s;
    if (fstat(in->fd, &s) == 0 && !S_ISREG(s.st_mode))
        in->nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    in->buffer = xmalloc(INPUT_AT_ONCE);
    return true;
}

bool input_is_endless(const struct input *in)
{
    return in->nothing >= 0;
}

/* A read that waits ends by the signal, and any later one finds the end. */
void input_stop(const struct input *in)
{
    int saved = errno;
    if (in->nothing >= 0)
        (void)dup2(in->nothing, in->fd);
    errno = saved;
}

static void tell_idle(struct input *in)
{
    struct pollfd ready = {.fd = in->fd, .events = POLLIN};
    if (in->idle && poll(&ready, 1, 0) == 0)
        in->idle(in->idle_user);
}

static ssize_t read_some(struct input *in, void *to, size_t len)
{
    ssize_t n;
    tell_idle(in);
    do {
        n = read(in->fd, to, len);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        in->error = errno;
    else
        in->bytes += (uint64_t)n;
    return n;
}

const uint8_t *input_need(struct input *in, size_t n)
{
    if (in->to - in->from < n && in->from > 0) {
        memmove(in->buffer, in->buffer + in->from, in->to - in->from);
        in->to -= in->from;
        in->from = 0;
    }
    while (in->to - in->from < n) {
        ssize_t more = read_some(in, in->buffer + in->to, INPUT_AT_ONCE - in->to);
        if (more <= 0)
            return NULL;
        in->to += (size_t)more;
    }
    return in->buffer + in->from;
}

void input_take(struct input *in, size_t n)
{
    in->from += n;
}

static ssize_t stream_read(void *cookie, char *out, size_t len)
{
    struct input *in = cookie;
    size_t n = in->to - in->from;
    if (n == 0)
        return read_some(in, out, len);
    if (n > len)
        n = len;
    memcpy(out, in->buffer + in->from, n);
    input_take(in, n);
    return (ssize_t)n;
}

FILE *input_stream(struct input *in)
{
    FILE *f = fopencookie(in, "r", (cookie_io_functions_t){.read = stream_read});
    if (f)
        setvbuf(f, NULL, _IOFBF, INPUT_AT_ONCE / 2);
    return f;
}

uint64_t input_size(const struct input *in)
{
    struct stat s;
    return in->fd >= 0 && fstat(in->fd, &s) == 0 && S_ISREG(s.st_mode) ? (uint64_t)s.st_size : 0;
}

void input_close(struct input *in)
{
    if (in->fd >= 0)
        close(in->fd);
    if (in->nothing >= 0)
        close(in->nothing);
    free(in->buffer);
    in->buffer = NULL;
    in->fd = in->nothing = -1;
}
