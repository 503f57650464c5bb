/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline, and its progress on standard error where that is a terminal. */
#include "reader.h"

#include "args.h"
#include "capture.h"
#include "net.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum {
    PROGRESS_FROM = 32 << 20,
    PROGRESS_FRAMES = 4096,
    PROGRESS_NS = 200000000,
    PROGRESS_BAR = 30
};

struct run {
    struct reader *reader;
    bool stopped;
    struct ledger ledger;
    struct acquaintances known;
    struct talk_watcher watcher;
    struct tcp_table *flows;
    uint64_t now_ns; /* of the last frame */
    uint64_t began_ns, told_ns;
};

static void on_exchange(void *user, const struct exchange *e)
{
    struct run *r = user;
    r->reader->shown++;
    if (!r->stopped)
        r->stopped = !r->reader->show(r->reader->user, e);
}

static struct talk *talk_of(struct run *r, struct tcp_flow *f)
{
    if (!f->user)
        f->user = talk_new(&r->watcher, f);
    return f->user;
}

static void on_data(void *user, struct tcp_flow *f, int side, const uint8_t *bytes, size_t len,
                    const struct segment *s)
{
    talk_data(talk_of(user, f), side, bytes, len, s);
}

static void on_gap(void *user, struct tcp_flow *f, int side, uint64_t len, const struct segment *s)
{
    talk_gap(talk_of(user, f), side, len, s);
}

static void on_closed(void *user, struct tcp_flow *f)
{
    struct run *r = user;
    if (f->user)
        talk_free(f->user);
    else if (f->syns > 0 && !f->accepted)
        stranger_refused(&r->ledger, &r->known, f, r->now_ns);
    f->user = NULL;
}

/* Who waits for more shall see what is there. */
static void on_idle(void *user)
{
    struct run *r = user;
    bool before = r->ledger.at_once;
    r->ledger.at_once = true;
    tcp_table_idle(r->flows);
    ledger_release(&r->ledger);
    r->ledger.at_once = before;
    if (r->reader->idle)
        r->reader->idle(r->reader->user);
}

/* On a terminal that shows nothing else meanwhile. */
static bool tells_progress(const struct reader *r, const struct capture *c)
{
    return capture_size(c) >= PROGRESS_FROM && isatty(STDERR_FILENO) &&
           (r->reports_at_end || !isatty(STDOUT_FILENO));
}

static void tell_progress(struct run *r, const struct capture *c)
{
    static const char bar[PROGRESS_BAR + 1] = "##############################";
    uint64_t done = capture_bytes(c), all = capture_size(c), now = now_ns();
    if (now - r->told_ns < PROGRESS_NS || done == 0 || done > all)
        return;
    double seconds = (double)(now - r->began_ns) / 1e9, rate = (double)done / seconds;
    r->told_ns = now;
    fprintf(stderr, "\r[%-*.*s] %5.1f%% %6.0f MB/s %4.0f s left ", PROGRESS_BAR,
            (int)(PROGRESS_BAR * done / all), bar, 100.0 * (double)done / (double)all, rate / 1e6,
            (double)(all - done) / rate);
}

static void read_all(struct run *r, struct capture *c, const char *path)
{
    const char *why = "";
    struct segment s;
    enum capture_result result = CAPTURE_END;
    bool progress = tells_progress(r->reader, c);
    struct tcp_table *flows = r->flows = tcp_table_new(
        &(struct tcp_sink){.user = r, .data = on_data, .gap = on_gap, .closed = on_closed});
    capture_on_idle(c, on_idle, r);
    while (!r->stopped && (result = capture_next(c, &s, &why)) == CAPTURE_SEGMENT) {
        uint64_t barrier = r->ledger.barrier;
        r->now_ns = s.time_ns > r->now_ns ? s.time_ns : r->now_ns;
        tcp_table_add(flows, &s);
        r->ledger.barrier = tcp_table_oldest_held(flows);
        if (r->ledger.barrier > barrier || r->ledger.at_once)
            ledger_release(&r->ledger);
        if (progress && s.frame % PROGRESS_FRAMES == 0)
            tell_progress(r, c);
    }
    r->ledger.barrier = 0; /* all that is still open comes in order of its beginning */
    tcp_table_free(flows);
    r->ledger.barrier = UINT64_MAX;
    ledger_release(&r->ledger);
    if (r->told_ns)
        fputs("\r\033[K", stderr);
    if (result == CAPTURE_BROKEN && !r->reader->quiet)
        fprintf(stderr, "ajpcat %s: %s: %s after frame %" PRIu64 ": shown is what came before\n",
                r->reader->command, path, why, capture_frames(c));
}

static void tell_none(struct run *r, struct capture *c, const char *path)
{
    uint64_t frames = capture_frames(c);
    struct text were = {0};
    text_str(&were, frames > 0 ? ": " : "");
    capture_tell(c, &were);
    if (r->known.connections.count > 0) {
        text_str(&were, "; ");
        acquaintances_tell(&r->known, &were);
    }
    fprintf(stderr, "ajpcat %s: %s: no AJP in %" PRIu64 " frame%s%s\n", r->reader->command, path,
            frames, frames == 1 ? "" : "s", were.at);
    text_free(&were);
}

static int run(struct reader *reader, struct capture *c, const char *name, const char *why,
               bool at_once)
{
    struct run r = {.reader = reader, .began_ns = now_ns()};
    if (!c) {
        if (!reader->quiet)
            fprintf(stderr, "ajpcat %s: %s: %s\n", reader->command, name, why);
        return EXIT_FAILED;
    }
    r.ledger =
        (struct ledger){.user = &r, .show = on_exchange, .barrier = UINT64_MAX, .at_once = at_once};
    r.watcher = (struct talk_watcher){.ledger = &r.ledger,
                                      .body = reader->body,
                                      .keep_heads = reader->keep_heads,
                                      .now_ns = &r.now_ns,
                                      .known = &r.known,
                                      .user = reader->user,
                                      .message = reader->message};
    read_all(&r, c, name);
    reader->frames = capture_frames(c);
    if (reader->tells_none && reader->shown == 0)
        tell_none(&r, c, name);
    acquaintances_free(&r.known);
    return 0;
}

static struct capture *endless;

static void on_signal(int number)
{
    (void)number;
    capture_stop(endless);
}

enum { ENDS = 2 };
static const int ends[ENDS] = {SIGINT, SIGTERM};

/* The first Ctrl-C ends the capture, so that what was read is shown; the second the program. */
static void catch_signals(struct capture *c, struct sigaction before[ENDS])
{
    struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    endless = c;
    for (int i = 0; i < ENDS; i++) {
        sigaction(ends[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(ends[i], &stop, NULL);
    }
}

static int run_to_end(struct reader *reader, struct capture *c, const char *name, const char *why,
                      bool at_once)
{
    struct sigaction before[ENDS];
    bool catches = c && capture_is_endless(c);
    if (catches)
        catch_signals(c, before);
    int code = run(reader, c, name, why, at_once);
    for (int i = 0; catches && i < ENDS; i++)
        sigaction(ends[i], &before[i], NULL);
    endless = NULL;
    capture_close(c);
    return code;
}

int reader_run(struct reader *reader, const char *path)
{
    const char *why = "";
    struct capture *c = capture_open(path, &why);
    return run_to_end(reader, c, path, why, false);
}

int reader_live(struct reader *reader, const char *interface)
{
    const char *why = "";
    struct capture *c = capture_live(interface, &why);
    if (c)
        fprintf(stderr, "ajpcat %s: listening on %s, Ctrl-C ends\n", reader->command, interface);
    return run_to_end(reader, c, interface, why, true);
}
