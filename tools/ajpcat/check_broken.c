/* SPDX-License-Identifier: Apache-2.0 */
/* Malformed packets, and how the connector takes them. */
#include "check.h"

#include <string.h>

static void put16(struct text *t, size_t n)
{
    text_byte(t, (char)(n >> 8 & 255));
    text_byte(t, (char)(n & 255));
}

static void put_string(struct text *t, const char *s, size_t len)
{
    put16(t, len);
    text_put(t, s, len);
    text_byte(t, '\0');
}

static void put_cstring(struct text *t, const char *s)
{
    put_string(t, s, strlen(s));
}

enum flaw {
    FLAW_MAGIC,
    FLAW_TYPE,
    FLAW_EMPTY,
    FLAW_METHOD,
    FLAW_STRING,
    FLAW_HEADERS,
    FLAW_HEADER_CODE,
    FLAW_ATTRIBUTE,
    FLAW_NO_END,
    FLAW_CRLF,
    FLAW_NUL,
    FLAW_NEGATIVE_LENGTH,
    FLAW_TWO_LENGTHS,
    FLAW_TRAILING,
};

static void put_headers(struct text *t, enum flaw flaw)
{
    size_t count = flaw == FLAW_HEADERS ? 40 : flaw == FLAW_TWO_LENGTHS ? 3 : 2;
    put16(t, count);
    put16(t, 0xa00b); /* Host */
    put_cstring(t, "localhost");
    switch (flaw) {
    case FLAW_HEADER_CODE:
        put16(t, 0xa07f);
        put_cstring(t, "x");
        break;
    case FLAW_CRLF:
        put_cstring(t, "X-Test");
        put_cstring(t, "a\r\nX-Injected: b");
        break;
    case FLAW_NEGATIVE_LENGTH:
        put16(t, 0xa008);
        put_cstring(t, "-5");
        break;
    case FLAW_TWO_LENGTHS:
        put16(t, 0xa008);
        put_cstring(t, "0");
        put_cstring(t, "Content-Length");
        put_cstring(t, "7");
        break;
    default:
        put_cstring(t, "X-Test");
        put_cstring(t, "ajpcat-check");
    }
}

static void put_request(struct text *t, const struct checker *k, enum flaw flaw)
{
    text_byte(t, AJP_FORWARD_REQUEST);
    text_byte(t, flaw == FLAW_METHOD ? 99 : 2);
    put_cstring(t, "HTTP/1.1");
    if (flaw == FLAW_STRING)
        put16(t, 0x7000);
    else if (flaw == FLAW_NUL)
        put_string(t, "/\0ajpcat", 8);
    else
        put_cstring(t, k->url.path);
    put_cstring(t, "127.0.0.1");
    put_cstring(t, "localhost");
    put_cstring(t, "localhost");
    put16(t, 80);
    text_byte(t, 0);
    put_headers(t, flaw);
    if (k->secret.len > 0) {
        text_byte(t, AJP_ATTR_SECRET);
        put_string(t, k->secret.at, k->secret.len);
    }
    if (flaw == FLAW_ATTRIBUTE) {
        text_byte(t, 0x42);
        put_cstring(t, "x");
    }
    if (flaw != FLAW_NO_END)
        text_byte(t, (char)AJP_ATTR_END);
    if (flaw == FLAW_TRAILING)
        text_str(t, "trailing");
}

static void put_packet(struct text *t, const struct checker *k, enum flaw flaw)
{
    put16(t, flaw == FLAW_MAGIC ? 0x1235 : 0x1234);
    put16(t, 0);
    if (flaw == FLAW_TYPE)
        text_byte(t, 0x2a);
    else if (flaw != FLAW_EMPTY)
        put_request(t, k, flaw);
    t->at[2] = (char)((t->len - 4) >> 8);
    t->at[3] = (char)((t->len - 4) & 255);
}

enum reaction { REACTION_CLOSED, REACTION_SILENT, REACTION_STATUS, REACTION_OTHER };

/* The server reads the request's body, which has an end and nothing else. */
static bool answer_body(struct client *c)
{
    uint8_t end[AJP_SMALL_MAX];
    c->in_at += AJP_HEADER_SIZE + 3;
    return client_write(c, end, ajp_make_body_end(end)) == CLIENT_OK;
}

