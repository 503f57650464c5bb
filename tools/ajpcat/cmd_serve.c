/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat serve: options, threads, signals. */
#include "args.h"
#include "command.h"
#include "serve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_THREADS = 64 };

enum {
    LISTEN,
    ROUTE,
    THREADS,
    PACKET_SIZE,
    SECRET_FILE,
    DIR_OF_ANSWERS,
    SESSIONS,
    SCRIPT,
    VERBOSE,
    QUIET,
    TLS_CERTIFICATE,
    TLS_KEY,
    TLS_CLIENT_CA
};

static const struct arg table[] = {
    [LISTEN] = {0, "listen", "URL",
                "where to listen, e.g. ajp://127.0.0.1:8009 (port 0: any free one)"},
    [ROUTE] = {0, "route", "NAME", "JVM route to put into session ids"},
    [THREADS] = {0, "threads", "N", "threads, each with its own event loop (1)"},
    [PACKET_SIZE] = {0, "packet-size", "BYTES", "largest packet, 8192 to 65536 (8192)"},
    [SECRET_FILE] = {0, "secret-file", "FILE", "secret that requests must carry; else AJP_SECRET"},
    [DIR_OF_ANSWERS] = {0, "dir", "FOLDER", "canned answers: for /a its file a, or a.http"},
    [SESSIONS] = {0, "sessions", "FOLDER",
                  "keep sessions there; nodes with the same folder share them"},
    [SCRIPT] = {0, "script", "FILE", "do on each connection what the script says"},
    [VERBOSE] = {'v', "verbose", NULL, "a line per request on standard error"},
    [QUIET] = {'q', "quiet", NULL, "no complaints about broken peers"},
    [TLS_CERTIFICATE] = {0, "tls-certificate", "FILE", "to listen at ajps: show this certificate"},
    [TLS_KEY] = {0, "tls-key", "FILE", "its key; else in the certificate's file"},
    [TLS_CLIENT_CA] = {0, "tls-client-ca", "FILE", "let in only web servers that it signed for"},
    [TLS_CLIENT_CA + 1] = {0}};

struct settings {
    struct serve_options options;
    struct url url;
    struct address address;
    struct secure_options tls;
    unsigned threads;
    struct script script;
};

static bool is_route(const char *s)
{
    return strlen(s) <= 64 && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-")] == '\0';
}

static int set_listen(const struct args *a, struct settings *s)
{
    const char *why;
    if (!url_parse(a->value, &s->url, &why))
        return args_wrong(a, "--listen %s: %s", a->value, why);
    if (!url_resolve(&s->url, true, &s->address, &why))
        return args_wrong(a, "--listen %s: %s", a->value, why);
    return 0;
}

static int set_folder(const struct args *a, const char *option, const char **folder)
{
    struct stat st;
    if (stat(a->value, &st) != 0 || !S_ISDIR(st.st_mode))
        return args_wrong(a, "--%s %s: expected a folder", option, a->value);
    *folder = a->value;
    return 0;
}

static int set_script(const struct args *a, struct settings *s)
{
    struct text t = {0};
    unsigned line = 0;
    const char *why = "";
    int c;
    FILE *f = fopen(a->value, "re");
    if (!f)
        return args_wrong(a, "--script %s: %s", a->value, strerror(errno));
    while ((c = getc(f)) != EOF)
        text_byte(&t, (char)c);
    fclose(f);
    script_free(&s->script);
    bool ok = script_parse(&s->script, t.at ? t.at : "", &line, &why);
    text_free(&t);
    if (!ok)
        return args_wrong(a, "--script %s, line %u: %s", a->value, line, why);
    if (s->script.count == 0)
        return args_wrong(a, "--script %s: expected a step", a->value);
    s->script.name = a->value;
    s->options.script = &s->script;
    return 0;
}

