/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, walked: first what makes listeners and workers, then what changes them. */
#include "config/options.h"

#include "config/draft.h"
#include "config/import_jk.h"
#include "config/mistakes.h"
#include "config/options_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

/* Walks argv. */
struct walk {
    int argc, at;
    char **argv;
    const struct program *program;
    bool again; /* in a program that runs */
};

static int usage(const struct walk *walk, const char *name, const char *what, const char *detail)
{
    char shown[128];
    fprintf(stderr, "%s: %s: expected %s%s\n", walk->program->name,
            log_str(shown, sizeof shown, ajp_str_of(name, strlen(name))), what, detail);
    return EXIT_USAGE;
}

static int usage_unknown(const struct walk *walk, const char *text, size_t len)
{
    char name[64], hint[100];
    snprintf(name, sizeof name, "%.*s", (int)len, text);
    const char *nearest = option_nearest(walk->program, name);
    snprintf(hint, sizeof hint, "did you mean %s?", nearest);
    return usage(walk, text, "an option, ", nearest ? hint : "see --help");
}

/* -1: *given is the next option. 0: no more. Else the exit code. */
static int next_given(struct walk *walk, struct given *given)
{
    if (walk->at >= walk->argc)
        return 0;
    const char *text = walk->argv[walk->at++];
    size_t len = strcspn(text, "=");
    *given = (struct given){0};
    if (strcmp(text, "-h") == 0)
        len = strlen(text = "--help");
    if (strncmp(text, "--", 2) != 0 || !option_find(text, len, given))
        return usage_unknown(walk, text, len);
    const char *name = given->option ? given->option->name : given->row->option;
    if (!option_is_of(walk->program, name))
        return usage(walk, name, "no option for listeners of the other protocol, see --help", "");
    bool flag = given->option && given->option->action == ACTION_FLAG;
    bool boolean = given->row && given->row->kind == KIND_BOOL;
    if (text[len] == '=') {
        given->value = text + len + 1;
        if (flag)
            return usage(walk, name, "no value", "");
    } else if (boolean) {
        given->value = "true";
    } else if (!flag) {
        if (walk->at >= walk->argc)
            return usage(walk, name,
                         "a value: ", given->option ? given->option->metavar : given->row->help);
        given->value = walk->argv[walk->at++];
    }
    return -1;
}

static void place_of(const struct draft *draft, const char *option, char *out, size_t cap)
{
    snprintf(out, cap, "%s: %s", draft->program->name, option);
}

static bool add_listener(struct draft *draft, const char *url)
{
    char option[300], place[400];
    snprintf(option, sizeof option, "--listen %s", url);
    place_of(draft, "--listen", place, sizeof place);
    return draft_add_listener(draft, option, -1) &&
           draft_set_listener(draft, draft->listener_count - 1, "url", place, url);
}

static bool add_worker(struct draft *draft, const char *text)
{
    char option[300], place[400], name[80];
    snprintf(option, sizeof option, "--worker %s", text);
    place_of(draft, "--worker", place, sizeof place);
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;
    if (!equals || len >= sizeof name) {
        char shown[128];
        return draft_fail(draft, place, "expected NAME=ajp://HOST:PORT, got \"%s\"",
                          log_str(shown, sizeof shown, ajp_str_of(text, strlen(text))));
    }
    memcpy(name, text, len);
    name[len] = '\0';
    return draft_add_worker(draft, option, -1) &&
           draft_set_worker(draft, draft->worker_count - 1, "name", place, name) &&
           draft_set_worker(draft, draft->worker_count - 1, "url", place, equals + 1);
}

static bool set_secrets(struct draft *draft, const struct given *given)
{
    char place[100];
    place_of(draft, given->option->name, place, sizeof place);
    for (size_t i = 0; i < draft->listener_count; i++)
        if (draft->listeners[i].proto == PROTO_AJP && draft->listeners[i].host.ptr &&
            !draft_set_listener(draft, i, given->option->key, place, given->value))
            return false;
    return true;
}

static bool set_tls(struct draft *draft, const struct given *given)
{
    char place[100];
    bool any = false;
    place_of(draft, given->option->name, place, sizeof place);
    for (size_t i = 0; i < draft->listener_count; i++) {
        if (!draft->listeners[i].secure)
            continue;
        any = true;
        if (!draft_set_listener(draft, i, given->option->key, place, given->value))
            return false;
    }
    return any || draft_fail(draft, place, "expected a listener with https:// or ajps:// for it");
}

