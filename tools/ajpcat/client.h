/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to an app server, in the web server's role, one thing at a time. */
#ifndef AJPCAT_CLIENT_H
#define AJPCAT_CLIENT_H

#include "link.h"
#include "net.h"

#include <ajp/ajp.h>

#include <signal.h>
#include <stdio.h>

/* How it went; also the exit codes of `get` and `ping`. */
enum client_result {
    CLIENT_OK = 0,
    CLIENT_FAILED = 1, /* something here: a file, a wish that does not fit a packet */
    CLIENT_CONNECT = 3,
    CLIENT_TIMEOUT = 4,
    CLIENT_PROTOCOL = 5,
    CLIENT_TRUNCATED = 6, /* the server closed too early */
};

struct client {
    struct link link;
    ajp_session session;
    ajp_limits limits;
    int timeout_ms;       /* for each wait */
    uint64_t deadline_ns; /* for all of it, by now_ns; 0: none */
    struct secure_options tls;
    const struct address *at; /* where to connect to, NULL: where the URL says */
    /* Where signals may end a wait: the mask while waiting, and what a handler sets. */
    const sigset_t *waiting_mask;
    const volatile sig_atomic_t *stop;
    uint8_t *in;
    size_t in_len, in_at;
    uint64_t received, sent; /* bytes */
    struct text why;         /* after a failure, for people */
    /* Called for each packet in either direction; its payload may be there in part only. */
    void (*trace)(void *user, bool sent, const uint8_t *payload, size_t len, const ajp_message *m);
    void *trace_user;
};

void client_init(struct client *c, uint32_t max_packet, int timeout_ms);
enum client_result client_connect(struct client *c, const struct url *u);
enum client_result client_write(struct client *c, const void *bytes, size_t len);

/* The next message or part of a body; it points into the client's buffer until the next call. */
enum client_result client_next(struct client *c, ajp_message *m);

/* Appends what comes next to in[in_at..in_len), whatever it is. */
enum client_result client_read_more(struct client *c);

/* Sends a CPing and waits for its CPong. */
enum client_result client_ping(struct client *c);
void client_close(struct client *c);
void client_free(struct client *c);

#endif
