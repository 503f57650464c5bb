/* SPDX-License-Identifier: Apache-2.0 */
/* The few socket and clock calls that the bench programs share. Everything is on 127.0.0.1. */
#ifndef BENCH_SOCK_H
#define BENCH_SOCK_H
#include <stdint.h>
#include <sys/epoll.h>

/* All of these end the program with a message when the system refuses. */
int sock_listen(uint16_t port); /* non-blocking; port 0 picks one */
uint16_t sock_port(int fd);     /* the local port */
void sock_tune(int fd);         /* non-blocking, no delay */
void sock_watch(int loop, int op, int fd, uint32_t events, void *data);
void raise_fd_limit(void);
void die(const char *what) __attribute__((noreturn));

int sock_connect(uint16_t port); /* tuned; -1 when refused */
uint64_t now_ns(void);

#endif
