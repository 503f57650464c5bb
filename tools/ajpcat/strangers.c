/* SPDX-License-Identifier: Apache-2.0 */
/* Connections without AJP. */
#include "strangers.h"

#include <inttypes.h>
#include <stdio.h>

enum { AJP_PORT = 8009 };

/* 0 would be none. */
static uint64_t hash_of(const struct peer *p, bool with_port)
{
    char key[sizeof p->address + sizeof p->port] = {0};
    memcpy(key, p->address, sizeof p->address);
    if (with_port)
        memcpy(key + sizeof p->address, &p->port, sizeof p->port);
    return tally_hash(key, sizeof key) | 1;
}

void acquaintances_add(struct acquaintances *a, const struct peer *client,
                       const struct peer *server)
{
    tally_set_add(&a->servers, hash_of(server, true));
    tally_set_add(&a->clients, hash_of(client, false));
}

void acquaintances_free(struct acquaintances *a)
{
    tally_set_free(&a->servers);
    tally_set_free(&a->clients);
    tally_free(&a->connections);
}

int stranger_client(const struct tcp_flow *f)
{
    if (f->from_syn)
        return f->syns > 0 ? 0 : 1; /* of a handshake whose SYN is missing: the other */
    return f->ends[0].port >= f->ends[1].port ? 0 : 1; /* most likely */
}

/* What is no AJP at the port of AJP, or at one where AJP is spoken. An AJP client may also try a
 * server that is away, and therefore known to nobody. */
static bool is_shown(const struct acquaintances *a, const struct tcp_flow *f, bool refused)
{
    const struct peer *server = &f->ends[!stranger_client(f)];
    return !a || server->port == AJP_PORT || tally_set_has(&a->servers, hash_of(server, true)) ||
           (refused && tally_set_has(&a->clients, hash_of(&f->ends[stranger_client(f)], false)));
}

/* what: the words that the server's address follows. */
static void count(struct acquaintances *a, const struct tcp_flow *f, const char *what)
{
    char server[PEER_TEXT], name[2 * PEER_TEXT];
    peer_format(&f->ends[!stranger_client(f)], server);
    snprintf(name, sizeof name, "%s %s", what, server);
    tally_count(&a->connections, name, f->first_frame);
}

void acquaintances_tell(struct acquaintances *a, struct text *out)
{
    enum { KINDS = 5 };
    tally_sort(&a->connections, 0);
    for (size_t i = 0; i < a->connections.count && i < KINDS; i++)
        text_fmt(out, "%s%" PRIu64 " connection%s %s", i > 0 ? ", " : "",
                 a->connections.rows[i].count, a->connections.rows[i].count > 1 ? "s" : "",
                 a->connections.rows[i].name);
    if (a->connections.count > KINDS)
        text_fmt(out, ", %zu others", a->connections.count - KINDS);
}

void stranger_count(struct acquaintances *a, const struct tcp_flow *f)
{
    if (a)
        count(a, f, "of something else to");
}

static struct exchange *begin(struct ledger *l, const struct tcp_flow *f, uint64_t frame,
                              uint64_t time_ns)
{
    struct exchange *e = ledger_begin(l, frame);
    e->kind = EXCHANGE_CONNECTION;
    e->connection = f->number;
    e->client = f->ends[stranger_client(f)];
    e->server = f->ends[!stranger_client(f)];
    e->start_ns = time_ns;
    return e;
}

struct exchange *stranger_begin(struct ledger *l, struct acquaintances *a, const struct tcp_flow *f,
                                const char *speech, const struct segment *first)
{
    const char *what = speech ? speech : "something else";
    if (!is_shown(a, f, false)) {
        char words[PEER_TEXT];
        snprintf(words, sizeof words, "of %s to", what);
        count(a, f, words);
        return NULL;
    }
    struct exchange *e = begin(l, f, first->frame, first->time_ns);
    e->speech = what;
    return e;
}

void stranger_refused(struct ledger *l, struct acquaintances *a, const struct tcp_flow *f,
                      uint64_t now_ns)
{
    bool refused = f->ending.how == TCP_RESET && f->ending.side == 1;
    if (f->ending.how == TCP_RESET && !refused) /* who asked has thought better of it */
        return;
    if (!is_shown(a, f, true)) {
        count(a, f, refused ? "refused by" : "not answered by");
        return;
    }
    struct exchange *e = begin(l, f, f->first_frame, f->first_ns);
    e->ending = (struct ending){.how = refused ? ENDING_REFUSED : ENDING_SILENT,
                                .frame = f->ending.frame,
                                .ns = refused ? f->ending.time_ns : now_ns};
    ledger_finish(l, e);
}
