/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat get: one request, much as curl would send it. */
#include "args.h"
#include "client.h"
#include "command.h"
#include "request.h"
#include "term.h"
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UPLOAD = REQ_OPTIONS, OUTPUT, INCLUDE, HEAD, VERBOSE, SHOW_SECRETS, TIMEOUT, PACKET_SIZE };

static const struct arg table[] = {
    REQUEST_ARGS,
    [UPLOAD] = {'T', "upload-file", "FILE", "send FILE by PUT; - streams standard input"},
    [OUTPUT] = {'o', "output", "FILE", "write the body to FILE"},
    [INCLUDE] = {'i', "include", NULL, "print status and headers before the body"},
    [HEAD] = {'I', "head", NULL, "send HEAD, print status and headers"},
    [VERBOSE] = {'v', "verbose", NULL, "show every packet on standard error"},
    [SHOW_SECRETS] = {0, "show-secrets", NULL, "do not hide secret, cookies and authorization"},
    [TIMEOUT] = {'m', "timeout", "TIME", "for connecting and for each answer (30s)"},
    [PACKET_SIZE] = {0, "packet-size", "BYTES", "largest packet, 8192 to 65536 (8192)"},
    [PACKET_SIZE + 1] = {0}};

struct get {
    struct args args;
    struct request request;
    struct client client;
    struct url url;
    const char *output;
    FILE *out;
    bool include, verbose, show_secrets, colour;
    uint64_t timeout_ms, packet_size;
    size_t data_at; /* body bytes sent from memory */
    uint64_t start_ns;
};

static void on_packet(void *user, bool sent, const uint8_t *payload, size_t len,
                      const ajp_message *m)
{
    struct get *g = user;
    struct text t = {0};
    struct packet p = {.from_client = sent, .payload = payload, .len = len, .first_ns = now_ns()};
    view_message(&t, g->colour, g->show_secrets, &p, m, g->start_ns);
    fwrite(t.at, 1, t.len, stderr);
    text_free(&t);
}

static size_t read_body(struct get *g, uint8_t *to, size_t most)
{
    if (g->request.file)
        return fread(to, 1, most, g->request.file);
    size_t n = g->request.data.len - g->data_at;
    if (n > most)
        n = most;
    if (n > 0)
        memcpy(to, g->request.data.at + g->data_at, n);
    g->data_at += n;
    return n;
}

static enum client_result broken(struct get *g, enum client_result r, const char *why)
{
    text_clear(&g->client.why);
    text_str(&g->client.why, why);
    return r;
}

/* One body packet, as much as was asked for. */
static enum client_result send_body(struct get *g)
{
    static uint8_t packet[AJP_PACKET_MAX + AJP_DATA_HEAD];
    uint8_t *body = packet + AJP_DATA_HEAD;
    size_t n = read_body(g, body, ajp_session_grant(&g->client.session));
    uint8_t *at = packet;
    size_t len;
    ajp_status st = ajp_session_send(&g->client.session, AJP_DATA, n);
    if (st != AJP_OK)
        return broken(g, CLIENT_FAILED, "the body is shorter than it was announced");
    if (n > 0) {
        at = ajp_wrap_data(body, (uint16_t)n);
        len = n + AJP_DATA_HEAD;
    } else {
        len = ajp_make_body_end(packet);
    }
    ajp_message m = {.kind = AJP_DATA};
    m.u.body.packet = (uint16_t)n;
    if (g->verbose)
        on_packet(g, true, at + AJP_HEADER_SIZE, len - AJP_HEADER_SIZE, &m);
    return client_write(&g->client, at, len);
}

static enum client_result send_request(struct get *g)
{
    static uint8_t packet[AJP_PACKET_MAX];
    size_t len;
    ajp_frame f;
    size_t used;
    ajp_message m;
    ajp_status st = request_write(&g->request, &g->url, packet, g->packet_size, &len);
    if (st != AJP_OK)
        return broken(g, CLIENT_FAILED,
                      st == AJP_ERR_SPACE ? "the request does not fit a packet: see --packet-size"
                                          : ajp_strerror(st));
    st = ajp_frame_next(packet, len, &g->client.limits, &f, &used);
    if (st == AJP_OK)
        st = ajp_decode(&m, &f, false, &g->client.limits);
    if (st == AJP_OK)
        st = ajp_session_send_request(&g->client.session, m.u.request.content_length);
    if (st != AJP_OK)
        return broken(g, CLIENT_FAILED, ajp_strerror(st));
    if (g->verbose)
        on_packet(g, true, f.payload, f.len, &m);
    enum client_result r = client_write(&g->client, packet, len);
    return r == CLIENT_OK && ajp_session_owed(&g->client.session) ? send_body(g) : r;
}

static void print_head(struct get *g, const ajp_response *response)
{
    struct text t = {0};
    ajp_fields it = response->headers;
    ajp_field f;
    bool escape = isatty(fileno(g->out));
    text_fmt(&t, "%u ", response->status);
    term_put(&t, response->reason);
    text_byte(&t, '\n');
    while (ajp_field_next(&it, &f)) {
        term_put(&t, f.name);
        text_str(&t, ": ");
        if (escape)
            term_put(&t, f.value);
        else
            text_put(&t, f.value.ptr, f.value.len);
        text_byte(&t, '\n');
    }
    text_byte(&t, '\n');
    fwrite(t.at, 1, t.len, g->out);
    text_free(&t);
}

