/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat proxy: between a web server and an app server, showing what passes. */
#include "args.h"
#include "command.h"
#include "proxy.h"
#include "term.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    VERBOSE,
    DUMP,
    JSON,
    HTTP,
    VIEWS,
    FILTER = VIEWS,
    LISTEN,
    LISTEN_CERTIFICATE,
    LISTEN_KEY,
    TO,
    SHOW_SECRETS,
    TLS
};

static const struct arg table[] = {
    [VERBOSE] = {'v', "verbose", NULL, "every packet of each exchange, as a tree of its fields"},
    [DUMP] = {'x', "hex", NULL, "every packet as a hex dump, field by field"},
    [JSON] = {0, "json", NULL, "one JSON object a line for each exchange"},
    [HTTP] = {0, "http", NULL, "requests and answers as HTTP text"},
    [FILTER] = {'f', "filter", "EXPRESSION", "show only those for which it is true"},
    [LISTEN] = {0, "listen", "URL", "where to listen (ajp://127.0.0.1:0: any free port)"},
    [LISTEN_CERTIFICATE] = {0, "listen-certificate", "FILE", "to listen at ajps: show this one"},
    [LISTEN_KEY] = {0, "listen-key", "FILE", "its key; else in the certificate's file"},
    [TO] = {0, "to", "URL", "the app server, e.g. ajp://127.0.0.1:8009"},
    [SHOW_SECRETS] = {0, "show-secrets", NULL, "do not hide secret, cookies and authorization"},
    SECURE_ARGS(TLS),
    [TLS + SECURE_OPTIONS] = {0}};

static const struct view_kind *const views[VIEWS] = {
    [VERBOSE] = &view_trees, [DUMP] = &view_dumps, [JSON] = &view_jsons, [HTTP] = &view_https};

enum { PAIRS = 1000 };