/* What comes within a second at most. */
static enum reaction react(struct client *c, uint16_t *status)
{
    enum { ENDS_MAX = 2 };
    c->timeout_ms = c->timeout_ms < 1000 ? c->timeout_ms : 1000;
    unsigned ends = 0;
    for (bool rest = false;;) {
        enum client_result r = rest ? CLIENT_OK : client_read_more(c);
        const uint8_t *in = c->in + c->in_at;
        size_t len = c->in_len - c->in_at;
        if (r != CLIENT_OK && len > 0)
            return REACTION_OTHER;
        if (r != CLIENT_OK)
            return r == CLIENT_TIMEOUT ? REACTION_SILENT : REACTION_CLOSED;
        if (len >= 7 && in[0] == 'A' && in[1] == 'B') {
            rest = in[4] == AJP_GET_BODY && ends++ < ENDS_MAX && answer_body(c) && len >= 14;
            if (c->in + c->in_at != in)
                continue;
            *status = (uint16_t)(in[5] << 8 | in[6]);
            return in[4] == AJP_SEND_HEADERS ? REACTION_STATUS : REACTION_OTHER;
        }
    }
}

static void tell(struct checker *k, const char *name, struct client *c, const char *risk)
{
    uint16_t status = 0;
    enum reaction reaction = react(c, &status);
    if (reaction == REACTION_CLOSED)
        check_tell(k, VERDICT_GOOD, name, NULL, "refused: the connection was closed");
    else if (reaction == REACTION_SILENT)
        check_tell(k, VERDICT_NOTE, name,
                   "a peer that sends this holds a thread until the connector's timeout: let only "
                   "your web servers connect",
                   "neither answered nor closed within a second");
    else if (reaction == REACTION_OTHER)
        check_tell(k, VERDICT_NOTE, name, NULL, "answered with something that is no response");
    else if (status == 403 && k->normal == 403)
        check_tell(k, VERDICT_SKIPPED, name, NULL, "status 403, as any request gets");
    else if (status >= 400 && status != k->normal)
        check_tell(k, VERDICT_GOOD, name, NULL, "refused with status %u", status);
    else if (risk)
        check_tell(k, VERDICT_WARN, name, risk, "taken: status %u", status);
    else
        check_tell(k, VERDICT_NOTE, name, NULL, "taken: status %u", status);
}

void check_broken(struct checker *k)
{
    static const char smuggles[] =
        "what one program takes for one thing and the next for another is how requests are "
        "smuggled: let a front end that refuses it, such as ajpforward, stand before";
    static const struct {
        enum flaw flaw;
        const char *name, *risk;
    } flaws[] = {
        {FLAW_MAGIC, "wrong magic", smuggles},
        {FLAW_TYPE, "unknown packet type", NULL},
        {FLAW_EMPTY, "empty packet", NULL},
        {FLAW_METHOD, "unknown method code", smuggles},
        {FLAW_STRING, "string longer than its packet", smuggles},
        {FLAW_HEADERS, "fewer headers than announced", smuggles},
        {FLAW_HEADER_CODE, "unknown header code", smuggles},
        {FLAW_ATTRIBUTE, "unknown attribute code (Q24)", NULL},
        {FLAW_NO_END, "attributes without an end", NULL},
        {FLAW_CRLF, "line end in a header value", smuggles},
        {FLAW_NUL, "NUL in the URI", smuggles},
        {FLAW_NEGATIVE_LENGTH, "negative Content-Length", smuggles},
        {FLAW_TWO_LENGTHS, "two Content-Lengths", smuggles},
        {FLAW_TRAILING, "bytes behind the request", NULL},
    };
    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
        struct client c;
        struct text packet = {0};
        check_client(k, &c, AJP_PACKET_DEFAULT);
        put_packet(&packet, k, flaws[i].flaw);
        enum client_result r = client_connect(&c, &k->url);
        if (r == CLIENT_OK && client_write(&c, packet.at, packet.len) == CLIENT_OK)
            tell(k, flaws[i].name, &c, flaws[i].risk);
        else
            check_tell(k, VERDICT_BAD, flaws[i].name, NULL, "%s", c.why.at);
        text_free(&packet);
        client_free(&c);
    }
}
