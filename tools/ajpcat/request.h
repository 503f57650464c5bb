/* SPDX-License-Identifier: Apache-2.0 */
/* A request to be sent, as options describe it. */
#ifndef AJPCAT_REQUEST_H
#define AJPCAT_REQUEST_H

#include "args.h"
#include "net.h"

#include <ajp/ajp.h>

#include <stdio.h>

enum { REQUEST_HEADERS = 100, REQUEST_ATTRIBUTES = 64 };

struct request {
    const char *method; /* NULL: told by the body */
    const char *headers[REQUEST_HEADERS];
    size_t header_count;
    const char *attributes[REQUEST_ATTRIBUTES]; /* NAME=VALUE */
    size_t attribute_count;
    const char *remote_user, *auth_type, *remote_addr, *route;
    bool is_ssl;
    struct text secret;
    struct text data; /* body in memory */
    bool has_data;
    FILE *file;     /* body streamed from here */
    int64_t length; /* of the body: -1 unknown, it is sent chunk by chunk as asked for */
};

/* Options that get and bench share. They come first in both tables. */
enum request_option {
    REQ_METHOD,
    REQ_HEADER,
    REQ_DATA,
    REQ_DATA_BINARY,
    REQ_ATTRIBUTE,
    REQ_REMOTE_USER,
    REQ_AUTH_TYPE,
    REQ_REMOTE_ADDR,
    REQ_ROUTE,
    REQ_SSL,
    REQ_SECRET_FILE,
    REQ_OPTIONS
};
#define REQUEST_ARGS                                                                               \
    [REQ_METHOD] = {'X', "request", "METHOD", "the method (GET, or POST with a body)"},            \
    [REQ_HEADER] = {'H', "header", "NAME: VALUE", "add a header; \"NAME:\" drops a default one"},  \
    [REQ_DATA] = {'d', "data", "TEXT", "send TEXT (or @FILE without line ends) as a form"},        \
    [REQ_DATA_BINARY] = {0, "data-binary", "TEXT", "send TEXT or @FILE as it is"},                 \
    [REQ_ATTRIBUTE] = {0, "attribute", "NAME=VALUE", "add a request attribute"},                   \
    [REQ_REMOTE_USER] = {0, "remote-user", "USER", "the user that the web server knows"},          \
    [REQ_AUTH_TYPE] = {0, "auth-type", "TYPE", "how it knows: Basic, Digest, ..."},                \
    [REQ_REMOTE_ADDR] = {0, "remote-addr", "ADDRESS", "the client's address (127.0.0.1)"},         \
    [REQ_ROUTE] = {0, "jvm-route", "ROUTE", "the jvm_route attribute"},                            \
    [REQ_SSL] = {0, "ssl", NULL, "say that the client came over TLS"},                             \
    [REQ_SECRET_FILE] = {0, "secret-file", "FILE", "secret to send; else AJP_SECRET"}

void request_init(struct request *r);
/* 0, or the exit code after the user was told. */
int request_option(struct request *r, const struct args *a, enum request_option option);
/* The Forward Request for this URL in out[0..cap). */
ajp_status request_write(const struct request *r, const struct url *u, uint8_t *out, size_t cap,
                         size_t *len);
const char *request_method(const struct request *r);
void request_free(struct request *r);

#endif
