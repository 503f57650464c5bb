/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat decode: the exchanges of a capture, filtered, in one of the views. */
#include "args.h"
#include "command.h"
#include "filter.h"
#include "reader.h"
#include "term.h"
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VERBOSE, DUMP, JSON, HAR, HTTP, VIEWS, FILTER = VIEWS, FOLLOW, INTERFACE, SHOW_SECRETS };

static const struct arg table[] = {
    [VERBOSE] = {'v', "verbose", NULL, "every packet of each exchange, as a tree of its fields"},
    [DUMP] = {'x', "hex", NULL, "every packet as a hex dump, field by field"},
    [JSON] = {0, "json", NULL, "one JSON object a line for each exchange"},
    [HAR] = {0, "har", NULL, "one HTTP Archive, for a browser's network panel"},
    [HTTP] = {0, "http", NULL, "requests and answers as HTTP text"},
    [FILTER] = {'f', "filter", "EXPRESSION", "only those for which it is true, e.g. status >= 500"},
    [FOLLOW] = {0, "follow", "CLIENT",
                "only the connection from CLIENT, ADDRESS:PORT, or that number"},
    [INTERFACE] = {'i', "interface", "NAME", "listen there instead of reading a file"},
    [SHOW_SECRETS] = {0, "show-secrets", NULL, "do not hide secret, cookies and authorization"},
    [SHOW_SECRETS + 1] = {0}};

static const struct view_kind *const views[VIEWS] = {[VERBOSE] = &view_trees,
                                                     [DUMP] = &view_dumps,
                                                     [JSON] = &view_jsons,
                                                     [HAR] = &view_har,
                                                     [HTTP] = &view_https};

struct decoder {
    struct view view;
    const struct view_kind *kind;
    struct filter_node *filter;
    const char *followed; /* its client as shown, NULL: its number, or all */
    bool follows_number;
    uint64_t number;
    const char *path, *interface;
    bool write_failed;
};

static void write_out(struct decoder *d)
{
    if (d->view.out.len > 0 && fwrite(d->view.out.at, 1, d->view.out.len, stdout) == 0)
        d->write_failed = true;
    text_clear(&d->view.out);
}

static bool is_followed(const struct decoder *d, const struct exchange *e)
{
    char client[PEER_TEXT];
    if (d->follows_number)
        return e->connection == d->number;
    if (!d->followed)
        return true;
    peer_format(&e->client, client);
    return strcmp(client, d->followed) == 0;
}

static bool on_exchange(void *user, const struct exchange *e)
{
    struct decoder *d = user;
    if (!is_followed(d, e) || (d->filter && !filter_accepts(d->filter, e)))
        return true;
    d->kind->show(&d->view, e);
    write_out(d);
    if (d->interface) /* it comes as it happens */
        fflush(stdout);
    return !d->write_failed;
}

static void on_idle(void *user)
{
    (void)user;
    fflush(stdout);
}

static void on_message(void *user, struct exchange *e, const struct packet *p, const ajp_message *m)
{
    struct decoder *d = user;
    d->kind->message(&d->view, e, p, m);
}

static int set_followed(const struct args *a, struct decoder *d)
{
    d->follows_number = parse_uint(a->value, UINT64_MAX, &d->number);
    d->followed = d->follows_number ? NULL : a->value;
    return d->follows_number || strchr(a->value, ':')
               ? 0
               : args_wrong(a,
                            "--follow: expected ADDRESS:PORT of a client, or a number, not \"%s\"",
                            a->value);
}

static int set_option(struct args *a, struct decoder *d, int row)
{
    if (row >= 0 && row < VIEWS) {
        if (d->kind != &view_lines && d->kind != views[row])
            return args_wrong(a, "expected one view: -v, -x, --json, --har or --http");
        d->kind = views[row];
        return 0;
    }
    switch (row) {
    case FILTER:
        filter_free(d->filter);
        d->filter = filter_option(a);
        return d->filter ? 0 : EXIT_USAGE;
    case FOLLOW:
        return set_followed(a, d);
    case INTERFACE:
        d->interface = a->value;
        return 0;
    case SHOW_SECRETS:
        d->view.show_secrets = true;
        return 0;
    default: /* the operand */
        if (d->path)
            return args_wrong(a, "expected one file, not also \"%s\"", a->value);
        d->path = a->value;
        return 0;
    }
}

static int read_options(struct args *a, struct decoder *d)
{
    int row, code;
    while ((row = args_next(a)) != ARGS_END) {
        if (row == ARGS_ERROR || row == ARGS_HELP)
            return args_exit(row);
        if ((code = set_option(a, d, row)) != 0)
            return code;
    }
    if (!d->path == !d->interface)
        return args_wrong(a, d->path
                                 ? "expected a file or --interface, not both"
                                 : "expected a pcap, pcapng or hex file, or - for standard input");
    return -1;
}

static int run(struct decoder *d)
{
    struct reader r = {.command = "decode",
                       .user = d,
                       .show = on_exchange,
                       .idle = on_idle,
                       .tells_none = d->path != NULL,
                       .message = d->kind->message ? on_message : NULL,
                       .keep_heads = d->kind->heads,
                       .body = d->kind->body};
    d->view.colour = term_has_colour(STDOUT_FILENO);
    d->view.width = term_width(STDOUT_FILENO);
    if (d->kind->begin)
        d->kind->begin(&d->view);
    write_out(d);
    int code = d->path ? reader_run(&r, d->path) : reader_live(&r, d->interface);
    if (d->kind->end && code == 0)
        d->kind->end(&d->view);
    write_out(d);
    if ((fflush(stdout) != 0 || d->write_failed) && errno != EPIPE) {
        fprintf(stderr, "ajpcat decode: standard output: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    return code;
}

int cmd_decode(int argc, char **argv)
{
    struct args a;
    struct decoder d = {.kind = &view_lines};
    args_init(&a, argc, argv, "FILE|-|unix:TAP",
              "Shows the AJP exchanges of a capture, of hex text, or of a daemon's --tap.", table);
    int code = read_options(&a, &d);
    if (code < 0)
        code = run(&d);
    filter_free(d.filter);
    text_free(&d.view.out);
    return code;
}
