/* SPDX-License-Identifier: Apache-2.0 */
/* Two answers to one request. */
#include "replay.h"

#include "talk.h"
#include "view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COOKIES_MAX = 10000, VALUE_MIN = 8 };

static bool is(ajp_str name, const char *other)
{
    return name.len == strlen(other) && strncasecmp(name.ptr, other, name.len) == 0;
}

/* All values of a header, one after the other; of Set-Cookie the names, as values ever differ. */
static void collect(const struct replay_answer *a, const char *name, struct text *out)
{
    ajp_message m;
    ajp_field f;
    if (!view_decode(&a->head, AJP_TO_SERVER, &m))
        return;
    ajp_fields it = m.u.response.headers;
    bool cookies = strcasecmp(name, "set-cookie") == 0;
    while (ajp_field_next(&it, &f)) {
        if (!is(f.name, name) || !f.value.ptr)
            continue;
        if (out->len > 0)
            text_str(out, ", ");
        text_put(out, f.value.ptr, cookies ? strcspn(f.value.ptr, "=") : f.value.len);
    }
}

static struct replay_difference *begin(struct replay_difference *d, const char *name)
{
    *d = (struct replay_difference){0};
    snprintf(d->name, sizeof d->name, "%s", name);
    text_str(&d->before, "");
    text_str(&d->after, "");
    return d;
}

static bool end(struct replay_difference *d)
{
    if (d->before.len != d->after.len ||
        (d->before.len && memcmp(d->before.at, d->after.at, d->before.len) != 0))
        return true;
    replay_differences_free(d, 1);
    return false;
}

static void put_body(const struct replay_answer *a, bool comparable, struct text *out)
{
    text_fmt(out, "%" PRIu64 " bytes", a->bytes);
    if (comparable)
        text_fmt(out, ", CRC %08x", a->crc32);
}

size_t replay_compare(const struct replay_answer *before, const struct replay_answer *after,
                      const struct replay_names *headers, struct replay_difference *out)
{
    size_t n = 0;
    for (size_t i = 0; i < headers->count && n < REPLAY_DIFFERENCES; i++) {
        const char *name = headers->names[i];
        struct replay_difference *d = begin(&out[n], name);
        if (strcmp(name, "status") == 0) {
            text_fmt(&d->before, "%u", before->status);
            text_fmt(&d->after, "%u", after->status);
        } else if (strcmp(name, "body") == 0) {
            put_body(before, !before->damaged, &d->before);
            put_body(after, !before->damaged, &d->after);
        } else {
            collect(before, name, &d->before);
            collect(after, name, &d->after);
        }
        n += end(d);
    }
    return n;
}

void replay_differences_free(struct replay_difference *d, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_free(&d[i].before);
        text_free(&d[i].after);
    }
}

/* Name and value of a Set-Cookie header. */
static bool split_cookie(const ajp_field *f, ajp_str *name, ajp_str *value)
{
    if (!is(f->name, "set-cookie") || !f->value.ptr)
        return false;
    size_t n = strcspn(f->value.ptr, "=;");
    if (f->value.ptr[n] != '=')
        return false;
    *name = ajp_str_of(f->value.ptr, n);
    *value = ajp_str_of(f->value.ptr + n + 1, strcspn(f->value.ptr + n + 1, "; "));
    return true;
}

static bool find_cookie(ajp_fields it, ajp_str name, ajp_str *value)
{
    ajp_field f;
    ajp_str n;
    while (ajp_field_next(&it, &f)) {
        if (split_cookie(&f, &n, value) && n.len == name.len && memcmp(n.ptr, name.ptr, n.len) == 0)
            return true;
    }
    return false;
}

static char *copy(ajp_str s)
{
    char *to = xmalloc(s.len + 1);
    memcpy(to, s.ptr, s.len);
    to[s.len] = '\0';
    return to;
}

void replay_learn(struct replay_cookies *c, const struct replay_answer *before,
                  const struct replay_answer *after)
{
    ajp_message old, new;
    ajp_field f;
    ajp_str name, was, now;
    if (!view_decode(&before->head, AJP_TO_SERVER, &old) ||
        !view_decode(&after->head, AJP_TO_SERVER, &new))
        return;
    ajp_fields it = old.u.response.headers;
    while (ajp_field_next(&it, &f)) {
        if (c->count == COOKIES_MAX || !split_cookie(&f, &name, &was) || was.len < VALUE_MIN ||
            !find_cookie(new.u.response.headers, name, &now))
            continue;
        c->at = xrealloc(c->at, (c->count + 1) * sizeof *c->at);
        c->at[c->count++] = (struct replay_cookie){copy(was), copy(now)};
    }
}
