/* SPDX-License-Identifier: Apache-2.0 */
/* The codec allocates nothing: the allocator ends the program while it works. */
#define _GNU_SOURCE
#include "../unit/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int armed;

static void forbid(void)
{
    if (armed) {
        static const char text[] = "not ok 1 - libajp allocates\n";
        _exit(write(1, text, sizeof text - 1) > 0 ? 1 : 2);
    }
}

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);

void *malloc(size_t n)
{
    forbid();
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    forbid();
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    forbid();
    return __libc_realloc(p, n);
}

void free(void *p)
{
    __libc_free(p);
}

static void work(const struct wire *w, uint8_t *out, size_t cap)
{
    ajp_session s;
    ajp_message m;
    ajp_iov iov[AJP_PATCH_IOV];
    ajp_session_ids ids;
    ajp_str id;
    uint8_t head[4];
    size_t used = 0, len = 0;
    int count;
    ajp_session_init(&s, AJP_CONTAINER, &ajp_limits_relay);
    if (ajp_session_recv(&s, w->bytes, w->len, &used, &m) != AJP_OK ||
        ajp_patch_iov(&m.u.request, 0, NULL, 0, cap, head, iov, &count) != AJP_OK ||
        ajp_reencode_request(&m.u.request, 0, NULL, 0, out, cap, &len) != AJP_OK) {
        abort();
    }
    ajp_session_ids_init(&ids, &m.u.request, NULL);
    while (ajp_session_id_next(&ids, &id)) {
        used += id.len;
    }
    if (ajp_session_recv(&s, w->bytes + len, w->len - len, &used, &m) != AJP_OK) {
        abort();
    }
}

int main(void)
{
    static uint8_t out[AJP_PACKET_DEFAULT];
    struct wire w = wire_of(LINE("04") "00 02 a0 08 s\"10\" a0 09 s\"JSESSIONID=1.a\" "
                                       "05 s\"q\" 0b 01 00 ff " D10);
    puts("1..1");
    fflush(stdout);
    armed = 1;
    for (int i = 0; i < 1000; i++) {
        work(&w, out, sizeof out);
    }
    armed = 0;
    wire_free(&w);
    puts("ok 1 - libajp allocates nothing");
    return 0;
}
