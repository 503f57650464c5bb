/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the bytes of one AJP direction from standard input, prints its messages. */
#include <ajp/ajp.h>
#include <stdio.h>
#include <string.h>

static void print_request(const ajp_request *r)
{
    ajp_fields headers = r->headers;
    ajp_attrs attrs = r->attrs;
    ajp_field h;
    ajp_attr_view a;
    printf("%.*s %.*s\n", (int)r->method.len, r->method.ptr, (int)r->uri.len, r->uri.ptr);
    while (ajp_field_next(&headers, &h)) {
        printf("  %.*s: %.*s\n", (int)h.name.len, h.name.ptr, (int)h.value.len, h.value.ptr);
    }
    while (ajp_attr_next(&attrs, &a)) {
        const ajp_str name = a.name.ptr ? a.name : ajp_attr_name(a.code);
        printf("  [%.*s] %.*s\n", (int)name.len, name.ptr, (int)a.value.len, a.value.ptr);
    }
}

static void print_message(const ajp_message *m)
{
    switch (m->kind) {
    case AJP_FORWARD_REQUEST:
        print_request(&m->u.request);
        break;
    case AJP_SEND_HEADERS:
        printf("status %u\n", m->u.response.status);
        break;
    case AJP_DATA:
    case AJP_BODY_CHUNK: /* may come in parts: print each packet once */
        if (m->u.body.complete) {
            printf("%s, %u bytes\n", ajp_kind_name(m->kind).ptr, m->u.body.packet);
        }
        break;
    default: /* the small ones */
        printf("%s\n", ajp_kind_name(m->kind).ptr);
        break;
    }
}

int main(void)
{
    static uint8_t buf[2 * AJP_PACKET_MAX];
    ajp_session session;
    size_t len = 0, got;
    ajp_session_init(&session, AJP_OBSERVER, &ajp_limits_relay);
    while ((got = fread(buf + len, 1, sizeof buf - len, stdin)) > 0) {
        size_t at = 0, used;
        len += got;
        for (;;) {
            const ajp_dir dir = at < len && buf[at] == 0x41 ? AJP_TO_SERVER : AJP_TO_CONTAINER;
            ajp_message m;
            const ajp_status st = ajp_session_observe(&session, dir, buf + at, len - at, &used, &m);
            if (st == AJP_MORE) {
                break;
            }
            if (st == AJP_OK) {
                print_message(&m);
            } else {
                printf("%s, at byte %u of a packet\n", ajp_strerror(st), m.fault);
            }
            at += used;
        }
        memmove(buf, buf + at, len - at);
        len -= at;
    }
    return 0;
}
