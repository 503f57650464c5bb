/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat get: requests, much as curl would send them. */
#include "args.h"
#include "command.h"
#include "fetch.h"
#include "get_report.h"
#include "request.h"
#include "term.h"
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    UPLOAD = REQ_OPTIONS,
    OUTPUT,
    INCLUDE,
    HEAD,
    FAIL,
    WRITE_OUT,
    TIMING,
    VERBOSE,
    SHOW_SECRETS,
    SILENT,
    SHOW_ERROR,
    TIMEOUT,
    MAX_TIME,
    PACKET_SIZE,
    TLS
};

static const struct arg table[] = {
    REQUEST_ARGS,
    [UPLOAD] = {'T', "upload-file", "FILE", "send FILE by PUT; - streams standard input"},
    [OUTPUT] = {'o', "output", "FILE", "write the body to FILE"},
    [INCLUDE] = {'i', "include", NULL, "print status and headers before the body"},
    [HEAD] = {'I', "head", NULL, "send HEAD, print status and headers"},
    [FAIL] = {'f', "fail", NULL, "exit with 7 when a status is 400 or more; no body then"},
    [WRITE_OUT] = {'w', "write-out", "FORMAT",
                   "print it after each answer: %{status} %{time_total}"},
    [TIMING] = {0, "timing", NULL, "where the time went, on standard error"},
    [VERBOSE] = {'v', "verbose", NULL, "show every packet on standard error"},
    [SHOW_SECRETS] = {0, "show-secrets", NULL, "do not hide secret, cookies and authorization"},
    [SILENT] = {'s', "silent", NULL, "say nothing about a failure: the exit code does"},
    [SHOW_ERROR] = {'S', "show-error", NULL, "but do"},
    [TIMEOUT] = {'m', "timeout", "TIME", "for connecting and for each answer (30s)"},
    [MAX_TIME] = {0, "max-time", "TIME", "for each URL, connecting and all of its answer"},
    [PACKET_SIZE] = {0, "packet-size", "BYTES", "largest packet, 8192 to 65536 (8192)"},
    SECURE_ARGS(TLS),
    [TLS + SECURE_OPTIONS] = {0}};

enum { URLS = 1000, EXIT_STATUS = 7 };

struct get {
    struct args args;
    struct request request;
    struct client client;
    struct secure_options tls;
    struct fetch fetch;
    const char *words[URLS]; /* the URLs */
    size_t url_count;
    struct url url; /* the one at work */
    const char *output, *write_out;
    FILE *out;
    bool include, fail, timing, silent, show_error, verbose, show_secrets, colour;
    uint64_t timeout_ms, max_ms, packet_size; /* max_ms: 0 for none */
    size_t data_at;                           /* body bytes sent from memory */
    uint64_t begin_ns;
    struct get_report report;
};

static void on_packet(void *user, bool sent, const uint8_t *payload, size_t len,
                      const ajp_message *m)
{
    struct get *g = user;
    struct text t = {0};
    struct packet p = {.from_client = sent, .payload = payload, .len = len, .first_ns = now_ns()};
    view_message(&t, g->colour, g->show_secrets, &p, m, g->begin_ns);
    fwrite(t.at, 1, t.len, stderr);
    text_free(&t);
}

