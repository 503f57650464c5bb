/* SPDX-License-Identifier: Apache-2.0 */
/* A request to be sent, as options describe it. */
#ifndef AJPCAT_REQUEST_H
#define AJPCAT_REQUEST_H

#include "args.h"
#include "multipart.h"
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
    const char *ssl_cipher, *ssl_session;
    uint16_t ssl_key_size;   /* 0: none */
    struct text certificate; /* PEM */
    struct text secret;
    struct text data; /* body in memory */
    bool has_data;
    char boundary[MULTIPART_BOUNDARY]; /* of a form with parts, else "" */
    char *made[REQUEST_HEADERS];       /* headers that options of their own stand for */
    size_t made_count;
    FILE *file;     /* body streamed from here */
    int64_t length; /* of the body: -1 unknown, it is sent chunk by chunk as asked for */
};

/* Options that get and bench share. They come first in both tables. */
enum request_option {
    REQ_METHOD,
    REQ_HEADER,
    REQ_DATA,
    REQ_DATA_BINARY,
    REQ_FORM,
    REQ_COOKIE,
    REQ_USER_AGENT,
    REQ_REFERER,
    REQ_USER,
    REQ_ATTRIBUTE,
    REQ_REMOTE_USER,
    REQ_AUTH_TYPE,
    REQ_REMOTE_ADDR,
    REQ_ROUTE,
    REQ_SSL,
    REQ_SSL_CIPHER,
    REQ_SSL_SESSION,
    REQ_SSL_KEY_SIZE,
    REQ_CERT,
    REQ_SECRET_FILE,
    REQ_OPTIONS
};
/* clang-format off */
#define REQUEST_ARGS \
    [REQ_METHOD] = {'X', "request", "METHOD", "the method (GET, or POST with a body)"}, \
    [REQ_HEADER] = {'H', "header", "NAME: VALUE", "add a header; \"NAME:\" drops a default one, \"NAME;\" sends it empty"}, \
    [REQ_DATA] = {'d', "data", "TEXT", "send TEXT (or @FILE without line ends) as a form"}, \
    [REQ_DATA_BINARY] = {0, "data-binary", "TEXT", "send TEXT or @FILE as it is"}, \
    [REQ_FORM] = {'F', "form", "NAME=TEXT", "a form part; NAME=@FILE[;type=T][;filename=N], NAME=<FILE"}, \
    [REQ_COOKIE] = {'b', "cookie", "NAME=VALUE", "send a Cookie header"}, \
    [REQ_USER_AGENT] = {'A', "user-agent", "TEXT", "instead of ajpcat/VERSION"}, \
    [REQ_REFERER] = {'e', "referer", "URL", "send a Referer header"}, \
    [REQ_USER] = {'u', "user", "NAME:PASSWORD", "send Basic authorization"}, \
    [REQ_ATTRIBUTE] = {0, "attribute", "NAME=VALUE", "add a request attribute"}, \
    [REQ_REMOTE_USER] = {0, "remote-user", "USER", "the user that the web server knows"}, \
    [REQ_AUTH_TYPE] = {0, "auth-type", "TYPE", "how it knows: Basic, Digest, ..."}, \
    [REQ_REMOTE_ADDR] = {0, "remote-addr", "ADDRESS", "the client's address (127.0.0.1)"}, \
    [REQ_ROUTE] = {0, "jvm-route", "ROUTE", "the jvm_route attribute"}, \
    [REQ_SSL] = {0, "ssl", NULL, "say that the client came over TLS"}, \
    [REQ_SSL_CIPHER] = {0, "ssl-cipher", "NAME", "by this cipher; says --ssl too, as do the next"}, \
    [REQ_SSL_SESSION] = {0, "ssl-session", "ID", "in this TLS session"}, \
    [REQ_SSL_KEY_SIZE] = {0, "ssl-key-size", "BITS", "with a key of this size"}, \
    [REQ_CERT] = {'E', "cert", "FILE", "with this certificate (PEM)"}, \
    [REQ_SECRET_FILE] = {0, "secret-file", "FILE", "secret to send; else AJP_SECRET"}
/* clang-format on */

void request_init(struct request *r);
/* 0, or the exit code after the user was told. */
int request_option(struct request *r, const struct args *a, enum request_option option);
/* All options were read: the body has its end and length. */
void request_body_end(struct request *r);
/* The Forward Request for this URL in out[0..cap). */
ajp_status request_write(const struct request *r, const struct url *u, uint8_t *out, size_t cap,
                         size_t *len);
const char *request_method(const struct request *r);
void request_free(struct request *r);

#endif
