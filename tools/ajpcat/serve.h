/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded app server. serve_page.c decides what to answer, serve_session.c counts visits,
 * serve_conn.c speaks AJP on one connection, or serve_play.c what a script says, serve_dir.c has
 * the canned answers, serve_loop.c waits for sockets and timers, cmd_serve.c reads the options. */
#ifndef AJPCAT_SERVE_H
#define AJPCAT_SERVE_H

#include "json.h"
#include "link.h"
#include "net.h"
#include "script.h"
#include "text.h"

#include <ajp/ajp.h>

struct serve_options {
    const char *route; /* "" for none */
    struct text secret;
    struct tls_context *side; /* NULL: plain */
    ajp_limits limits;
    const struct script *script; /* for all connections, NULL: none */
    const char *dir;             /* of canned answers, NULL: none */
    const char *sessions;        /* folder that nodes share, NULL: kept in memory */
    bool verbose;                /* a line per request */
    bool quiet;                  /* no complaints either */
};

/* What to answer. Filled by page_begin, completed by page_body_end. */
struct page {
    enum { PAGE_TEXT, PAGE_PATTERN, PAGE_PARTS } kind;
    uint16_t status;
    const char *type;
    const char *location; /* NULL: none */
    uint64_t length;      /* of the body; parts for PAGE_PARTS */
    uint64_t delay_ms;    /* before the answer, or between parts */
    bool announce;        /* send Content-Length */
    bool asks;            /* wants the request's body even if no length announces one */
    bool reports;         /* text ends with what was read */
    bool refused;         /* wrong secret: answer and close */
    char cookie[80];
    char request_id[40];        /* of the request, sent back */
    struct text canned;         /* headers of a canned answer, "NAME: VALUE\n" each */
    const struct script *fault; /* to be played instead, NULL: none */
    struct text text;
    struct json json;
};

void page_begin(struct page *p, const ajp_request *r, const struct serve_options *o);
void page_body_end(struct page *p, uint64_t bytes, uint32_t crc);
/* The canned answer for the URI. False: there is none. */
bool page_from_dir(struct page *p, ajp_str uri, const char *dir);
const char *page_reason(uint16_t status);

/* Copies n bytes of the pattern served by /bytes, from the given offset. */
void page_pattern(char *out, uint64_t offset, size_t n);

struct serve_conn {
    struct link link;
    int shaking; /* the poll event that the TLS handshake waits for, 0: none */
    enum { CONN_IDLE, CONN_BODY, CONN_WAIT, CONN_ANSWER, CONN_LINGER } state;
    ajp_session session;
    uint8_t *in; /* limits.max_packet bytes, taken when the first byte arrives */
    size_t in_len;
    struct text out;
    size_t out_sent;
    struct page page;
    int64_t body_announced;
    uint64_t body_bytes;
    uint32_t body_crc;
    bool bodiless; /* HEAD, 204, 304 */
    bool headers_sent;
    const struct script *script; /* that is played, NULL: none */
    size_t step;
    uint32_t armed; /* epoll events asked for */
    uint64_t page_sent;
    uint64_t deadline_ns;                   /* CONN_WAIT and CONN_LINGER; 0: not on the list */
    struct serve_conn *prev, *next;         /* by deadline */
    struct serve_conn *all_prev, *all_next; /* all of the loop */
};

struct serve_loop {
    const struct serve_options *options;
    int epoll_fd, listen_fd, wake_fd;
    struct serve_conn *first, *last; /* by deadline */
    struct serve_conn *all;
};

/* Both return false when the connection is to be closed. */
bool conn_readable(struct serve_loop *l, struct serve_conn *c);
bool conn_go_on(struct serve_loop *l, struct serve_conn *c); /* it may write, or waited enough */
void conn_free(struct serve_conn *c);

/* Between serve_conn.c and serve_play.c. */
bool conn_flush(struct serve_conn *c);
bool conn_linger(struct serve_loop *l, struct serve_conn *c);
bool conn_play(struct serve_loop *l, struct serve_conn *c);
void conn_play_closed(const struct serve_loop *l, const struct serve_conn *c);

void loop_wait(struct serve_loop *l, struct serve_conn *c, uint64_t ms);
bool loop_run(struct serve_loop *l); /* until wake_fd is readable */

#endif
