/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request to the admin server of a running daemon, its answer printed. */
#include "admin/ctl.h"

#include "admin/address.h"
#include "base/log.h"
#include "base/nearest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN_VARIABLE "AJP_ADMIN_TOKEN"

enum { TOKEN_MAX = 1024 };

enum arguments { ARGS_NONE, ARGS_WORKER, ARGS_WEIGHT, ARGS_ADD };

struct verb {
    const char *name;
    const char *method, *path; /* path gets the worker's name appended where it ends in '/' */
    enum arguments arguments;
    const char *help;
};

static const char *const argument_names[] = {"", "WORKER", "WORKER N", "WORKER URL [KEY=VALUE]..."};

static const struct verb verbs[] = {
    {"status", "GET", "/status", ARGS_NONE, "state of all workers, as JSON"},
    {"metrics", "GET", "/metrics", ARGS_NONE, "counters, as Prometheus reads them"},
    {"reload", "POST", "/reload", ARGS_NONE, "read the configuration again, as SIGHUP does"},
    {"active", "PUT", "/workers/", ARGS_WORKER, "let WORKER take requests"},
    {"drain", "PUT", "/workers/", ARGS_WORKER, "keep WORKER's sessions, give it no new ones"},
    {"stop", "PUT", "/workers/", ARGS_WORKER, "give WORKER nothing; its sessions move"},
    {"standby", "PUT", "/workers/", ARGS_WORKER, "use WORKER only when no active one is left"},
    {"spare", "PUT", "/workers/", ARGS_WORKER, "use WORKER in place of an active one that is out"},
    {"weight", "PUT", "/workers/", ARGS_WEIGHT, "its share of the requests, 1 to 1000"},
    {"add", "POST", "/workers", ARGS_ADD,
     "a worker more, with settings as in the file, or like=WORKER"},
    {"remove", "DELETE", "/workers/", ARGS_WORKER, "take WORKER out; what it has at work ends"},
};

static int print_help(const char *program)
{
    printf("Usage: %s ctl [--token-file FILE] ADDRESS VERB [WORKER...]\n"
           "Asks a running daemon, or changes its workers.\n\n"
           "ADDRESS is what --admin says: unix:PATH or 127.0.0.1:PORT. To change something over "
           "TCP\ntakes the token of --admin-token-file, from FILE or " TOKEN_VARIABLE
           ". VERB is one of\n\n",
           program);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        printf("  %-8s %-26s %s\n", verbs[i].name, argument_names[verbs[i].arguments],
               verbs[i].help);
    printf("\n  --token-file FILE                   file with the token, one line\n"
           "  --help                              print this and exit\n");
    return 0;
}

