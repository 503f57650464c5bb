/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options that are more than a row of the settings, and --help out of both. */
#include "config/options_list.h"

#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

static const struct option options[] = {
    {"--listen", ACTION_LISTEN, 0, NULL, "URL", "listen there, instead of what the file says"},
    {"--worker", ACTION_WORKER, 0, NULL, "NAME=URL",
     "a worker and its JVM route, instead of the file's"},
    {"--config", ACTION_CONFIG, 0, NULL, "FILE", "settings, see ajp-config(5)"},
    {"--secret-file", ACTION_SECRET, 0, "secret_file", "FILE", "secret that AJP clients must send"},
    {"--secret-env", ACTION_SECRET, 0, "secret_env", "NAME", "environment variable with it"},
    {"--worker-secret-file", ACTION_WORKER_SECRET, 0, "secret_file", "[WORKER=]FILE",
     "secret to send to a worker, or to all"},
    {"--worker-secret-env", ACTION_WORKER_SECRET, 0, "secret_env", "[WORKER=]NAME",
     "environment variable with it"},
    {"--tls-certificate", ACTION_TLS, 0, "certificate", "FILE",
     "certificate and chain of https:// and ajps:// listeners"},
    {"--tls-key", ACTION_TLS, 0, "key", "FILE", "its key"},
    {"--tls-client-ca", ACTION_TLS, 0, "client_ca", "FILE", "CAs of client certificates"},
    {"--tls-client-verify", ACTION_TLS, 0, "client_verify", "none|optional|require",
     "require is the default with --tls-client-ca"},
    {"--worker-tls-ca", ACTION_WORKER_TLS, 0, "ca", "[WORKER=]FILE",
     "CAs of the certificates of ajps:// workers"},
    {"--worker-tls-server-name", ACTION_WORKER_TLS, 0, "server_name", "[WORKER=]NAME",
     "name in a worker's certificate"},
    {"--worker-tls-certificate", ACTION_WORKER_TLS, 0, "certificate", "[WORKER=]FILE",
     "certificate to show to workers"},
    {"--worker-tls-key", ACTION_WORKER_TLS, 0, "key", "[WORKER=]FILE", "its key"},
    {"--worker-tls-verify", ACTION_WORKER_TLS, 0, "verify", "[WORKER=]yes|no",
     "check the certificates of workers"},
    {"--allow-no-secret", ACTION_FLAG, FLAG_NO_SECRET, NULL, NULL,
     "listen with AJP off loopback without a secret"},
    {"--allow-attribute", ACTION_ATTRIBUTE, 0, NULL, "NAME[*]", "let a request attribute through"},
    {"--check", ACTION_FLAG, FLAG_CHECK, NULL, NULL,
     "tell all that is wrong with the settings, and exit"},
    {"--json", ACTION_FLAG, FLAG_JSON, NULL, NULL, "with --check: as JSON"},
    {"--dump", ACTION_FLAG, FLAG_DUMP, NULL, NULL, "print the effective settings and exit"},
    {"--version", ACTION_FLAG, FLAG_VERSION, NULL, NULL, "print the version and exit"},
    {"--help", ACTION_FLAG, FLAG_HELP, NULL, NULL, "print this and exit"},
};

enum { OPTION_COUNT = sizeof options / sizeof *options };

/* Options of those alone who listen with one protocol. */
static const struct {
    const char *name;
    enum proto proto;
} sides[] = {
    {"--secret-file", PROTO_AJP},         {"--secret-env", PROTO_AJP},
    {"--allow-no-secret", PROTO_AJP},     {"--allow-attribute", PROTO_AJP},
    {"--server-header", PROTO_HTTP},      {"--max-body", PROTO_HTTP},
    {"--keep-alive-timeout", PROTO_HTTP},
};

bool option_is_named(const char *name, const char *text, size_t len)
{
    return name && strlen(name) == len && memcmp(name, text, len) == 0;
}

bool option_find(const char *text, size_t len, struct given *given)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_is_named(options[i].name, text, len))
            given->option = &options[i];
    for (size_t i = 0; i < table_top.count; i++)
        if (option_is_named(table_top.rows[i].option, text, len))
            given->row = &table_top.rows[i];
    return given->option || given->row;
}

/* NULL: there is no such option. */
static const char *option_at(size_t at)
{
    if (at < OPTION_COUNT)
        return options[at].name;
    for (size_t i = 0; i < table_top.count; i++)
        if (table_top.rows[i].option && at-- == OPTION_COUNT)
            return table_top.rows[i].option;
    return NULL;
}

bool option_is_of(const struct program *program, const char *name)
{
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        if (strcmp(sides[i].name, name) == 0)
            return program->listen_protos >> sides[i].proto & 1;
    return true;
}

const char *option_nearest(const struct program *program, const char *name)
{
    struct nearest nearest = nearest_to(name);
    for (size_t i = 0; option_at(i); i++)
        if (option_is_of(program, option_at(i)))
            nearest_try(&nearest, option_at(i));
    return nearest.found;
}

static const char *metavar_of(const struct setting_row *row)
{
    switch (row->kind) {
    case KIND_NUMBER:
        return "N";
    case KIND_SIZE:
        return "SIZE";
    case KIND_DURATION:
        return "TIME";
    case KIND_BOOL:
        return "yes|no";
    default:
        return "TEXT"; /* choices, names and the like: the help says more */
    }
}

static void print_option(const struct program *program, const char *name, const char *between,
                         const char *metavar, const char *help)
{
    char left[64];
    if (!option_is_of(program, name))
        return;
    snprintf(left, sizeof left, "%s%s%s", name, between, metavar);
    printf("  %-38s %s\n", left, help);
}

void option_print_help(const struct program *program)
{
    const char *name = program->name;
    printf("Usage: %s --listen URL --worker NAME=URL [OPTION]...\n"
           "       %s --config FILE [OPTION]...\n"
           "       %s ctl ADDRESS VERB [WORKER...]\n"
           "       %s import WORKERS.PROPERTIES [FILE]...\n\n"
           "%s. ctl asks a\nrunning one and changes its workers, import turns mod_jk's files into "
           "a file for --config;\n\"%s ctl --help\" and \"%s import --help\" say more.\n\n",
           name, name, name, name, program->summary, name, name);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        print_option(program, options[i].name, " ", options[i].metavar ? options[i].metavar : "",
                     options[i].help);
    printf("\n");
    for (size_t i = 0; i < table_top.count; i++) {
        const struct setting_row *row = &table_top.rows[i];
        if (row->option)
            print_option(program, row->option, row->kind == KIND_BOOL ? "=" : " ", metavar_of(row),
                         row->help);
    }
    printf("\nAll other settings stand in a file, see ajp-config(5).\n");
}
