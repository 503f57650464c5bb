/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a file, of standard input or of a daemon's tap, read ahead in large pieces. */
#ifndef AJPCAT_INPUT_H
#define AJPCAT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { INPUT_AT_ONCE = 512 * 1024 }; /* the most that input_need can be asked for */

struct input {
    int fd;
    uint8_t *buffer;
    size_t from, to; /* what was read and not yet taken */
    uint64_t bytes;  /* read in all */
    int error;       /* an errno, 0: none */
    int nothing;     /* /dev/null, to be put in the place of what may not end; -1: it ends */
    /* Called, if set, before a read that has to wait. */
    void (*idle)(void *user);
    void *idle_user;
};

/* A path, "-", or unix:PATH for a tap. False: in->error tells why. */
bool input_open(struct input *in, const char *path);
/* At least n bytes in a row, valid until the next call; NULL when so many do not come. */
const uint8_t *input_need(struct input *in, size_t n);
void input_take(struct input *in, size_t n);
/* The rest of it as a stdio stream, which must not outlive the input; NULL: no memory. */
FILE *input_stream(struct input *in);
/* 0: not known. */
uint64_t input_size(const struct input *in);
/* Whether it may go on for ever: a pipe, a terminal, a tap. Then input_stop is its end, even out of
 * a signal handler. */
bool input_is_endless(const struct input *in);
void input_stop(const struct input *in);
void input_close(struct input *in);

#endif