/* Secrets go to every worker, what is about TLS to those that use it. */
static bool is_meant(const struct worker_settings *worker, const struct given *given,
                     const char *equals)
{
    if (equals)
        return option_is_named(worker->name.ptr, given->value, (size_t)(equals - given->value));
    return given->option->action == ACTION_WORKER_SECRET || worker->secure;
}

static bool set_worker_settings(struct draft *draft, const struct given *given)
{
    char place[100];
    place_of(draft, given->option->name, place, sizeof place);
    const char *equals = strchr(given->value, '=');
    bool any = false;
    for (size_t i = 0; i < draft->worker_count; i++) {
        if (!is_meant(&draft->workers[i], given, equals))
            continue;
        any = true;
        if (!draft_set_worker(draft, i, given->option->key, place,
                              equals ? equals + 1 : given->value))
            return false;
    }
    if (any)
        return true;
    char shown[128];
    return draft_fail(draft, place, "expected %s with the name of a%s worker, got \"%s\"",
                      given->option->metavar,
                      given->option->action == ACTION_WORKER_TLS ? "n ajps://" : "",
                      log_str(shown, sizeof shown, ajp_str_of(given->value, strlen(given->value))));
}

static bool allow_attribute(struct draft *draft, const char *name)
{
    char place[100];
    place_of(draft, "--allow-attribute", place, sizeof place);
    for (size_t i = 0; i < draft->listener_count; i++)
        if (!draft_set_listener(draft, i, "attributes", place, name))
            return false;
    return true;
}

/* What makes listeners and workers; it replaces the file's. */
static bool apply_first(struct draft *draft, const struct given *given, bool *listens,
                        bool *workers)
{
    if (!given->option)
        return true;
    if (given->option->action == ACTION_LISTEN) {
        if (!*listens)
            draft->listener_count = 0;
        *listens = true;
        return add_listener(draft, given->value);
    }
    if (given->option->action == ACTION_WORKER) {
        if (!*workers)
            draft->worker_count = 0;
        *workers = true;
        return add_worker(draft, given->value);
    }
    return true;
}

/* What changes them, once all are there. */
static bool apply_second(struct draft *draft, const struct given *given)
{
    if (given->row) {
        char place[100];
        place_of(draft, given->row->option, place, sizeof place);
        return draft_set(draft, given->row, place, given->value);
    }
    switch (given->option->action) {
    case ACTION_SECRET:
        return set_secrets(draft, given);
    case ACTION_WORKER_SECRET:
    case ACTION_WORKER_TLS:
        return set_worker_settings(draft, given);
    case ACTION_TLS:
        return set_tls(draft, given);
    case ACTION_ATTRIBUTE:
        return allow_attribute(draft, given->value);
    case ACTION_FLAG:
        for (size_t i = 0; given->option->flag == FLAG_NO_SECRET && i < draft->listener_count; i++)
            draft->listeners[i].allow_no_secret = true;
        return true;
    case ACTION_CONFIG:
    case ACTION_LISTEN:
    case ACTION_WORKER:
        return true;
    }
    return true;
}

static bool apply(struct draft *draft, struct walk walk)
{
    struct given given;
    bool listens = false, workers = false;
    for (struct walk first = walk; next_given(&first, &given) < 0;)
        if (!apply_first(draft, &given, &listens, &workers))
            return false;
    for (struct walk second = walk; next_given(&second, &given) < 0;)
        if (!apply_second(draft, &given))
            return false;
    return true;
}

/* Looks over argv once: flags, the file, and that every option is one. -1 or the exit code. */
static int survey(struct walk walk, unsigned *flags, const char **config)
{
    struct given given;
    int rc;
    while ((rc = next_given(&walk, &given)) < 0) {
        if (!given.option)
            continue;
        if (given.option->action == ACTION_FLAG)
            *flags |= given.option->flag;
        if (given.option->action == ACTION_CONFIG) {
            if (*config)
                return usage(&walk, "--config", "one file only", "");
            *config = given.value;
        }
    }
    return rc == 0 ? -1 : rc;
}

/* On a terminal that has not refused colours. */
static const char *colour(const char *code)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    bool plain = (no && *no) || !isatty(STDOUT_FILENO) || !term || strcmp(term, "dumb") == 0;
    return plain ? "" : code;
}

