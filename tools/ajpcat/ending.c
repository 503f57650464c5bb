/* SPDX-License-Identifier: Apache-2.0 */
/* Endings of exchanges that have no whole answer. */
#include "ending.h"

#include <inttypes.h>

void ending_note(struct exchange *e, const struct tcp_flow *f, int client, uint64_t now_ns)
{
    if (e->complete)
        return;
    switch (f->ending.how) {
    case TCP_OPEN:
        if (now_ns && !f->forgotten) /* hex text has no times, and no end to wait for */
            e->ending = (struct ending){.how = ENDING_CAPTURE, .ns = now_ns};
        return;
    case TCP_CLOSED:
    case TCP_RESET:
        e->ending =
            (struct ending){.how = f->ending.how == TCP_RESET ? ENDING_RESET : ENDING_CLOSED,
                            .by_client = f->ending.side == client,
                            .frame = f->ending.frame,
                            .ns = f->ending.time_ns};
        return;
    }
}

bool ending_waited(const struct exchange *e, uint64_t *ns)
{
    if (e->ending.how == ENDING_NONE || e->ending.ns == 0)
        return false;
    *ns = e->ending.ns > e->start_ns ? e->ending.ns - e->start_ns : 0;
    return true;
}

const char *ending_name(const struct exchange *e)
{
    switch (e->ending.how) {
    case ENDING_CAPTURE:
        return "capture_end";
    case ENDING_CLOSED:
        return e->ending.by_client ? "client_closed" : "server_closed";
    case ENDING_RESET:
        return e->ending.by_client ? "client_reset" : "server_reset";
    case ENDING_REFUSED:
        return "refused";
    case ENDING_SILENT:
        return "silent";
    case ENDING_NONE:
        break;
    }
    return NULL;
}

static void put_ms(struct text *out, uint64_t ns)
{
    uint64_t hundredths = (ns + 5000) / 10000;
    text_fmt(out, "%" PRIu64 ".%02u ms", hundredths / 100, (unsigned)(hundredths % 100));
}

/* A connection that was kept may end just when it is used again. */
static bool was_over(const struct exchange *e)
{
    return e->ending.ns < e->start_ns;
}

static void put_close(const struct exchange *e, struct text *out)
{
    text_fmt(out, "the %s %s%s the connection", e->ending.by_client ? "client" : "server",
             was_over(e) ? "had " : "", e->ending.how == ENDING_RESET ? "reset" : "closed");
    text_str(out, was_over(e) ? " before, by " : " after ");
    put_ms(out, was_over(e) ? e->start_ns - e->ending.ns : e->ending.ns - e->start_ns);
}

void ending_tell(const struct exchange *e, struct text *out)
{
    uint64_t waited = 0;
    if (e->ending.how == ENDING_NONE)
        return;
    if (e->kind != EXCHANGE_CONNECTION)
        text_str(out, e->status ? "the answer breaks off: " : "no answer: ");
    switch (e->ending.how) {
    case ENDING_CLOSED:
    case ENDING_RESET:
        put_close(e, out);
        return;
    case ENDING_REFUSED:
        text_str(out, "the server refused the connection after ");
        put_ms(out, e->ending.ns - e->start_ns);
        return;
    case ENDING_SILENT:
        text_str(out, "nothing answered to its SYN");
        break;
    default:
        text_str(out, "the capture ends");
    }
    if (ending_waited(e, &waited)) {
        text_str(out, ", after ");
        put_ms(out, waited);
    }
}
