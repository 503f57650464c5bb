/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands. argv[0] is the subcommand's name; each returns the exit code. */
#ifndef AJPCAT_COMMAND_H
#define AJPCAT_COMMAND_H

int cmd_bench(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_decode(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_proxy(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_stats(int argc, char **argv);

#endif
