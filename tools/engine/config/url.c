/* SPDX-License-Identifier: Apache-2.0 */
/* Parses PROTOCOL://HOST:PORT and says plainly what is wrong with anything else. */
#include "config/url.h"

#include <stdio.h>
#include <string.h>

enum { HOST_MAX = 253 };

static const char *form_of(unsigned allowed)
{
    if (allowed == 1u << PROTO_HTTP)
        return "http://HOST:PORT or https://HOST:PORT";
    if (allowed == 1u << PROTO_AJP)
        return "ajp://HOST:PORT or ajps://HOST:PORT";
    return "http://HOST:PORT, ajp://HOST:PORT or ajps://HOST:PORT";
}

static bool refuse(char *why, size_t cap, unsigned allowed, const char *text, const char *problem)
{
    char shown[128];
    log_str(shown, sizeof shown, ajp_str_of(text, strlen(text)));
    snprintf(why, cap, "expected %s, got \"%s\"%s%s", form_of(allowed), shown,
             problem[0] ? ": " : "", problem);
    return false;
}

static bool parse_scheme(const char **text, struct url *url)
{
    static const struct {
        const char *prefix;
        enum proto proto;
        bool secure;
    } schemes[] = {{"http://", PROTO_HTTP, false},
                   {"https://", PROTO_HTTP, true},
                   {"ajp://", PROTO_AJP, false},
                   {"ajps://", PROTO_AJP, true}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i].prefix);
        if (strncmp(*text, schemes[i].prefix, n) == 0) {
            *text += n;
            url->proto = schemes[i].proto;
            url->secure = schemes[i].secure;
            return true;
        }
    }
    return false;
}

static bool host_is_plain(ajp_str host, bool bracketed)
{
    const char *other = bracketed ? ":.%" : ".-_";
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !strchr(other, c))
            return false;
    }
    return host.len > 0 && host.len <= HOST_MAX;
}

static const char *parse_host(const char **text, ajp_str *host)
{
    const char *p = *text;
    bool bracketed = *p == '[';
    size_t n;
    if (bracketed) {
        n = strcspn(++p, "]");
        if (p[n] != ']')
            return "the bracket of the IPv6 address is not closed";
    } else {
        n = strcspn(p, ":/");
        if (p[n] == ':' && strchr(p + n + 1, ':'))
            return "an IPv6 address stands in brackets, as in [::1]:8009";
    }
    *host = ajp_str_of(p, n);
    if (n == 0)
        return "the host is missing; 0.0.0.0 and [::] are all addresses";
    if (!host_is_plain(*host, bracketed))
        return "the host is no name and no address";
    *text = p + n + (bracketed ? 1 : 0);
    return NULL;
}

static const char *parse_port(const char *text, bool zero_port, uint16_t *port)
{
    if (*text != ':')
        return "the port is missing";
    unsigned number = 0;
    const char *p = text + 1;
    for (; *p >= '0' && *p <= '9' && number <= 65535; p++)
        number = number * 10 + (unsigned)(*p - '0');
    if (p == text + 1 || (*p && *p != '/') || number > 65535)
        return "the port is no number from 0 to 65535";
    if (*p == '/')
        return "no path may follow the port";
    if (number == 0 && !zero_port)
        return "port 0 cannot be connected to";
    *port = (uint16_t)number;
    return NULL;
}

bool url_parse(const char *text, unsigned allowed, bool zero_port, struct url *out, char *why,
               size_t why_cap)
{
    struct url url = {0};
    const char *p = text;
    if (!parse_scheme(&p, &url)) {
        bool bare_port = *text && strspn(text, "0123456789") == strlen(text);
        const char *problem = strstr(text, "://") ? "the protocol is not known"
                              : bare_port         ? "a port alone does not say where to listen"
                                                  : "the protocol is missing";
        return refuse(why, why_cap, allowed, text, problem);
    }
    if (!(allowed >> url.proto & 1))
        return refuse(why, why_cap, allowed, text, "");
    const char *problem = parse_host(&p, &url.host);
    if (!problem)
        problem = parse_port(p, zero_port, &url.port);
    if (problem)
        return refuse(why, why_cap, allowed, text, problem);
    *out = url;
    return true;
}

bool url_is_loopback(ajp_str host)
{
    static const char *const names[] = {"localhost", "::1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (host.len == strlen(names[i]) && memcmp(host.ptr, names[i], host.len) == 0)
            return true;
    /* Only a whole dotted quad: 127.example.net is a name. */
    unsigned a, b, c, d;
    char rest;
    char text[HOST_MAX + 1];
    if (host.len >= sizeof text)
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return sscanf(text, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127;
}