static const struct verb *verb_of(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* Read all, print the body; true when the status is 200. */
static bool print_answer(int fd)
{
    char *text = NULL, chunk[4096];
    const char *body;
    size_t size;
    ssize_t n;
    FILE *f = open_memstream(&text, &size);
    bool ok;

    if (f == NULL)
        return false;
    while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
        fwrite(chunk, 1, (size_t)n, f);
    fclose(f);
    ok = size > 12 && strncmp(text + 9, "200", 3) == 0;
    body = strstr(text, "\r\n\r\n");
    fprintf(ok ? stdout : stderr, "%s\n", body != NULL ? body + 4 : "no answer");
    free(text);
    return ok;
}

/* argv behind the verb. */
static bool arguments_fit(const struct verb *v, int argc, char **argv)
{
    static const int counts[] = {0, 1, 2, 2};

    if (v->arguments == ARGS_ADD ? argc < counts[ARGS_ADD] : argc != counts[v->arguments])
        return false;
    if (v->arguments == ARGS_WEIGHT && strspn(argv[1], "0123456789") != strlen(argv[1]))
        return false;
    for (int i = 2; i < argc; i++)
        if (strchr(argv[i], '=') == NULL)
            return false;
    return argc == 0 || strpbrk(argv[0], " \r\n/") == NULL;
}

/* NULL: none. */
static char *body_of(const struct verb *v, int argc, char **argv)
{
    json_t *o = NULL;
    char *text;

    switch (v->arguments) {
    case ARGS_NONE:
        return NULL;
    case ARGS_WORKER:
        o = json_pack("{s:s}", "activation", v->name);
        break;
    case ARGS_WEIGHT:
        o = json_pack("{s:I}", "weight", (json_int_t)strtoll(argv[1], NULL, 10));
        break;
    case ARGS_ADD:
        o = json_pack("{s:s, s:s}", "name", argv[0], "url", argv[1]);
        for (int i = 2; i < argc; i++) {
            char *equals = strchr(argv[i], '=');

            *equals = '\0';
            json_object_set_new(o, argv[i], json_string(equals + 1));
        }
        break;
    }
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

/* One request, and its answer printed. token: "" for none. */
static bool ask(int fd, const struct verb *v, int argc, char **argv, const char *token)
{
    char *body = strcmp(v->method, "DELETE") == 0 ? NULL : body_of(v, argc, argv);
    bool named = v->path[strlen(v->path) - 1] == '/';
    char *request = NULL;
    bool ok;
    int n = asprintf(&request,
                     "%s %s%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     "X-Ajp-Admin: 1\r\n%s%s%sContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     v->method, v->path, named ? argv[0] : "",
                     token[0] != '\0' ? "Authorization: Bearer " : "", token,
                     token[0] != '\0' ? "\r\n" : "", body != NULL ? strlen(body) : 0,
                     body != NULL ? body : "");

    ok = n > 0 && send(fd, request, (size_t)n, MSG_NOSIGNAL) == n;
    ok = ok && print_answer(fd);
    if (n > 0)
        free(request);
    free(body);
    return ok;
}

/* False: it cannot be sent as a line. */
static bool keep_token(char *token, size_t len)
{
    while (len > 0 && (token[len - 1] == '\n' || token[len - 1] == '\r'))
        len--;
    token[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)token[i] < 0x20 || token[i] == 0x7f)
            return false;
    return len > 0;
}

/* file NULL: from the environment, where it may be missing. */
static bool find_token(const char *file, char *token, const char *program)
{
    const char *given = getenv(TOKEN_VARIABLE);
    FILE *f = file != NULL ? fopen(file, "re") : NULL;
    size_t len = 0;

    token[0] = '\0';
    if (file == NULL && given == NULL)
        return true;
    if (file != NULL && f == NULL) {
        fprintf(stderr, "%s: cannot read %s: %m\n", program, file);
        return false;
    }
    if (f != NULL) {
        setvbuf(f, NULL, _IONBF, 0); /* no copy of it stays behind */
        len = fread(token, 1, TOKEN_MAX + 2, f);
        fclose(f);
    } else {
        len = strnlen(given, TOKEN_MAX);
        memcpy(token, given, len);
    }
    if (keep_token(token, len))
        return true;
    fprintf(stderr, "%s: expected one line with a token in %s\n", program,
            file != NULL ? file : TOKEN_VARIABLE);
    return false;
}

/* Everything behind the options. */
/* What is wrong with the arguments from the address on. */
static int usage(const char *program, int argc, char **argv)
{
    const struct verb *v = argc >= 2 ? verb_of(argv[1]) : NULL;
    struct nearest nearest = nearest_to(argc >= 2 ? argv[1] : "");
    char shown[128];

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        nearest_try(&nearest, verbs[i].name);
    fprintf(stderr, "%s: ctl: ", program);
    if (argc < 2)
        fprintf(stderr, "expected ADDRESS VERB, see ctl --help\n");
    else if (v != NULL)
        fprintf(stderr, "%s: expected %s, see ctl --help\n", v->name,
                v->arguments == ARGS_NONE ? "nothing more" : argument_names[v->arguments]);
    else
        fprintf(stderr, "expected a verb, got %s, %s%s\n",
                log_str(shown, sizeof(shown), ajp_str_of(argv[1], strlen(argv[1]))),
                nearest.found != NULL ? "did you mean " : "see ctl --help",
                nearest.found != NULL ? nearest.found : "");
    return 2;
}

static int run(int argc, char **argv, const char *token_file, const char *program)
{
    const struct verb *v = argc >= 2 ? verb_of(argv[1]) : NULL;
    char token[TOKEN_MAX + 3], error[256];
    int fd;
    bool ok;

    if (v == NULL || !arguments_fit(v, argc - 2, argv + 2))
        return usage(program, argc, argv);
    if (!find_token(token_file, token, program))
        return 1;
    fd = admin_connect(argv[0], error, sizeof(error));
    if (fd < 0) {
        fprintf(stderr, "%s: %s; is the daemon running with --admin %s?\n", program, error,
                argv[0]);
        return 1;
    }
    ok = ask(fd, v, argc - 2, argv + 2, token);
    explicit_bzero(token, sizeof(token));
    close(fd);
    return ok ? 0 : 1;
}

int ctl_main(int argc, char **argv, const char *program)
{
    if (argc >= 1 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0))
        return print_help(program);
    if (argc >= 2 && strcmp(argv[0], "--token-file") == 0)
        return run(argc - 2, argv + 2, argv[1], program);
    return run(argc, argv, NULL, program);
}
