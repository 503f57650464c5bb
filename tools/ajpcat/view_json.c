/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange as a line of JSON: the schema in the man page, which scripts rely on. */
#include "ending.h"
#include "json.h"
#include "view.h"

#include <stdio.h>

static void json_body(struct json *j, const char *bytes_key, const char *crc_key,
                      const struct body_sum *b)
{
    json_int(j, bytes_key, (int64_t)b->bytes);
    json_int(j, crc_key, b->crc32);
}

static void json_ms(struct json *j, const char *key, uint64_t from_ns, uint64_t to_ns)
{
    if (to_ns)
        json_real(j, key, view_ms(from_ns, to_ns), 6);
    else
        json_null(j, key);
}

static void json_problems(struct json *j, const struct exchange *e)
{
    json_open(j, "problems", '[');
    for (size_t i = 0; i < e->problem_count; i++) {
        json_open(j, NULL, '{');
        const struct problem *p = &e->problems[i];
        json_int(j, "offset", (int64_t)p->at.offset);
        json_cstring(j, "text", p->text);
        json_cstring(j, "from", p->at.from_client ? "client" : "server");
        json_int(j, "frame", (int64_t)p->at.frame);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void json_quirks(struct json *j, const struct exchange *e)
{
    json_open(j, "quirks", '[');
    for (size_t i = 0; i < e->quirk_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "Q%u", e->quirks[i].number);
        json_cstring(j, NULL, name);
    }
    json_close(j, ']');
}

static void json_request(struct json *j, const struct exchange *e)
{
    json_cstring(j, "method", e->method);
    json_cstring(j, "uri", e->uri);
    json_cstring(j, "query", e->query);
    json_cstring(j, "protocol", e->protocol);
    json_cstring(j, "route", e->route);
    if (e->status)
        json_int(j, "status", e->status);
    else
        json_null(j, "status");
    json_body(j, "request_bytes", "request_crc32", &e->request);
    json_body(j, "response_bytes", "response_crc32", &e->response);
    json_bool(j, "request_whole", body_is_whole(&e->request, e->announced));
    json_bool(j, "response_whole", body_is_whole(&e->response, e->response_announced));
}

static void json_ending(struct json *j, const struct exchange *e)
{
    uint64_t waited;
    if (ending_waited(e, &waited))
        json_real(j, "waited_ms", (double)waited / 1e6, 6);
    else
        json_null(j, "waited_ms");
    json_cstring(j, "ending", ending_name(e));
    if (e->ending.frame)
        json_int(j, "ending_frame", (int64_t)e->ending.frame);
    else
        json_null(j, "ending_frame");
    json_cstring(j, "speech", e->speech);
}

static void put_json(struct view *v, const struct exchange *e)
{
    struct json j = {.out = &v->out};
    char client[PEER_TEXT], server[PEER_TEXT];
    if (e->kind == EXCHANGE_STRAY)
        return;
    peer_format(&e->client, client);
    peer_format(&e->server, server);
    json_open(&j, NULL, '{');
    json_cstring(&j, "kind", exchange_kind(e));
    json_int(&j, "connection", (int64_t)e->connection);
    json_cstring(&j, "client", client);
    json_cstring(&j, "server", server);
    if (e->kind != EXCHANGE_CONNECTION)
        json_int(&j, "index", (int64_t)e->index);
    if (exchange_is_http(e))
        json_request(&j, e);
    json_bool(&j, "complete", e->complete);
    if (exchange_is_http(e))
        json_bool(&j, "reuse", e->reuse);
    json_real(&j, "start", (double)e->start_ns / 1e9, 6);
    if (e->kind != EXCHANGE_CONNECTION) {
        json_ms(&j, "first_packet_ms", e->start_ns, e->first_ns);
        json_ms(&j, "total_ms", e->start_ns, e->end_ns);
    }
    json_ending(&j, e);
    json_int(&j, "frame", (int64_t)e->frame);
    json_problems(&j, e);
    json_quirks(&j, e);
    json_close(&j, '}');
    text_byte(&v->out, '\n');
}

const struct view_kind view_jsons = {.show = put_json, .body = {.crc32 = true}};
