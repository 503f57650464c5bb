/* SPDX-License-Identifier: Apache-2.0 */
/* Protocols by their first bytes. */
#include "speech.h"

#include <stdbool.h>
#include <string.h>

enum { PROXY_1_MAX = 107, PROXY_2_HEAD = 16, METHOD_MAX = 20 };

static const char proxy_1[] = "PROXY ";
static const uint8_t proxy_2[12] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                    '\n', 'Q',  'U',  'I',  'T', '\n'};

static bool begins(const uint8_t *p, size_t len, const void *with, size_t size)
{
    return len >= size && memcmp(p, with, size) == 0;
}

/* A method's capitals, a blank, and what a target begins with. */
static bool is_request_line(const uint8_t *p, size_t len)
{
    size_t n = 0;
    while (n < len && n < METHOD_MAX && p[n] >= 'A' && p[n] <= 'Z')
        n++;
    if (n < 3 || len - n < 2 || p[n] != ' ')
        return false;
    return p[n + 1] == '/' || p[n + 1] == '*' || begins(p + n + 1, len - n - 1, "http", 4) ||
           begins(p, n, "CONNECT", 7);
}

/* A handshake or an alert, of version 3.x. */
static bool is_tls(const uint8_t *p, size_t len)
{
    return len >= 3 && (p[0] == 0x16 || p[0] == 0x15) && p[1] == 3 && p[2] <= 4;
}

const char *speech_of(const uint8_t *p, size_t len)
{
    static const struct {
        const char *with, *name;
    } texts[] = {{"HTTP/", "HTTP"}, {"<!DOCTYPE ", "HTTP"}, /* of version 0.9, as what it got was no
                                                               request */
                 {"<html", "HTTP"}, {"PRI * HTTP/2", "HTTP/2"}, {proxy_1, "a PROXY line"},
                 {"SSH-", "SSH"}};
    static const uint8_t fastcgi[] = {1, 1, 0, 1, 0, 8};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (begins(p, len, texts[i].with, strlen(texts[i].with)))
            return texts[i].name;
    }
    if (begins(p, len, proxy_2, sizeof proxy_2))
        return "a PROXY head";
    if (begins(p, len, fastcgi, sizeof fastcgi))
        return "FastCGI";
    if (is_tls(p, len))
        return "TLS";
    return is_request_line(p, len) ? "HTTP" : NULL;
}

size_t speech_proxy_head(const uint8_t *p, size_t len)
{
    size_t text = sizeof proxy_1 - 1;
    if (memcmp(p, proxy_1, len < text ? len : text) == 0) {
        const uint8_t *end = memchr(p, '\n', len < PROXY_1_MAX ? len : PROXY_1_MAX);
        if (end)
            return (size_t)(end - p) + 1;
        return len < PROXY_1_MAX ? SIZE_MAX : 0;
    }
    if (memcmp(p, proxy_2, len < sizeof proxy_2 ? len : sizeof proxy_2) != 0)
        return 0;
    if (len < PROXY_2_HEAD)
        return SIZE_MAX;
    size_t all = PROXY_2_HEAD + ((size_t)p[14] << 8 | p[15]);
    return all <= len ? all : SIZE_MAX;
}
