/* SPDX-License-Identifier: Apache-2.0 */
/* Cookies, path parameters, routes: parts of what they were taken from, and free
 * of what would have ended them. */
#include "check.h"

static void check_part(ajp_str part, ajp_str of)
{
    CHECK(part.len == 0 || (part.ptr >= of.ptr && part.ptr + part.len <= of.ptr + of.len));
}

static bool holds(ajp_str s, char c)
{
    return s.len > 0 && memchr(s.ptr, c, s.len) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct portions in = {data, data + size};
    const ajp_str name = take_bytes(&in, take8(&in) % 16);
    const ajp_str text = take_bytes(&in, 512);
    ajp_cookies it = ajp_cookies_of(text);
    ajp_cookie c;
    size_t pairs = 0;
    while (ajp_cookie_next(&it, &c)) {
        check_part(c.name, text);
        check_part(c.value, text);
        CHECK(c.name.len > 0 && !holds(c.name, ';') && !holds(c.name, '=') && !holds(c.value, ';'));
        pairs++;
    }
    CHECK(pairs <= text.len / 2 + 1 && it.p == it.end);
    const ajp_str value = ajp_path_param(text, name);
    check_part(value, text);
    if (value.ptr != NULL) {
        CHECK(value.ptr[-1] == '=' && value.ptr[-2 - (ptrdiff_t)name.len] == ';');
        CHECK(memcmp(value.ptr - 1 - name.len, name.ptr, name.len) == 0);
        CHECK(!holds(value, ';') && !holds(value, '/') && !holds(value, '?'));
        CHECK(!holds(ajp_str_of(text.ptr, (size_t)(value.ptr - text.ptr) - name.len - 2), '?'));
    }
    const ajp_str route = ajp_route_of(text);
    check_part(route, text);
    CHECK((route.ptr != NULL) == holds(text, '.'));
    if (route.ptr != NULL) {
        CHECK(route.ptr[-1] == '.' && route.ptr + route.len == text.ptr + text.len);
        CHECK(!holds(ajp_str_of(text.ptr, (size_t)(route.ptr - 1 - text.ptr)), '.'));
    }
    return 0;
}
