/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text. */
#include "dissect.h"

#include <arpa/inet.h>
#include <string.h>

static char *put_decimal(char *at, unsigned value)
{
    char digits[5];
    unsigned n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

/* Without printf: a line of the default view is for the most part two of these. */
void peer_format(const struct peer *p, char out[PEER_TEXT])
{
    char *at = out;
    if (p->is_v6) {
        *at++ = '[';
        if (inet_ntop(AF_INET6, p->address, at, INET6_ADDRSTRLEN))
            at += strlen(at);
        *at++ = ']';
    }
    for (int i = 0; i < 4 && !p->is_v6; i++) {
        at = put_decimal(at, p->address[i]);
        *at++ = '.';
    }
    if (!p->is_v6)
        at--;
    *at++ = ':';
    *put_decimal(at, p->port) = '\0';
}
