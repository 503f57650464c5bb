/* SPDX-License-Identifier: Apache-2.0 */
/* A captured request, written again for another server. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void replay_translate(const struct replay_cookies *c, ajp_str s, struct text *out)
{
    for (size_t i = 0; i < s.len;) {
        const struct replay_cookie *found = NULL;
        for (size_t k = c->count; k > 0 && !found; k--) { /* the newest counts */
            size_t n = strlen(c->at[k - 1].before);
            if (n <= s.len - i && memcmp(s.ptr + i, c->at[k - 1].before, n) == 0)
                found = &c->at[k - 1];
        }
        if (found) {
            text_str(out, found->after);
            i += strlen(found->before);
        } else {
            text_byte(out, s.ptr[i++]);
        }
    }
}

void replay_cookies_free(struct replay_cookies *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->at[i].before);
        free(c->at[i].after);
    }
    free(c->at);
    *c = (struct replay_cookies){0};
}

static ajp_str view(const struct text *t)
{
    return ajp_str_of(t->at ? t->at : "", t->len);
}

static bool is(ajp_str name, const char *other)
{
    return name.len == strlen(other) && strncasecmp(name.ptr, other, name.len) == 0;
}

static void put_headers(ajp_writer *w, const ajp_request *r, const struct replay_cookies *c)
{
    ajp_fields it = r->headers;
    ajp_field f;
    struct text cookie = {0};
    while (ajp_field_next(&it, &f)) {
        if (!f.value.ptr)
            f.value = AJP_STR("");
        if (is(f.name, "cookie")) {
            text_clear(&cookie);
            replay_translate(c, f.value, &cookie);
            f.value = view(&cookie);
        }
        ajp_write_header(w, f.name, f.value);
    }
    text_free(&cookie);
}

static void put_attributes(ajp_writer *w, const ajp_request *r, ajp_str secret)
{
    ajp_attrs it = r->attrs;
    ajp_attr_view a;
    if (secret.len > 0)
        ajp_write_attr(w, AJP_ATTR_SECRET, secret);
    while (ajp_attr_next(&it, &a)) {
        if (a.code == AJP_ATTR_SECRET || a.code == AJP_ATTR_STORED_METHOD)
            continue; /* the writer sees to the method */
        if (a.code == AJP_ATTR_NAMED)
            ajp_write_named(w, a.name, a.value.ptr ? a.value : AJP_STR(""));
        else if (a.code == AJP_ATTR_SSL_KEY_SIZE && !a.value.ptr)
            ajp_write_key_size(w, a.number);
        else if (a.code == AJP_ATTR_SSL_KEY_SIZE)
            ajp_write_key_size(w, (uint16_t)strtoul(a.value.ptr, NULL, 10));
        else if (a.code < AJP_ATTR_COUNT)
            ajp_write_attr(w, a.code, a.value.ptr ? a.value : AJP_STR(""));
    }
}

ajp_status replay_request(const ajp_request *r, const struct replay_cookies *c, ajp_str secret,
                          uint8_t *out, size_t cap, size_t *len)
{
    ajp_writer w;
    struct text uri = {0};
    replay_translate(c, r->uri, &uri);
    ajp_request_line line = {.method = r->method,
                             .protocol = r->protocol,
                             .uri = view(&uri),
                             .remote_addr = r->remote_addr,
                             .remote_host = r->remote_host,
                             .server_name = r->server_name,
                             .server_port = r->server_port,
                             .is_ssl = r->is_ssl};
    ajp_writer_init(&w, out, cap);
    ajp_write_request(&w, &line);
    put_headers(&w, r, c);
    put_attributes(&w, r, secret);
    ajp_status st = ajp_writer_finish(&w, len);
    text_free(&uri);
    return st;
}