struct proxy {
    struct proxy_output output;
    struct filter_node *filter;
    struct url listen_url, to_url;
    struct address listen, to;
    struct secure_options listen_tls, to_tls;
    struct proxy_sides sides;
    int listen_fd;
    uint64_t connections;
    size_t count;
    struct proxy_pair *pairs;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static void accept_one(struct proxy *p)
{
    struct address from = {.len = sizeof from.at};
    int fd =
        accept4(p->listen_fd, (struct sockaddr *)&from.at, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct proxy_pair *pair =
        proxy_pair_new(fd, &from, &p->to, &p->sides, p->connections++, &p->output);
    if (!pair) {
        fprintf(stderr, "ajpcat proxy: cannot connect: %s\n", strerror(errno));
        close(fd);
        return;
    }
    pair->next = p->pairs;
    p->pairs = pair;
    p->count++;
}

static void step_all(struct proxy *p, const struct pollfd *fds)
{
    for (struct proxy_pair **at = &p->pairs; *at; fds += 2) {
        struct proxy_pair *pair = *at;
        if (proxy_pair_step(pair, fds)) {
            at = &pair->next;
        } else {
            *at = pair->next;
            proxy_pair_free(pair);
            p->count--;
        }
    }
}

static void serve(struct proxy *p, const sigset_t *while_waiting)
{
    static struct pollfd fds[1 + 2 * PAIRS];
    while (!ended && !p->output.failed) {
        nfds_t n = 1;
        fds[0] = (struct pollfd){.fd = p->count < PAIRS ? p->listen_fd : -1, .events = POLLIN};
        for (struct proxy_pair *pair = p->pairs; pair; pair = pair->next, n += 2)
            proxy_pair_want(pair, fds + n);
        if (ppoll(fds, n, NULL, while_waiting) < 0)
            continue;
        step_all(p, fds + 1);
        if (fds[0].revents)
            accept_one(p);
    }
}

static int run(struct proxy *p)
{
    struct sigaction on = {.sa_handler = on_signal};
    sigset_t ends, before;
    char where[ADDRESS_TEXT];
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, &before); /* but in ppoll */
    sigaction(SIGTERM, &on, NULL);
    sigaction(SIGINT, &on, NULL);
    p->listen_fd = net_listen(&p->listen);
    if (p->listen_fd < 0) {
        fprintf(stderr, "ajpcat proxy: cannot listen: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    address_format(&p->listen, where);
    printf("listening %s://%s\n", p->listen_url.tls ? "ajps" : "ajp", where);
    p->output.view.colour = term_has_colour(STDOUT_FILENO);
    p->output.view.width = term_width(STDOUT_FILENO);
    if (p->output.kind->begin)
        p->output.kind->begin(&p->output.view);
    proxy_output_write(&p->output);
    serve(p, &before);
    while (p->pairs) {
        struct proxy_pair *pair = p->pairs;
        p->pairs = pair->next;
        proxy_pair_free(pair);
    }
    close(p->listen_fd);
    return p->output.failed ? EXIT_FAILED : 0;
}

static int set_address(const struct args *a, int row, struct url *url, struct address *out)
{
    const char *why;
    if (url_parse(a->value, url, &why) &&
        (row == LISTEN ? url_resolve(url, true, out, &why) : url_find(url, out, &why)))
        return 0;
    return args_wrong(a, "--%s %s: %s", table[row].name, a->value, why);
}

static int set_option(struct args *a, struct proxy *p, int row)
{
    if (row >= 0 && row < VIEWS) {
        if (p->output.kind && p->output.kind != views[row])
            return args_wrong(a, "expected one view: -v, -x, --json or --http");
        p->output.kind = views[row];
        return 0;
    }
    if (row >= TLS) {
        secure_option(&p->to_tls, (enum secure_option)(row - TLS), a->value);
        return 0;
    }
    switch (row) {
    case FILTER:
        filter_free(p->filter);
        p->output.filter = p->filter = filter_option(a);
        return p->filter ? 0 : EXIT_USAGE;
    case LISTEN:
        return set_address(a, row, &p->listen_url, &p->listen);
    case LISTEN_CERTIFICATE:
        p->listen_tls.certificate = a->value;
        return 0;
    case LISTEN_KEY:
        p->listen_tls.key = a->value;
        return 0;
    case TO:
        return set_address(a, row, &p->to_url, &p->to);
    case SHOW_SECRETS:
        p->output.view.show_secrets = true;
        return 0;
    default: /* an operand */
        return args_wrong(a, "unexpected operand \"%s\"", a->value);
    }
}

static int read_options(struct args *a, struct proxy *p)
{
    int row, code;
    while ((row = args_next(a)) != ARGS_END) {
        if (row == ARGS_ERROR || row == ARGS_HELP)
            return args_exit(row);
        if ((code = set_option(a, p, row)) != 0)
            return code;
    }
    if (p->listen.len == 0 || p->to.len == 0)
        return args_wrong(a, "expected --listen ajp://HOST:PORT and --to ajp://HOST:PORT");
    if (p->listen_url.tls && !p->listen_tls.certificate)
        return args_wrong(a, "to listen at ajps://, --listen-certificate FILE is needed");
    if (!p->output.kind)
        p->output.kind = &view_lines;
    return -1;
}

/* Loads what TLS needs on either side. False after the user was told. */
static bool secure_sides(struct proxy *p)
{
    struct text why = {0};
    bool ok = true;
    if (p->listen_url.tls)
        ok = (p->sides.listen = secure_server(&p->listen_tls, "proxy", &why)) != NULL;
    if (ok && p->to_url.tls)
        ok = (p->sides.to = secure_client(&p->to_tls, p->to_url.host, &why)) != NULL;
    if (!ok)
        fprintf(stderr, "ajpcat proxy: %s\n", why.at);
    text_free(&why);
    return ok;
}

int cmd_proxy(int argc, char **argv)
{
    struct args a;
    struct proxy p = {0};
    args_init(&a, argc, argv, "", "Passes AJP on to an app server and shows it.", table);
    int code = read_options(&a, &p);
    if (code < 0)
        code = secure_sides(&p) ? run(&p) : EXIT_FAILED;
    secure_leave(p.sides.listen);
    secure_leave(p.sides.to);
    filter_free(p.filter);
    text_free(&p.output.view.out);
    return code;
}
