/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request to the admin server of a running daemon, its answer printed. */
#include "admin/ctl.h"

#include "admin/address.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct verb {
    const char *name;
    const char *method, *path; /* path gets the worker's name appended where there is one */
    bool worker;
    const char *help;
};

static const struct verb verbs[] = {
    {"status", "GET", "/status", false, "state of all workers, as JSON"},
    {"metrics", "GET", "/metrics", false, "counters, as Prometheus reads them"},
    {"reload", "POST", "/reload", false, "read the configuration again, as SIGHUP does"},
    {"active", "PUT", "/workers/", true, "let WORKER take requests"},
    {"drain", "PUT", "/workers/", true, "keep WORKER's sessions, give it no new ones"},
    {"stop", "PUT", "/workers/", true, "give WORKER nothing; its sessions move"},
    {"standby", "PUT", "/workers/", true, "use WORKER only when no active one is left"},
};

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s ctl ADDRESS VERB [WORKER]\n"
            "ADDRESS is what --admin says: unix:PATH or 127.0.0.1:PORT. VERB is one of\n",
            program);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        fprintf(stderr, "  %-8s %-7s %s\n", verbs[i].name, verbs[i].worker ? "WORKER" : "",
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

int ctl_main(int argc, char **argv, const char *program)
{
    const struct verb *v = argc >= 2 ? verb_of(argv[1]) : NULL;
    char error[256], body[64] = "", request[512];
    int fd, n;
    bool ok;

    if (v == NULL || argc != (v->worker ? 3 : 2) ||
        (v->worker && strpbrk(argv[2], " \r\n/") != NULL))
        return usage(program);
    fd = admin_connect(argv[0], error, sizeof(error));
    if (fd < 0) {
        fprintf(stderr, "%s: %s; is the daemon running with --admin %s?\n", program, error,
                argv[0]);
        return 1;
    }
    if (v->worker)
        snprintf(body, sizeof(body), "{\"activation\": \"%s\"}", v->name);
    n = snprintf(request, sizeof(request),
                 "%s %s%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Ajp-Admin: 1\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 v->method, v->path, v->worker ? argv[2] : "", strlen(body), body);
    ok = n < (int)sizeof(request) && send(fd, request, (size_t)n, MSG_NOSIGNAL) == n;
    ok = ok && print_answer(fd);
    close(fd);
    return ok ? 0 : 1;
}