/* What --check says. Gives the exit code. */
static int tell_checked(struct draft *draft, unsigned flags)
{
    bool valid = draft->mistake_count == 0, ok = true;
    if (flags & FLAG_JSON)
        ok = mistakes_print_json(draft, stdout);
    else if (valid)
        printf("%s: %svalid%s\n", draft->path ? draft->path : draft->program->name,
               colour("\033[32m"), colour("\033[0m"));
    else
        mistakes_print(draft, stderr);
    ok = fflush(stdout) == 0 && ok;
    return !valid ? EXIT_USAGE : ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int build(struct draft *draft, struct walk walk, unsigned flags, const char *config,
                 const struct overlay *overlay, struct settings **out)
{
    bool whole = !config || draft_apply_file(draft, config);
    whole = apply(draft, walk) && overlay_apply(overlay, draft) && whole;
    struct settings *settings = whole ? draft_finish(draft) : NULL;
    if (whole && draft->program->preflight)
        draft->program->preflight(draft, flags & FLAG_CHECK);
    if (draft->settings->no_memory)
        mistakes_of_memory(draft);
    mistakes_sort(draft);
    if (flags & FLAG_DUMP && draft->mistake_count == 0)
        draft_dump(draft, stdout);
    else if (flags & FLAG_CHECK)
        return tell_checked(draft, flags);
    else if (walk.again)
        mistakes_log(draft);
    else
        mistakes_print(draft, stderr);
    if (draft->mistake_count > 0)
        return EXIT_USAGE;
    if (flags & FLAG_DUMP)
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    *out = settings;
    draft->settings = NULL;
    return -1;
}

/* The first, for those who have one line. */
static void first_mistake(const struct draft *draft, char *out, size_t cap)
{
    char line[2048];
    size_t more = draft->mistake_count - 1;
    if (draft->mistake_count == 0)
        return;
    mistakes_line(draft, 0, line, sizeof line);
    if (more == 0)
        snprintf(out, cap, "%s", line);
    else
        snprintf(out, cap, "%.*s (and %zu more, --check tells them)", cap > 40 ? (int)cap - 40 : 0,
                 line, more);
}

static int parse(struct walk walk, const struct overlay *overlay, char *error, size_t error_cap,
                 struct settings **out)
{
    const struct program *program = walk.program;
    error[0] = '\0';
    unsigned flags = 0;
    const char *config = NULL;
    if (walk.argc > 1 && strcmp(walk.argv[1], "import") == 0)
        return import_jk(walk.argc - 2, walk.argv + 2, program, stdout);
    int rc = survey(walk, &flags, &config);
    if (rc >= 0)
        return rc;
    if (flags & FLAG_HELP) {
        option_print_help(program);
        return EXIT_SUCCESS;
    }
    if (flags & FLAG_VERSION) {
        printf("%s %s\n", program->name, ajp_version());
        return EXIT_SUCCESS;
    }
    if ((flags & FLAG_JSON) && !(flags & FLAG_CHECK))
        return usage(&walk, "--json", "--check beside it", "");
    struct draft *draft = draft_new(program);
    if (!draft) {
        snprintf(error, error_cap, "out of memory");
        if (!walk.again)
            fprintf(stderr, "%s: out of memory\n", program->name);
        return EXIT_FAILURE;
    }
    rc = build(draft, walk, flags, config, overlay, out);
    first_mistake(draft, error, error_cap);
    draft_free(draft);
    return rc;
}

int options_parse(int argc, char **argv, const struct program *program, struct settings **out)
{
    char error[8];
    return options_parse_over(argc, argv, program, NULL, error, sizeof error, out);
}

int options_parse_over(int argc, char **argv, const struct program *program,
                       const struct overlay *overlay, char *error, size_t error_cap,
                       struct settings **out)
{
    struct walk walk = {.argc = argc, .at = 1, .argv = argv, .program = program};
    return parse(walk, overlay, error, error_cap, out);
}

int options_parse_again(int argc, char **argv, const struct program *program,
                        const struct overlay *overlay, char *error, size_t error_cap,
                        struct settings **out)
{
    struct walk walk = {.argc = argc, .at = 1, .argv = argv, .program = program, .again = true};
    return parse(walk, overlay, error, error_cap, out);
}