static int set_option(const struct args *a, int row, struct settings *s, const char **secret_file)
{
    uint64_t n = 0;
    switch (row) {
    case LISTEN:
        return set_listen(a, s);
    case ROUTE:
        if (!is_route(a->value))
            return args_wrong(a, "--route: expected at most 64 letters, digits, _ and -");
        s->options.route = a->value;
        return 0;
    case THREADS:
        if (!args_uint(a, 1, MAX_THREADS, &n))
            return EXIT_USAGE;
        s->threads = (unsigned)n;
        return 0;
    case PACKET_SIZE:
        if (!args_uint(a, AJP_PACKET_DEFAULT, AJP_PACKET_MAX, &n))
            return EXIT_USAGE;
        s->options.limits.max_packet = (uint32_t)n;
        return 0;
    case SECRET_FILE:
        *secret_file = a->value;
        return 0;
    case DIR_OF_ANSWERS:
        return set_folder(a, "dir", &s->options.dir);
    case SESSIONS:
        return set_folder(a, "sessions", &s->options.sessions);
    case SCRIPT:
        return set_script(a, s);
    case VERBOSE:
        s->options.verbose = true;
        return 0;
    case QUIET:
        s->options.quiet = true;
        return 0;
    case TLS_CERTIFICATE:
        s->tls.certificate = a->value;
        return 0;
    case TLS_KEY:
        s->tls.key = a->value;
        return 0;
    case TLS_CLIENT_CA:
        s->tls.ca = a->value;
        return 0;
    default:
        return args_wrong(a, "unexpected operand \"%s\"", a->value);
    }
}

static int read_settings(struct args *a, struct settings *s)
{
    const char *secret_file = NULL, *why;
    int row, code;
    while ((row = args_next(a)) != ARGS_END) {
        if (row == ARGS_ERROR || row == ARGS_HELP)
            return args_exit(row);
        if ((code = set_option(a, row, s, &secret_file)) != 0)
            return code;
    }
    if (s->address.len == 0)
        return args_wrong(a, "--listen ajp://HOST:PORT is needed");
    if (s->url.tls && !s->tls.certificate)
        return args_wrong(a, "to listen at ajps://, --tls-certificate FILE is needed");
    if (!secret_load(secret_file, &s->options.secret, &why))
        return args_wrong(a, "--secret-file %s: %s", secret_file, why);
    return -1;
}

static void *thread_main(void *loop)
{
    return loop_run(loop) ? loop : NULL;
}

static int run(const struct args *a, struct settings *s)
{
    struct serve_loop loops[MAX_THREADS] = {{0}};
    pthread_t threads[MAX_THREADS];
    char where[ADDRESS_TEXT];
    sigset_t ends;
    int signal_number;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    for (unsigned i = 0; i < s->threads; i++) {
        loops[i] = (struct serve_loop){.options = &s->options,
                                       .listen_fd = net_listen(&s->address),
                                       .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        if (loops[i].listen_fd < 0 || loops[i].wake_fd < 0) {
            fprintf(stderr, "ajpcat %s: cannot listen: %s\n", a->command, strerror(errno));
            return EXIT_FAILED;
        }
    }
    for (unsigned i = 0; i < s->threads; i++) {
        if (pthread_create(&threads[i], NULL, thread_main, &loops[i]) != 0) {
            fprintf(stderr, "ajpcat %s: cannot start a thread\n", a->command);
            return EXIT_FAILED;
        }
    }
    address_format(&s->address, where);
    printf("listening %s://%s\n", s->url.tls ? "ajps" : "ajp", where);
    fflush(stdout);
    sigwait(&ends, &signal_number);
    for (unsigned i = 0; i < s->threads; i++) {
        uint64_t one = 1;
        if (write(loops[i].wake_fd, &one, sizeof one) < 0)
            return EXIT_FAILED;
        pthread_join(threads[i], NULL);
        close(loops[i].listen_fd);
        close(loops[i].wake_fd);
    }
    return 0;
}

static bool secure_it(const struct args *a, struct settings *s)
{
    struct text why = {0};
    if (s->url.tls)
        s->options.side = secure_server(&s->tls, "serve", &why);
    bool ok = !s->url.tls || s->options.side;
    if (!ok)
        fprintf(stderr, "ajpcat %s: %s\n", a->command, why.at);
    text_free(&why);
    return ok;
}

int cmd_serve(int argc, char **argv)
{
    struct args a;
    struct settings s = {.threads = 1, .options = {.route = "", .limits = ajp_limits_relay}};
    args_init(&a, argc, argv, "", "An AJP app server for tests and demonstrations.", table);
    s.options.limits.max_packet = AJP_PACKET_DEFAULT;
    s.options.limits.max_headers = UINT16_MAX;
    script_faults_load();
    int code = read_settings(&a, &s);
    if (code < 0)
        code = secure_it(&a, &s) ? run(&a, &s) : EXIT_FAILED;
    secure_leave(s.options.side);
    text_free(&s.options.secret);
    script_free(&s.script);
    return code;
}
