/* SPDX-License-Identifier: Apache-2.0 */
/* The match-only path normaliser against Tomcat's rules. */
#include "http/uri.h"
#include "http_trace.h"

#include <criterion/criterion.h>
#include <string.h>

struct row {
    const char *in, *want; /* NULL: refused with the verdict */
    enum uri_result verdict;
};

static void check(const struct row *row, struct uri_reading how)
{
    size_t n = strlen(row->in), len = 0;
    ajp_str path;
    struct guard in, out;
    enum uri_result got;
    char *room;

    guard_new(&in, n);
    guard_new(&out, n);
    path = ajp_str_of((char *)guard_copy(&in, row->in, n), n);
    room = (char *)guard_copy(&out, row->in, n); /* as much as the path itself: always enough */
    got = uri_normalise(path, how, room, n, &len);
    cr_expect_eq(got, row->verdict, "%s: %d", row->in, got);
    cr_expect_eq(uri_check(path, how), row->verdict, "%s, checked", row->in);
    if (got == URI_OK && row->want)
        cr_expect(len == strlen(row->want) && memcmp(room, row->want, len) == 0,
                  "%s: got \"%.*s\", want \"%s\"", row->in, (int)len, room, row->want);
    for (size_t cap = 0; got == URI_OK && cap < len; cap++) {
        size_t l;
        enum uri_result r = uri_normalise(path, how, room + n - cap, cap, &l);
        cr_expect_eq(r, URI_SPACE, "%s in %zu bytes: %d", row->in, cap, r);
    }
    guard_free(&in);
    guard_free(&out);
}

static const struct row paths[] = {
    {"/", "/", URI_OK},
    {"*", "*", URI_OK},
    {"/app", "/app", URI_OK},
    {"/app/", "/app/", URI_OK},
    /* S-40: each is /app/private... to Tomcat */
    {"/app/private;a=b/x", "/app/private/x", URI_OK},
    {"/app//private", "/app/private", URI_OK},
    {"/app/./private", "/app/private", URI_OK},
    {"/app/x/../private", "/app/private", URI_OK},
    {"/app/x/..;a/private", NULL, URI_PARAM_DOTS},
    {"/app/%2e%2e/..", NULL, URI_ABOVE_ROOT},
    {"/APP/private", "/APP/private", URI_OK},
    {"/../x", NULL, URI_ABOVE_ROOT},
    {"/a/..;/b", NULL, URI_PARAM_DOTS},
    {"/a/%2e.;x=y/b", NULL, URI_PARAM_DOTS},
    /* S-42: one decoding, no more */
    {"/a/%252e%252e/private", "/a/%2e%2e/private", URI_OK},
    {"/a/%2e%2e/private", "/private", URI_OK},
    {"/a/%2E./b", "/b", URI_OK},
    {"/a/%2e/b", "/a/b", URI_OK},
    /* S-33 */
    {"/admin%3ffoo.jsp", "/admin?foo.jsp", URI_OK},
    {"/a%3bb/c", "/a;b/c", URI_OK},
    {"/a%23b", "/a#b", URI_OK},
    {"/%41%7a%7E", "/Az~", URI_OK},
    {"/a%0d%0ab", "/a\r\nb", URI_OK},
    /* trailing forms */
    {"/a/.", "/a/", URI_OK},
    {"/a/..", "/", URI_OK},
    {"/a/b/..", "/a/", URI_OK},
    {"/a/b/../", "/a/", URI_OK},
    {"/a//", "/a/", URI_OK},
    {"///", "/", URI_OK},
    {"/.", "/", URI_OK},
    {"/..", NULL, URI_ABOVE_ROOT},
    {"/;x", "/", URI_OK},
    {"/;x/a", "/a", URI_OK},
    {"/a;x", "/a", URI_OK},
    {"/a;x/", "/a/", URI_OK},
    {"/.;x/a", "/a", URI_OK},
    {"/a;jsessionid=1/b;jsessionid=2", "/a/b", URI_OK},
    {"/a;..;/b", "/a/b", URI_OK},
    {"/...", "/...", URI_OK},
    {"/..a/.b/c..", "/..a/.b/c..", URI_OK},
    {"/a/b/../../c", "/c", URI_OK},
    {"/a/b/../../../c", NULL, URI_ABOVE_ROOT},
    {"/a//../b", "/b", URI_OK},
    {"/a/.././../b", NULL, URI_ABOVE_ROOT},
    /* refused */
    {"", NULL, URI_SYNTAX},
    {"a", NULL, URI_SYNTAX},
    {"**", NULL, URI_SYNTAX},
    {"/a\\b", NULL, URI_SYNTAX},
    {"/a b", NULL, URI_SYNTAX},
    {"/a?b", NULL, URI_SYNTAX},
    {"/a#b", NULL, URI_SYNTAX},
    {"/\xc3\xa4", NULL, URI_SYNTAX},
    {"/a;\x01", NULL, URI_SYNTAX},
    {"/%", NULL, URI_SYNTAX},
    {"/%4", NULL, URI_SYNTAX},
    {"/%4/", NULL, URI_SYNTAX},
    {"/%zz", NULL, URI_SYNTAX},
    {"/%4g", NULL, URI_SYNTAX},
    {"/%00", NULL, URI_SYNTAX},
    {"/a;%00", NULL, URI_SYNTAX},
    {"/a%2fb", NULL, URI_SLASH},
    {"/a%2Fb", NULL, URI_SLASH},
    {"/a%5cb", NULL, URI_SLASH},
    {"/a;%2f", NULL, URI_SLASH},
};

