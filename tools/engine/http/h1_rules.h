/* SPDX-License-Identifier: Apache-2.0 */
/* The lexical rules of HTTP/1 that parser, writer and head translations share. */
#ifndef ENGINE_HTTP_H1_RULES_H
#define ENGINE_HTTP_H1_RULES_H

#include <ajp/base.h>

/* Classes of bytes, as bits of h1_class[byte]. */
enum {
    H1_TOKEN = 1 << 0, /* tchar of RFC 9110 */
    H1_VALUE = 1 << 1, /* field-value: visible, space, tab, obs-text */
    H1_HOST = 1 << 2,  /* reg-name, IPv4 */
    H1_PATH = 1 << 3,  /* path byte that needs no thought: not one of % ; . \ # ? */
    H1_QUERY = 1 << 4, /* 0x21 to 0x7E but '#' */
    H1_HEX = 1 << 5,
    H1_NAME = 1 << 6, /* letter, digit, '-': the common part of H1_TOKEN */
    H1_DIGIT = 1 << 7,
};
extern const uint8_t h1_class[256];

bool h1_is_token(ajp_str s);       /* not empty, tchar only */
bool h1_is_field_value(ajp_str s); /* no control but tab; may be empty */

/* Without spaces and tabs around it. */
ajp_str h1_trim(ajp_str s);

/* Equal but for the case of ASCII letters. */
bool h1_same(ajp_str a, ajp_str b);

/* Digits alone, no sign, at most 2^63-1. */
bool h1_decimal(ajp_str s, int64_t *out);

/* Check host[:port] and cut it; port 0 when there is none. name keeps an IPv6 address's brackets.
 */
bool h1_host(ajp_str s, ajp_str *name, uint16_t *port);

/* Next element of a comma list; false at its end. Empty elements are skipped. */
bool h1_list_next(ajp_str *list, ajp_str *item);

/* What a field's name means to a proxy. */
enum h1_name {
    H1_NAME_OTHER,
    H1_NAME_HOP, /* Keep-Alive, Proxy, Proxy-*, TE, Trailer, Upgrade: never forwarded */
    H1_NAME_TLS, /* SSL_*, X-SSL-*, X-Client-Cert*: TLS facts that only we may state */
    H1_NAME_CONNECTION,
    H1_NAME_CONTENT_LENGTH,
    H1_NAME_DATE,
    H1_NAME_EXPECT,
    H1_NAME_HOST,
    H1_NAME_SERVER,
    H1_NAME_TRANSFER_ENCODING,
};
/* name must be a token. */
enum h1_name h1_name_of(ajp_str name);

/* Whether Connection may take this field away: not those that framing, routing and identity
 * rest on (Host, Content-*, Cookie, Authorization, Forwarded, X-Forwarded-*). */
bool h1_may_be_listed(ajp_str name);

#endif
