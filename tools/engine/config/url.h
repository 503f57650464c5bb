/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as users write them: ajp://HOST:PORT, http://[::1]:8080. */
#ifndef ENGINE_CONFIG_URL_H
#define ENGINE_CONFIG_URL_H

#include "config/settings.h"

struct url {
    enum proto proto;
    bool secure;  /* https, ajps */
    ajp_str host; /* a view into the text, no brackets */
    uint16_t port;
};

/* True, or false with what was expected in why. Only the protocols whose bits (1u << proto) are
 * set in allowed pass; zero_port: port 0 may stand for "any free one". */
bool url_parse(const char *text, unsigned allowed, bool zero_port, struct url *out, char *why,
               size_t why_cap);

bool url_is_loopback(ajp_str host);

#endif
