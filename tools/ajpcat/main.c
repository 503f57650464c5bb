/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat: see, send and serve AJP. This file is the table of subcommands. */
#include "args.h"
#include "command.h"
#include "completion.h"

#include <ajp/base.h>

#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"bench", cmd_bench, "load an app server and measure it"},
    {"check", cmd_check, "report on a connector: open, secret, attributes, robustness"},
    {"decode", cmd_decode, "show the AJP exchanges of a capture or of hex text"},
    {"get", cmd_get, "send one request, as curl would"},
    {"ping", cmd_ping, "time CPings to a connector"},
    {"proxy", cmd_proxy, "pass AJP on to an app server and show it"},
    {"replay", cmd_replay, "send the requests of a capture again, compare the answers"},
    {"serve", cmd_serve, "run an AJP app server for tests: echo, sizes, slow, sessions"},
    {"stats", cmd_stats, "count what a capture holds"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *to)
{
    fputs("Usage: ajpcat COMMAND [options]\n\n", to);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].about);
    fputs("\najpcat COMMAND --help explains a command; ajpcat --version prints the version;\n"
          "ajpcat --completion bash, zsh or fish what completes its command lines.\n"
          "NO_COLOR in the environment turns colour off.\n",
          to);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--version") == 0) {
        printf("ajpcat %s\n", ajp_version());
        return 0;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(name, "--completion") == 0 && argc == 3 &&
        completion_print(argv[2], commands, COMMANDS))
        return 0;
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (*name)
        fprintf(stderr, "ajpcat: unknown command \"%s\"\n\n", name);
    usage(stderr);
    return EXIT_USAGE;
}
