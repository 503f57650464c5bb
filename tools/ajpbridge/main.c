/* SPDX-License-Identifier: Apache-2.0 */
/* ajpbridge: the web tier. HTTP in, AJP out. */
#include "run/engine.h"
#include "run/preflight.h"

static const struct program program = {
    .name = "ajpbridge",
    .summary = "HTTP in from clients, AJP out to app servers; sessions stay on their node",
    .listen_protos = 1u << PROTO_HTTP,
    .preflight = preflight,
};

int main(int argc, char **argv)
{
    return engine_main(argc, argv, &program);
}