/* A terminal gets no control characters but line ends and tabs. */
static void print_body(struct get *g, const uint8_t *data, size_t len)
{
    if (!isatty(fileno(g->out))) {
        fwrite(data, 1, len, g->out);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        bool plain = data[i] == '\n' || data[i] == '\t' || (data[i] >= ' ' && data[i] != 127);
        if (plain)
            putc(data[i], g->out);
        else
            fprintf(g->out, "\\x%02x", data[i]);
    }
}

static enum client_result receive(struct get *g)
{
    ajp_message m;
    for (;;) {
        enum client_result r = client_next(&g->client, &m);
        if (r == CLIENT_OK && m.kind == AJP_GET_BODY)
            r = send_body(g);
        if (r != CLIENT_OK)
            return r;
        if (m.kind == AJP_SEND_HEADERS && g->include)
            print_head(g, &m.u.response);
        else if (m.kind == AJP_BODY_CHUNK)
            print_body(g, m.u.body.data, m.u.body.len);
        else if (m.kind == AJP_END_RESPONSE)
            return CLIENT_OK;
    }
}

static int set_upload(struct get *g)
{
    struct stat s;
    const char *path = g->args.value;
    g->request.file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!g->request.file) {
        fprintf(stderr, "ajpcat get: %s: %s\n", path, strerror(errno));
        return EXIT_FAILED;
    }
    if (fstat(fileno(g->request.file), &s) == 0 && S_ISREG(s.st_mode))
        g->request.length = s.st_size;
    return 0;
}

static int set_option(struct get *g, int row)
{
    const char *why;
    if (row >= 0 && row < REQ_OPTIONS)
        return request_option(&g->request, &g->args, (enum request_option)row);
    switch (row) {
    case UPLOAD:
        return set_upload(g);
    case OUTPUT:
        g->output = g->args.value;
        return 0;
    case HEAD:
        g->request.method = "HEAD";
        g->include = true;
        return 0;
    case INCLUDE:
        g->include = true;
        return 0;
    case VERBOSE:
        g->verbose = true;
        return 0;
    case SHOW_SECRETS:
        g->show_secrets = true;
        return 0;
    case TIMEOUT:
        return args_duration_ms(&g->args, &g->timeout_ms) ? 0 : EXIT_USAGE;
    case PACKET_SIZE:
        return args_uint(&g->args, AJP_PACKET_DEFAULT, AJP_PACKET_MAX, &g->packet_size)
                   ? 0
                   : EXIT_USAGE;
    default: /* the operand */
        if (g->url.path)
            return args_wrong(&g->args, "expected one URL, not also \"%s\"", g->args.value);
        if (!url_parse(g->args.value, &g->url, &why))
            return args_wrong(&g->args, "%s: %s", g->args.value, why);
        return 0;
    }
}

static int read_options(struct get *g)
{
    int row, code;
    while ((row = args_next(&g->args)) != ARGS_END) {
        if (row == ARGS_ERROR || row == ARGS_HELP)
            return args_exit(row);
        if ((code = set_option(g, row)) != 0)
            return code;
    }
    if (!g->url.path)
        return args_wrong(&g->args, "expected a URL: ajp://HOST:PORT/PATH");
    if (g->request.has_data && g->request.file)
        return args_wrong(&g->args, "expected either --data or --upload-file");
    if (g->request.has_data)
        g->request.length = (int64_t)g->request.data.len;
    return -1;
}

static int run(struct get *g)
{
    g->out = g->output ? fopen(g->output, "we") : stdout;
    if (!g->out) {
        fprintf(stderr, "ajpcat get: %s: %s\n", g->output, strerror(errno));
        return EXIT_FAILED;
    }
    client_init(&g->client, (uint32_t)g->packet_size, (int)g->timeout_ms);
    if (g->verbose) {
        g->client.trace = on_packet;
        g->client.trace_user = g;
    }
    g->start_ns = now_ns();
    enum client_result r = client_connect(&g->client, &g->url);
    if (r == CLIENT_OK)
        r = send_request(g);
    if (r == CLIENT_OK || r == CLIENT_TRUNCATED) /* it may have answered before it closed */
        r = g->client.fd >= 0 ? receive(g) : r;
    if (r != CLIENT_OK)
        fprintf(stderr, "ajpcat get: %s\n", g->client.why.at);
    if (fflush(g->out) != 0 && r == CLIENT_OK) {
        fprintf(stderr, "ajpcat get: output: %s\n", strerror(errno));
        r = CLIENT_FAILED;
    }
    if (g->output)
        fclose(g->out);
    client_free(&g->client);
    return (int)r;
}

int cmd_get(int argc, char **argv)
{
    struct get g = {.timeout_ms = 30000,
                    .packet_size = AJP_PACKET_DEFAULT,
                    .colour = term_has_colour(STDERR_FILENO)};
    args_init(&g.args, argc, argv, "ajp://HOST:PORT/PATH", "Sends one request, prints the answer.",
              table);
    request_init(&g.request);
    int code = read_options(&g);
    if (code < 0)
        code = run(&g);
    request_free(&g.request);
    return code;
}
