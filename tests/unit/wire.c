/* SPDX-License-Identifier: Apache-2.0 */
/* Packets spelled as text, and copies of them that end at an unreadable page. */
#define _GNU_SOURCE
#include "wire.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct builder {
    struct wire out;
    size_t head, word, group; /* where the open packet, the last word, a group start */
    bool open;
};

static void put(struct builder *b, const void *bytes, size_t len)
{
    b->out.bytes = realloc(b->out.bytes, b->out.len + len + 1);
    memcpy(b->out.bytes + b->out.len, bytes, len);
    b->out.len += len;
}

static void close_packet(struct builder *b)
{
    if (b->open) {
        const size_t n = b->out.len - b->head - 4;
        b->out.bytes[b->head + 2] = (uint8_t)(n >> 8);
        b->out.bytes[b->head + 3] = (uint8_t)n;
        b->open = false;
    }
}

static void open_packet(struct builder *b, bool to_container)
{
    close_packet(b);
    b->head = b->out.len;
    b->open = true;
    put(b, to_container ? "\x12\x34\0\0" : "AB\0\0", 4);
}

static const char *quoted(struct builder *b, const char *p, bool string)
{
    const char *end = strchr(p, '"');
    const size_t n = (size_t)(end - p);
    const uint8_t head[2] = {(uint8_t)(n >> 8), (uint8_t)n};
    if (string) {
        put(b, head, 2);
    }
    put(b, p, n);
    if (string) {
        put(b, "", 1);
    }
    return end + 1;
}

static void repeat(struct builder *b, unsigned long times)
{
    const size_t n = b->out.len - b->word;
    uint8_t *copy = malloc(n + 1);
    memcpy(copy, b->out.bytes + b->word, n);
    for (unsigned long i = 1; i < times; i++) {
        put(b, copy, n);
    }
    free(copy);
}

struct wire wire_of(const char *p)
{
    struct builder b = {{calloc(1, 1), 0}, 0, 0, 0, false};
    while (*p != '\0') {
        if (isspace((unsigned char)*p)) {
            p++;
            continue;
        }
        if (*p == 'x') {
            char *end;
            repeat(&b, strtoul(p + 1, &end, 10));
            p = end;
            continue;
        }
        if (*p == '(') {
            b.group = b.out.len;
            p++;
            continue;
        }
        b.word = *p == ')' ? b.group : b.out.len;
        if (*p == ')') {
            p++;
        } else if (*p == '=') {
            close_packet(&b);
            p++;
        } else if (*p == '>' || *p == '<') {
            open_packet(&b, *p++ == '>');
        } else if (*p == '"') {
            p = quoted(&b, p + 1, false);
        } else if (p[0] == 's' && p[1] == '"') {
            p = quoted(&b, p + 2, true);
        } else {
            unsigned byte;
            if (!isxdigit((unsigned char)p[0]) || sscanf(p, "%2x", &byte) != 1) {
                fprintf(stderr, "wire: cannot read: %s\n", p);
                abort();
            }
            put(&b, &(uint8_t){(uint8_t)byte}, 1);
            p += 2;
        }
    }
    close_packet(&b);
    return b.out;
}

void wire_free(struct wire *w)
{
    free(w->bytes);
    w->bytes = NULL;
}

static size_t pages_for(size_t len)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (len + page - 1) / page * page + (len == 0 ? page : 0);
}

uint8_t *guard_copy(const uint8_t *bytes, size_t len)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = pages_for(len);
    uint8_t *base =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + room, page, PROT_NONE) != 0) {
        abort();
    }
    if (len > 0) {
        memcpy(base + room - len, bytes, len);
    }
    return base + room - len;
}

void guard_free(uint8_t *copy, size_t len)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = pages_for(len);
    munmap(copy + len - room, room + page);
}

ajp_limits limits_named(const char *name)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } bits[] = {
        {"unknown_attr", AJP_ALLOW_UNKNOWN_ATTR},
        {"controls", AJP_ALLOW_CONTROLS},
        {"trailing", AJP_ALLOW_TRAILING},
        {"any_bool", AJP_ALLOW_ANY_BOOL},
        {"null_value", AJP_ALLOW_NULL_VALUE},
        {"no_pad", AJP_ALLOW_NO_PAD},
        {"text_key", AJP_ALLOW_TEXT_KEY_SIZE},
        {"terminator", AJP_ALLOW_TERMINATOR},
        {"reason", AJP_ALLOW_REASON},
        {"stray_end", AJP_ALLOW_STRAY_END},
        {"two_lengths", AJP_ALLOW_TWO_LENGTHS},
        {"value_controls", AJP_ALLOW_VALUE_CONTROLS},
    };
    ajp_limits lim = ajp_limits_default;
    if (strcmp(name, "relay") == 0) {
        return ajp_limits_relay;
    }
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        if (strcmp(name, bits[i].name) == 0) {
            lim.lenient = bits[i].bits;
            return lim;
        }
    }
    if (strcmp(name, "strict") != 0) {
        abort();
    }
    return lim;
}
