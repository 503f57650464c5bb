/* SPDX-License-Identifier: Apache-2.0 */
/* What is not the same for plain connections and those inside TLS. */
#include "link.h"

#include "net.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

bool link_secure(struct link *l, struct tls_context *side)
{
    l->secure = secure_new(side, l->fd);
    return l->secure != NULL;
}

bool link_shake(struct link *l, int ms, struct text *why)
{
    uint64_t end = now_ns() + (uint64_t)ms * 1000000u;
    int events = 0;
    text_clear(why);
    while (l->secure && (events = secure_shake(l->secure)) > 0) {
        uint64_t now = now_ns();
        struct pollfd p = {.fd = l->fd, .events = (short)events};
        if (now >= end) {
            text_fmt(why, "no TLS handshake within %d ms", ms);
            return false;
        }
        poll(&p, 1, (int)((end - now) / 1000000u) + 1);
    }
    if (events < 0)
        text_str(why, secure_why(l->secure));
    return events == 0;
}

const char *link_why(const struct link *l)
{
    return l->secure && errno == EPROTO ? secure_why(l->secure) : strerror(errno);
}

void link_end(struct link *l)
{
    if (l->secure)
        secure_end(l->secure);
    shutdown(l->fd, SHUT_WR);
}

void link_close(struct link *l)
{
    secure_free(l->secure);
    l->secure = NULL;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