Test(http_uri, as_tomcat_matches)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        check(&paths[i], (struct uri_reading){0});
}

Test(http_uri, slash_that_may_pass_stays_as_it_is)
{
    static const struct row rows[] = {
        {"/a%2fb/%5C", "/a%2fb/%5C", URI_OK},
        {"/a/..%2f..", "/a/..%2f..", URI_OK},
        {"/a/%2e%2e%2f/b", "/a/..%2f/b", URI_OK},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i], (struct uri_reading){URI_SLASHES_KEPT, false});
}

Test(http_uri, slash_that_is_decoded_ends_a_segment)
{
    static const struct row rows[] = {
        {"/a%2fb/%5Cc", "/a/b/c", URI_OK},
        {"/a/b%2f..%2fc", "/a/c", URI_OK},
        {"/x%2F..%2Fadmin/y", "/admin/y", URI_OK},
        {"/a%2f%2fb%2f", "/a/b/", URI_OK},
        {"/a;p%2fq/b", "/a/b", URI_OK},
        {"/a%2f.;p%2fq/b", "/a/b", URI_OK},
        {"/a%252fb", "/a%2fb", URI_OK},
        {"/%2f..", NULL, URI_ABOVE_ROOT},
        {"/a/..%2f..%2fb", NULL, URI_ABOVE_ROOT},
        {"/a%2f..;x/b", NULL, URI_PARAM_DOTS},
        {"/a%2f%00", NULL, URI_SYNTAX},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i], (struct uri_reading){URI_SLASHES_DECODED, false});
}

Test(http_uri, bytes_beyond_ascii_may_stand_for_themselves)
{
    static const struct row rows[] = {
        {"/\xc3\xa4/../\xe4;\xff", "/\xe4", URI_OK},
        {"/%c3\xa4", "/\xc3\xa4", URI_OK},
        {"/\x7f", NULL, URI_SYNTAX},
        {"/a\\b", NULL, URI_SYNTAX},
        {"\xc3", NULL, URI_SYNTAX},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i], (struct uri_reading){URI_SLASHES_REFUSED, true});
}

Test(http_uri, normalised_is_stable)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct row again = {paths[i].want, paths[i].want, URI_OK};
        if (paths[i].want && !strpbrk(paths[i].want, "%;?#\r\n"))
            check(&again, (struct uri_reading){0});
    }
}
