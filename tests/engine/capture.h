/* SPDX-License-Identifier: Apache-2.0 */
/* What a piece of code writes to a descriptor, as text. */
#ifndef TESTS_ENGINE_CAPTURE_H
#define TESTS_ENGINE_CAPTURE_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct capture {
    int fd, saved, file;
    char text[65536];
};

static inline void capture_begin(struct capture *capture, int fd)
{
    fflush(NULL);
    capture->fd = fd;
    capture->saved = dup(fd);
    capture->file = memfd_create("capture", MFD_CLOEXEC);
    dup2(capture->file, fd);
}

static inline const char *capture_end(struct capture *capture)
{
    fflush(NULL);
    dup2(capture->saved, capture->fd);
    close(capture->saved);
    ssize_t n = pread(capture->file, capture->text, sizeof capture->text - 1, 0);
    capture->text[n < 0 ? 0 : n] = '\0';
    close(capture->file);
    return capture->text;
}

#endif
