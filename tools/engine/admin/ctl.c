/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request to the admin server of a running daemon, its answer printed. */
#include "admin/ctl.h"

#include "admin/address.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s ctl ADDRESS VERB [WORKER...]\n"
            "ADDRESS is what --admin says: unix:PATH or 127.0.0.1:PORT. VERB is one of\n",
            program);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        fprintf(stderr, "  %-8s %-26s %s\n", verbs[i].name, argument_names[verbs[i].arguments],
                verbs[i].help);
    return 2;
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

/* One request, and its answer printed. */
static bool ask(int fd, const struct verb *v, int argc, char **argv)
{
    char *body = strcmp(v->method, "DELETE") == 0 ? NULL : body_of(v, argc, argv);
    bool named = v->path[strlen(v->path) - 1] == '/';
    char *request = NULL;
    bool ok;
    int n = asprintf(&request,
                     "%s %s%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     "X-Ajp-Admin: 1\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     v->method, v->path, named ? argv[0] : "", body != NULL ? strlen(body) : 0,
                     body != NULL ? body : "");

    ok = n > 0 && send(fd, request, (size_t)n, MSG_NOSIGNAL) == n;
    ok = ok && print_answer(fd);
    if (n > 0)
        free(request);
    free(body);
    return ok;
}

int ctl_main(int argc, char **argv, const char *program)
{
    const struct verb *v = argc >= 2 ? verb_of(argv[1]) : NULL;
    char error[256];
    int fd;
    bool ok;

    if (v == NULL || !arguments_fit(v, argc - 2, argv + 2))
        return usage(program);
    fd = admin_connect(argv[0], error, sizeof(error));
    if (fd < 0) {
        fprintf(stderr, "%s: %s; is the daemon running with --admin %s?\n", program, error,
                argv[0]);
        return 1;
    }
    ok = ask(fd, v, argc - 2, argv + 2);
    close(fd);
    return ok ? 0 : 1;
}
