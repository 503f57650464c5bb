/* SPDX-License-Identifier: Apache-2.0 */
/* The path normaliser against a slow model that does Tomcat's steps one after the other. */
#include "http/uri.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_MAX_LEN = 512 };

static void cut(char *s, size_t at, size_t n)
{
    memmove(s + at, s + at + n, strlen(s + at + n) + 1);
}

static int nibble(char c)
{
    const char *hex = "0123456789abcdef", *at = c ? strchr(hex, c >= 'A' ? c | 0x20 : c) : NULL;

    return at ? (int)(at - hex) : -1;
}

static bool is_slash(int c)
{
    return c == '/' || c == '\\';
}

static bool escapes_are_fine(const char *s, bool slashes)
{
    for (; (s = strchr(s, '%')); s++) {
        int a = nibble(s[1]), b = a < 0 ? -1 : nibble(s[2]);
        if (b < 0 || a * 16 + b == 0 || (!slashes && is_slash(a * 16 + b)))
            return false;
    }
    return true;
}

/* CoyoteAdapter: parseParameters, URLDecode, normalize. False: refused. */
static bool model(char *s, bool slashes)
{
    char *p;

    if (s[0] != '/' || s[strcspn(s, "\\#? ")] || !escapes_are_fine(s, slashes))
        return s[0] == '*' && s[1] == '\0';
    while ((p = strchr(s, ';')))
        cut(s, (size_t)(p - s), strcspn(p, "/"));
    for (p = s; (p = strchr(p, '%')); p++) {
        *p = (char)(nibble(p[1]) * 16 + nibble(p[2]));
        if (is_slash(*p))
            *p = '/';
        cut(s, (size_t)(p - s) + 1, 2);
    }
    while ((p = strstr(s, "//")))
        cut(s, (size_t)(p - s), 1);
    p = s + strlen(s);
    if ((p - s >= 2 && strcmp(p - 2, "/.") == 0) || (p - s >= 3 && strcmp(p - 3, "/..") == 0))
        strcat(s, "/");
    while ((p = strstr(s, "/./")))
        cut(s, (size_t)(p - s), 2);
    while ((p = strstr(s, "/../"))) {
        char *up = p;
        if (p == s)
            return false;
        do
            up--;
        while (*up != '/');
        cut(s, (size_t)(up - s), (size_t)(p - up) + 3);
    }
    return true;
}

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* The path as the model takes it; empty: a byte in it is refused. */
static void copy(char *slow, const uint8_t *data, size_t size, bool non_ascii)
{
    memcpy(slow, data, size);
    slow[size] = '\0';
    for (size_t i = 0; i < size; i++) {
        if (data[i] < 0x21 || data[i] == 0x7f || (data[i] > 0x7f && !non_ascii))
            slow[0] = '\0';
    }
}

static void compare(const uint8_t *data, size_t size, struct uri_reading how)
{
    char slow[PATH_MAX_LEN + 2] = "", *out = malloc(size ? size : 1);
    ajp_str path = ajp_str_of((const char *)data, size);
    size_t len = 0, other;
    enum uri_result r = uri_normalise(path, how, out, size, &len);
    struct uri_reading kept = {URI_SLASHES_KEPT, how.non_ascii};

    require(r != URI_SPACE && uri_check(path, how) == r && len <= size);
    if (r == URI_OK && len > 1)
        require(uri_normalise(path, how, out, len - 1, &other) == URI_SPACE);
    if (r == URI_OK && how.slashes == URI_SLASHES_REFUSED)
        require(uri_normalise(path, kept, out, size, &other) == URI_OK && other == len);
    if (size < PATH_MAX_LEN && r != URI_PARAM_DOTS && !memchr(data, 0, size)) {
        copy(slow, data, size, how.non_ascii);
        require(model(slow, how.slashes == URI_SLASHES_DECODED) == (r == URI_OK));
        require(r != URI_OK || uri_normalise(path, how, out, size, &len) == URI_OK);
        require(r != URI_OK || (strlen(slow) == len && memcmp(slow, out, len) == 0));
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    compare(data, size, (struct uri_reading){URI_SLASHES_REFUSED, false});
    compare(data, size, (struct uri_reading){URI_SLASHES_REFUSED, true});
    compare(data, size, (struct uri_reading){URI_SLASHES_DECODED, false});
    compare(data, size, (struct uri_reading){URI_SLASHES_DECODED, true});
    return 0;
}
