/* SPDX-License-Identifier: Apache-2.0 */
/* A page from elsewhere can make a browser on this machine send requests here, and can even read
 * the answers when its name was made to lead here (DNS rebinding): the Host header gives that away.
 */
#include "admin/access.h"

#include "config/url.h"
#include "front/ajp_policy.h"

#include <string.h>
#include <strings.h>

#define SCHEME "http://"
#define BEARER "Bearer "

/* Loopback, with a port or without. */
static bool is_loopback(const char *host)
{
    const char *end = host + strlen(host), *colon = strrchr(host, ':');

    if (host[0] == '[')
        return strncmp(host, "[::1]", 5) == 0 && (host[5] == '\0' || host[5] == ':');
    if (colon != NULL)
        end = colon;
    return url_is_loopback(ajp_str_of(host, (size_t)(end - host)));
}

static const char *refuse(unsigned *status, unsigned code, const char *why)
{
    *status = code;
    return why;
}

const char *admin_may_look(const struct admin_caller *c, unsigned *status)
{
    if (c->local || c->host == NULL || is_loopback(c->host))
        return NULL;
    return refuse(status, 403,
                  "expected a Host header of loopback, as in 127.0.0.1 or localhost: use such an "
                  "address, or set it where a proxy or tunnel passes this on");
}

static bool same_place(const struct admin_caller *c)
{
    return c->host != NULL && strncmp(c->origin, SCHEME, strlen(SCHEME)) == 0 &&
           strcmp(c->origin + strlen(SCHEME), c->host) == 0;
}

static bool has_token(const char *authorization, ajp_str token)
{
    const char *given = authorization + strlen(BEARER);

    return strncasecmp(authorization, BEARER, strlen(BEARER)) == 0 &&
           secret_equal(ajp_str_of(given, strlen(given)), token);
}

const char *admin_may_change(const struct admin_caller *c, ajp_str token, unsigned *status)
{
    if (c->header == NULL)
        return refuse(status, 403, "expected a header X-Ajp-Admin");
    if (c->local)
        return NULL;
    if (c->origin != NULL && !same_place(c))
        return refuse(status, 403, "a page of another server may not change anything");
    if (token.ptr == NULL)
        return refuse(status, 403,
                      "every user of this machine can reach a TCP port, so nothing is changed over "
                      "it: use admin: unix:PATH, or set admin_token_file, and give ctl the same "
                      "file with --token-file");
    if (c->authorization == NULL || !has_token(c->authorization, token))
        return refuse(status, 401,
                      "expected the token of admin_token_file: ctl --token-file FILE, or the "
                      "header Authorization: Bearer TOKEN");
    return NULL;
}
