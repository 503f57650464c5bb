/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat decode: capture -> segments -> streams -> packets -> exchanges -> a view. */
#include "args.h"
#include "capture.h"
#include "command.h"
#include "tcp.h"
#include "term.h"
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VERBOSE, JSON, SHOW_SECRETS };

static const struct arg table[] = {
    [VERBOSE] = {'v', "verbose", NULL, "every packet of each exchange, as a tree of its fields"},
    [JSON] = {0, "json", NULL, "one JSON object a line for each exchange"},
    [SHOW_SECRETS] = {0, "show-secrets", NULL, "do not hide secret, cookies and authorization"},
    [SHOW_SECRETS + 1] = {0}};

enum { DETAIL_MAX = 1 << 20 };

struct decoder {
    struct view view;
    bool json;
    bool write_failed;
    struct ledger ledger;
    struct talk_watcher watcher;
};

static void write_out(struct decoder *d)
{
    if (d->view.out.len > 0 && fwrite(d->view.out.at, 1, d->view.out.len, stdout) == 0)
        d->write_failed = true;
    text_clear(&d->view.out);
}

static void on_exchange(void *user, const struct exchange *e)
{
    struct decoder *d = user;
    if (d->json)
        view_json(&d->view, e);
    else
        view_line(&d->view, e);
    write_out(d);
}

static void on_message(void *user, struct exchange *e, const struct packet *p, const ajp_message *m)
{
    struct decoder *d = user;
    if (e->detail.len < DETAIL_MAX)
        view_message(&e->detail, d->view.colour, d->view.show_secrets, p, m, e->start_ns);
}

static void on_data(void *user, struct tcp_flow *f, int side, const uint8_t *bytes, size_t len,
                    const struct segment *s)
{
    struct decoder *d = user;
    if (!f->user)
        f->user = talk_new(&d->watcher, f);
    talk_data(f->user, side, bytes, len, s);
}

static void on_gap(void *user, struct tcp_flow *f, int side, uint64_t len, const struct segment *s)
{
    struct decoder *d = user;
    if (!f->user)
        f->user = talk_new(&d->watcher, f);
    talk_gap(f->user, side, len, s);
}

static void on_closed(void *user, struct tcp_flow *f)
{
    (void)user;
    if (f->user)
        talk_free(f->user);
    f->user = NULL;
}

static int decode_file(struct decoder *d, const char *path)
{
    const char *why = "";
    struct segment s;
    enum capture_result result;
    struct capture *c = capture_open(path, &why);
    if (!c) {
        fprintf(stderr, "ajpcat decode: %s: %s\n", path, why);
        return EXIT_FAILED;
    }
    struct tcp_table *flows = tcp_table_new(
        &(struct tcp_sink){.user = d, .data = on_data, .gap = on_gap, .closed = on_closed});
    while (!d->write_failed && (result = capture_next(c, &s, &why)) == CAPTURE_SEGMENT) {
        uint64_t barrier = d->ledger.barrier;
        tcp_table_add(flows, &s);
        d->ledger.barrier = tcp_table_oldest_held(flows);
        if (d->ledger.barrier > barrier)
            ledger_release(&d->ledger);
    }
    d->ledger.barrier = 0; /* all that is still open comes in order of its beginning */
    tcp_table_free(flows);
    d->ledger.barrier = UINT64_MAX;
    ledger_release(&d->ledger);
    if (result == CAPTURE_BROKEN)
        fprintf(stderr, "ajpcat decode: %s: %s after frame %llu: shown is what came before\n", path,
                why, (unsigned long long)capture_frames(c));
    capture_close(c);
    return 0;
}

static int read_options(struct args *a, struct decoder *d, const char **path)
{
    int row;
    while ((row = args_next(a)) != ARGS_END) {
        switch (row) {
        case VERBOSE:
            d->view.tree = true;
            break;
        case JSON:
            d->json = true;
            break;
        case SHOW_SECRETS:
            d->view.show_secrets = true;
            break;
        case ARGS_OPERAND:
            if (*path)
                return args_wrong(a, "expected one file, not also \"%s\"", a->value);
            *path = a->value;
            break;
        default: /* help or an error that was told */
            return args_exit(row);
        }
    }
    if (!*path)
        return args_wrong(a, "expected a pcap, pcapng or hex file, or - for standard input");
    return -1;
}

int cmd_decode(int argc, char **argv)
{
    struct args a;
    struct decoder d = {0};
    const char *path = NULL;
    args_init(&a, argc, argv, "FILE|-", "Shows the AJP exchanges of a capture or of hex text.",
              table);
    int code = read_options(&a, &d, &path);
    if (code >= 0)
        return code;
    d.view.colour = term_has_colour(STDOUT_FILENO);
    d.ledger = (struct ledger){.user = &d, .show = on_exchange, .barrier = UINT64_MAX};
    d.watcher = (struct talk_watcher){.ledger = &d.ledger, .user = &d};
    if (d.view.tree && !d.json)
        d.watcher.message = on_message;
    if (!d.json && isatty(STDOUT_FILENO)) {
        view_title(&d.view);
        write_out(&d);
    }
    code = decode_file(&d, path);
    text_free(&d.view.out);
    if (fflush(stdout) != 0 || d.write_failed) {
        fprintf(stderr, "ajpcat decode: standard output: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    return code;
}
