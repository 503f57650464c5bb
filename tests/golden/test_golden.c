/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of real web servers and containers, and what an independent decoder
 * read in them: packets.txt holds, for each, a title, hex, and lines of text. */
#include "../unit/wire.h"
#include <stdio.h>
#include <string.h>

struct text {
    char bytes[16384];
    size_t len;
};

static void add(struct text *t, const char *before, ajp_str s)
{
    const char *bytes = s.ptr != NULL ? s.ptr : "(null)";
    const size_t n = s.ptr != NULL ? s.len : 6;
    t->len += (size_t)snprintf(t->bytes + t->len, sizeof t->bytes - t->len, "%s%.*s", before,
                               (int)n, bytes);
}

static void add_number(struct text *t, const char *before, unsigned n)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%u", n);
    add(t, before, ajp_str_of(digits, strlen(digits)));
}

static void add_headers(struct text *t, ajp_fields it)
{
    ajp_field f;
    while (ajp_field_next(&it, &f)) {
        add(t, "\nheader ", f.name);
        add(t, ": ", f.value);
    }
}

static void add_attrs(struct text *t, ajp_attrs it)
{
    ajp_attr_view a;
    while (ajp_attr_next(&it, &a)) {
        add(t, "\nattribute ", ajp_attr_name(a.code));
        if (a.code == AJP_ATTR_SSL_KEY_SIZE) {
            add_number(t, " ", a.number);
            continue;
        }
        if (a.code == AJP_ATTR_NAMED) {
            add(t, " ", a.name);
        }
        add(t, " ", a.value);
    }
}

static void describe(struct text *t, const ajp_message *m)
{
    t->len = 0;
    if (m->kind == AJP_FORWARD_REQUEST) {
        const ajp_request *r = &m->u.request;
        add(t, "method ", r->method);
        add(t, "\nprotocol ", r->protocol);
        add(t, "\nuri ", r->uri);
        add(t, "\nremote_addr ", r->remote_addr);
        add(t, "\nremote_host ", r->remote_host);
        add(t, "\nserver_name ", r->server_name);
        add_number(t, "\nserver_port ", r->server_port);
        add_number(t, "\nis_ssl ", r->is_ssl);
        add_headers(t, r->headers);
        add_attrs(t, r->attrs);
    } else {
        add_number(t, "status ", m->u.response.status);
        add(t, "\nreason ", m->u.response.reason);
        add_headers(t, m->u.response.headers);
    }
    add(t, "\n", AJP_STR(""));
}

static bool check(const char *hex, const char *want, const char **why)
{
    static struct text t;
    static uint8_t anew[AJP_PACKET_MAX];
    struct wire w = wire_of(hex);
    uint8_t *copy = guard_copy(w.bytes, w.len);
    ajp_message m;
    ajp_frame f;
    size_t used = 0, n = 0;
    bool same = true;
    *why = "decoding";
    ajp_status st = ajp_frame_next(copy, w.len, &ajp_limits_relay, &f, &used);
    if (st == AJP_OK) {
        st = ajp_decode(&m, &f, false, &ajp_limits_relay);
    }
    if (st == AJP_OK) {
        *why = "reading";
        describe(&t, &m);
        same = strcmp(t.bytes, want) == 0;
    }
    if (st == AJP_OK && same) {
        *why = "writing";
        const bool request = m.kind == AJP_FORWARD_REQUEST;
        const bool canonical = request ? m.u.request.canonical : m.u.response.canonical;
        st = request ? ajp_reencode_request(&m.u.request, 0, NULL, 0, anew, sizeof anew, &n)
                     : ajp_reencode_response(&m.u.response, anew, sizeof anew, &n);
        same = !canonical || (n == w.len && memcmp(anew, copy, n) == 0);
    }
    guard_free(copy, w.len);
    wire_free(&w);
    return st == AJP_OK && same;
}

/* Lines up to the next one that starts with stop, which is left in line. */
static void gather(FILE *f, char *line, size_t room, char stop, struct text *t)
{
    t->len = 0;
    t->bytes[0] = '\0';
    while (fgets(line, (int)room, f) != NULL && line[0] != stop) {
        t->len += (size_t)snprintf(t->bytes + t->len, sizeof t->bytes - t->len, "%s", line);
    }
}

int main(int argc, char **argv)
{
    static struct text hex, want;
    static char line[8192], title[128];
    FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
    int count = 0, failed = 0;
    if (f == NULL || fgets(line, sizeof line, f) == NULL) {
        return 2;
    }
    while (line[0] == '=') {
        const char *why;
        snprintf(title, sizeof title, "%.*s", (int)strcspn(line + 2, "\n"), line + 2);
        gather(f, line, sizeof line, '-', &hex);
        line[0] = '\0';
        gather(f, line, sizeof line, '=', &want);
        const bool ok = check(hex.bytes, want.bytes, &why);
        failed += !ok;
        printf("%s %d - %s%s%s\n", ok ? "ok" : "not ok", ++count, title, ok ? "" : ": ",
               ok ? "" : why);
        if (feof(f)) {
            break;
        }
    }
    printf("1..%d\n", count);
    fclose(f);
    return failed > 0 || count == 0;
}
