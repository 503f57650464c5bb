/* SPDX-License-Identifier: Apache-2.0 */
/* ajpforward: between web servers and app servers. AJP in, AJP out. */
#include "run/engine.h"
#include "run/preflight.h"

static const struct program program = {
    .name = "ajpforward",
    .summary = "AJP in from web servers, AJP out to app servers; sessions stay on their node",
    .listen_protos = 1u << PROTO_AJP,
    .preflight = preflight,
};

int main(int argc, char **argv)
{
    return engine_main(argc, argv, &program);
}
