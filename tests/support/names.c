/* SPDX-License-Identifier: Apache-2.0 */
/* LD_PRELOAD: look-ups of names take as long, and give what the file in TEST_NAMES says, one name a
 * line: "NAME MILLISECONDS [ADDRESS]...". Other names do not exist. See names.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int numeric(const char *text, const char *service, const struct addrinfo *hints,
                   struct addrinfo **out)
{
    look_up *real;
    struct addrinfo want = hints != NULL ? *hints : (struct addrinfo){0};

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    want.ai_flags |= AI_NUMERICHOST;
    return real(text, service, &want, out);
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

/* The rest of the line of that name. */
static int find(const char *name, char *line, int cap, char **rest)
{
    FILE *f = fopen(getenv("TEST_NAMES"), "re");
    int found = 0;

    while (f != NULL && !found && fgets(line, cap, f) != NULL) {
        *rest = line;
        line[strcspn(line, "\n")] = '\0';
        found = strcmp(strsep(rest, " "), name) == 0;
    }
    if (f != NULL)
        fclose(f);
    return found;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    struct addrinfo **at = out;
    char line[512], *rest = NULL, *one;

    if (numeric(node, service, hints, out) == 0)
        return 0;
    *out = NULL;
    if (!find(node, line, sizeof(line), &rest))
        return EAI_NONAME;
    pause_ms(strtol(strsep(&rest, " "), NULL, 10));
    while ((one = strsep(&rest, " ")) != NULL)
        if (numeric(one, service, hints, at) == 0)
            while (*at != NULL)
                at = &(*at)->ai_next;
    return *out != NULL ? 0 : EAI_NONAME;
}