static size_t read_body(void *user, uint8_t *to, size_t most)
{
    struct get *g = user;
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

static bool unwanted(const struct get *g, unsigned status)
{
    return g->fail && status >= 400;
}

static void print_head(void *user, const ajp_response *response)
{
    struct get *g = user;
    struct text t = {0};
    ajp_fields it = response->headers;
    ajp_field f;
    if (!g->include)
        return;
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

static void print_body(void *user, const uint8_t *data, size_t len)
{
    struct get *g = user;
    if (!unwanted(g, g->fetch.status))
        term_write(g->out, data, len);
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
    if (row >= TLS) {
        secure_option(&g->tls, (enum secure_option)(row - TLS), g->args.value);
        return 0;
    }
    switch (row) {
    case UPLOAD:
        return set_upload(g);
    case OUTPUT:
        g->output = g->args.value;
        return 0;
    case FAIL:
        g->fail = true;
        return 0;
    case WRITE_OUT:
        g->write_out = g->args.value;
        return 0;
    case TIMING:
        g->timing = true;
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
    case SILENT:
        g->silent = true;
        return 0;
    case SHOW_ERROR:
        g->show_error = true;
        return 0;
    case TIMEOUT:
        return args_duration_ms(&g->args, &g->timeout_ms) ? 0 : EXIT_USAGE;
    case MAX_TIME:
        return args_duration_ms(&g->args, &g->max_ms) ? 0 : EXIT_USAGE;
    case PACKET_SIZE:
        return args_uint(&g->args, AJP_PACKET_DEFAULT, AJP_PACKET_MAX, &g->packet_size)
                   ? 0
                   : EXIT_USAGE;
    default: /* an operand */
        if (!url_parse(g->args.value, &g->url, &why))
            return args_wrong(&g->args, "%s: %s", g->args.value, why);
        if (g->url_count == URLS)
            return args_wrong(&g->args, "at most %d URLs", URLS);
        g->words[g->url_count++] = g->args.value;
        return 0;
    }
}

static int read_options(struct get *g)
{
    int row, code;
    const char *why;
    while ((row = args_next(&g->args)) != ARGS_END) {
        if (row == ARGS_ERROR || row == ARGS_HELP)
            return args_exit(row);
        if ((code = set_option(g, row)) != 0)
            return code;
    }
    if (g->url_count == 0)
        return args_wrong(&g->args, "expected a URL: ajp://HOST:PORT/PATH");
    if (g->request.has_data && g->request.file)
        return args_wrong(&g->args, "expected either --data or --upload-file");
    if (g->url_count > 1 && g->request.file && g->request.length < 0)
        return args_wrong(&g->args, "expected one URL for what can be read only once");
    if (g->write_out && (why = get_report_check(g->write_out)) != NULL)
        return args_wrong(&g->args, "--write-out: unknown variable %s", why);
    request_body_end(&g->request);
    return -1;
}

static enum client_result failed(struct get *g, const char *why)
{
    text_clear(&g->client.why);
    text_str(&g->client.why, why);
    return CLIENT_FAILED;
}

/* On the open connection where the last answer left it usable. */
static enum client_result connect_for(struct get *g, const struct url *u)
{
    bool same = strcmp(u->host, g->url.host) == 0 && strcmp(u->port, g->url.port) == 0 &&
                u->tls == g->url.tls;
    bool usable = same && g->client.link.fd >= 0 && ajp_session_idle(&g->client.session);
    g->url = *u;
    g->report.connects = !usable;
    g->report.connect_ns = 0;
    if (usable)
        return CLIENT_OK;
    client_close(&g->client);
    uint64_t start = now_ns();
    enum client_result r = client_connect(&g->client, u);
    g->report.connect_ns = now_ns() - start;
    return r;
}

static enum client_result fetch_one(struct get *g, const char *word)
{
    static uint8_t packet[AJP_PACKET_MAX];
    struct url u;
    size_t len;
    const char *why;
    (void)url_parse(word, &u, &why); /* it was checked */
    g->client.deadline_ns = g->max_ms ? now_ns() + g->max_ms * 1000000u : 0;
    enum client_result r = connect_for(g, &u);
    if (r != CLIENT_OK)
        return r;
    ajp_status st = request_write(&g->request, &g->url, packet, g->packet_size, &len);
    if (st != AJP_OK)
        return failed(g, st == AJP_ERR_SPACE
                             ? "the request does not fit a packet: see --packet-size"
                             : ajp_strerror(st));
    g->data_at = 0;
    if (g->request.file && g->request.length >= 0)
        rewind(g->request.file);
    r = fetch_run(&g->fetch, packet, len);
    if (fflush(g->out) != 0 && r == CLIENT_OK)
        r = failed(g, strerror(errno));
    g->report.url = word;
    g->report.fetch = &g->fetch;
    if (g->write_out)
        get_report_format(&g->report, g->write_out, stdout);
    if (g->timing)
        get_report_timing(&g->report, stderr);
    return r;
}

static int run(struct get *g)
{
    bool refused = false;
    enum client_result r = CLIENT_OK;
    g->out = g->output ? fopen(g->output, "we") : stdout;
    if (!g->out) {
        fprintf(stderr, "ajpcat get: %s: %s\n", g->output, strerror(errno));
        return EXIT_FAILED;
    }
    client_init(&g->client, (uint32_t)g->packet_size, (int)g->timeout_ms);
    g->client.tls = g->tls;
    g->fetch =
        (struct fetch){.client = &g->client, .user = g, .head = print_head, .body = print_body};
    if (g->request.has_data || g->request.file)
        g->fetch.read = read_body;
    if (g->verbose) {
        g->client.trace = on_packet;
        g->client.trace_user = g;
    }
    g->begin_ns = now_ns();
    for (size_t i = 0; i < g->url_count && r == CLIENT_OK; i++) {
        r = fetch_one(g, g->words[i]);
        refused |= r == CLIENT_OK && unwanted(g, g->fetch.status);
    }
    if (r != CLIENT_OK && (!g->silent || g->show_error))
        fprintf(stderr, "ajpcat get: %s\n", g->client.why.at);
    if (g->output)
        fclose(g->out);
    client_free(&g->client);
    return r == CLIENT_OK && refused ? EXIT_STATUS : (int)r;
}

int cmd_get(int argc, char **argv)
{
    struct get g = {.timeout_ms = 30000,
                    .packet_size = AJP_PACKET_DEFAULT,
                    .colour = term_has_colour(STDERR_FILENO)};
    args_init(&g.args, argc, argv, "ajp://HOST:PORT/PATH...", "Sends requests, prints the answers.",
              table);
    request_init(&g.request);
    int code = read_options(&g);
    if (code < 0)
        code = run(&g);
    request_free(&g.request);
    return code;
}
