/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads: the reject table of the bridge, row by row, and what is accepted instead. */
#include "http_trace.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *label, *in, *want;
};

#define H  "Host: a\r\n"
#define G  "GET / HTTP/1.1\r\n" H
#define P  "POST / HTTP/1.1\r\n" H
#define OK "GET / 1 @a a:0 k {Host=a}"

static void check(const struct row *rows, size_t n, const struct h1_limits *lim)
{
    static char got[TRACE_MAX];

    for (size_t i = 0; i < n; i++) {
        trace_both(got, rows[i].label, rows[i].in, strlen(rows[i].in), lim);
        cr_expect_str_eq(got, rows[i].want, "%s: got \"%s\", want \"%s\"", rows[i].label, got,
                         rows[i].want);
    }
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof(rows)[0], &h1_limits_default)

Test(http_parse, plain_heads)
{
    static const struct row rows[] = {
        {"least", G "\r\n", OK},
        {"behind it", G "\r\nGET /next", OK},
        {"leading line", "\r\n" G "\r\n", "GET / 1 @a a:0 k {Host=a}"},
        {"query", "GET /a/b?c=d&e=%zz HTTP/1.1\r\n" H "\r\n",
         "GET /a/b?c=d&e=%zz 1 @a a:0 k {Host=a}"},
        {"empty query", "GET /? HTTP/1.1\r\n" H "\r\n", "GET /? 1 @a a:0 k {Host=a}"},
        {"question in query", "GET /?a?b/../ HTTP/1.1\r\n" H "\r\n",
         "GET /?a?b/../ 1 @a a:0 k {Host=a}"},
        {"blanks around a value", G "A: \t b c \t\r\n\r\n", "GET / 1 @a a:0 k {Host=a} {A=b c}"},
        {"no blank", G "A:b\r\n\r\n", "GET / 1 @a a:0 k {Host=a} {A=b}"},
        {"empty value", G "A:\r\nB: \r\n\r\n", "GET / 1 @a a:0 k {Host=a} {A=} {B=}"},
        {"tab and obs-text in a value", G "A: x\ty\xc3\xa4\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a} {A=x\ty\xc3\xa4}"},
        {"every token byte in a name", G "!#$%&'*+-.^`|~09azAZ: 1\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a} {!#$%&'*+-.^`|~09azAZ=1}"},
        {"long name and value", G "Content-Security-Policy: default-src 'self'; img-src *\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a} {Content-Security-Policy=default-src 'self'; img-src *}"},
        {"other method", "FOO / HTTP/1.1\r\n" H "\r\n", "FOO / 1 @a a:0 k {Host=a}"},
        {"unfinished", G, "more"},
        {"nothing", "", "more"},
    };
    CHECK(rows);
}

Test(http_parse, connection_and_version)
{
    static const struct row rows[] = {
        {"1.1 close", G "Connection: close\r\n\r\n", "GET / 1 @a a:0  {Host=a}"},
        {"1.1 Close in a list", G "connection: foo, Close\r\n\r\n", "GET / 1 @a a:0  {Host=a}"},
        {"1.0", "GET / HTTP/1.0\r\n\r\n", "GET / 0:0 "},
        {"1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 0:0 k"},
        {"close wins", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET / 0:0 "},
        {"two lines", G "Connection: a\r\nA: 1\r\nConnection: b\r\nB: 2\r\nC: 3\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a} {C=3}"},
        {"0.9", "GET /\r\n", "400"},
        {"2.0", "GET / HTTP/2.0\r\n" H "\r\n", "505"},
        {"h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
        {"1.2 is served as 1.1", "GET / HTTP/1.2\r\n" H "\r\n", OK},
        {"1.9 is served as 1.1", "GET / HTTP/1.9\r\n" H "\r\n", OK},
        {"1.2 without Host", "GET / HTTP/1.2\r\n\r\n", "400"},
        {"two digits", "GET / HTTP/1.10\r\n" H "\r\n", "400"},
        {"lower case", "GET / http/1.1\r\n" H "\r\n", "400"},
        {"malformed option", G "Connection: a b\r\n\r\n", "400"},
    };
    CHECK(rows);
}

Test(http_parse, p01_p02_content_length)
{
    static const struct row rows[] = {
        {"plain", P "Content-Length: 5\r\n\r\n", "POST / 1 @a a:0 k+5 {Host=a} {Content-Length=5}"},
        {"zero", P "content-length: 0\r\n\r\n", "POST / 1 @a a:0 k+0 {Host=a} {content-length=0}"},
        {"greatest", P "Content-Length: 9223372036854775807\r\n\r\n",
         "POST / 1 @a a:0 k+9223372036854775807 {Host=a} {Content-Length=9223372036854775807}"},
        {"too great", P "Content-Length: 9223372036854775808\r\n\r\n", "400"},
        {"20 digits", P "Content-Length: 00000000000000000005\r\n\r\n", "400"},
        {"with coding", P "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"behind coding", P "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "400"},
        {"two alike", P "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "400"},
        {"two unlike", P "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "400"},
        {"list", P "Content-Length: 5, 5\r\n\r\n", "400"},
        {"plus", P "Content-Length: +5\r\n\r\n", "400"},
        {"minus", P "Content-Length: -1\r\n\r\n", "400"},
        {"minus zero", P "Content-Length: -0\r\n\r\n", "400"},
        {"hex", P "Content-Length: 0x5\r\n\r\n", "400"},
        {"blank inside", P "Content-Length: 5 5\r\n\r\n", "400"},
        {"empty", P "Content-Length:\r\n\r\n", "400"},
        {"letters", P "Content-Length: five\r\n\r\n", "400"},
        {"in quotes", P "Content-Length: \"5\"\r\n\r\n", "400"},
        {"trailing junk", P "Content-Length: 5;\r\n\r\n", "400"},
    };
    CHECK(rows);
}

Test(http_parse, p03_s20_transfer_encoding)
{
    static const struct row rows[] = {
        {"chunked", P "Transfer-Encoding: chunked\r\n\r\n", "POST / 1 @a a:0 kc {Host=a}"},
        {"case", P "transfer-encoding: CHUNKED \r\n\r\n", "POST / 1 @a a:0 kc {Host=a}"},
        {"listed by Connection",
         P "Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n",
         "POST / 1 @a a:0 kc {Host=a}"},
        {"chunked, chunked", P "Transfer-Encoding: chunked, chunked\r\n\r\n", "400"},
        {"two lines", P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"identity then chunked",
         P "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n", "501"},
        {"chunked then identity",
         P "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", "400"},
        {"xchunked", P "Transfer-Encoding: xchunked\r\n\r\n", "400"},
        {"chunkedx", P "Transfer-Encoding: chunkedx\r\n\r\n", "400"},
        {"identity", P "Transfer-Encoding: identity\r\n\r\n", "400"},
        {"gzip, chunked", P "Transfer-Encoding: gzip, chunked\r\n\r\n", "501"},
        {"chunked, gzip", P "Transfer-Encoding: chunked, gzip\r\n\r\n", "400"},
        {"quoted", P "Transfer-Encoding: \"chunked\"\r\n\r\n", "400"},
        {"parameter", P "Transfer-Encoding: chunked;q=1\r\n\r\n", "400"},
        {"leading comma", P "Transfer-Encoding: ,chunked\r\n\r\n", "501"},
        {"empty", P "Transfer-Encoding:\r\n\r\n", "400"},
        {"vertical tab",
         P "Transfer-Encoding:\x0b"
           "chunked\r\n\r\n",
         "400"},
        {"form feed",
         P "Transfer-Encoding: \x0c"
           "chunked\r\n\r\n",
         "400"},
        {"no-break space",
         P "Transfer-Encoding: \xa0"
           "chunked\r\n\r\n",
         "400"},
        {"blank before the colon", P "Transfer-Encoding : chunked\r\n\r\n", "400"},
        {"folded", P "Transfer-Encoding:\r\n chunked\r\n\r\n", "400"},
        {"bare LF before", P "A: b\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"bare CR before", P "A: b\rTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"underscore", P "Transfer_Encoding: chunked\r\n\r\n", "POST / 1 @a a:0 k {Host=a}"},
    };
    CHECK(rows);
}

Test(http_parse, p06_s70_lexical_faults)
{
    static const struct row rows[] = {
        {"bare LF in the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400"},
        {"bare LF behind a field", G "A: b\n\r\n", "400"},
        {"bare LF at the end", G "\n", "400"},
        {"LF alone ends it", "GET / HTTP/1.1\nHost: a\n\n", "400"},
        {"bare CR in a value", G "A: b\rc\r\n\r\n", "400"},
        {"CR CR LF", G "A: b\r\r\n\r\n", "400"},
        {"CR at the end", G "\r\r\n", "400"},
        {"leading CR", "\rGET / HTTP/1.1\r\n" H "\r\n", "400"},
        {"leading LF", "\n" G "\r\n", "400"},
        {"five leading lines", "\r\n\r\n\r\n\r\n\r\n" G "\r\n", "400"},
        {"DEL in a value", G "A: b\x7f\r\n\r\n", "400"},
        {"ESC in a value", G "A: \x1b[2J\r\n\r\n", "400"},
        {"control in a long value", G "A: 0123456789012345678901234567890\x01\r\n\r\n", "400"},
        {"fold", G "A: b\r\n c\r\n\r\n", "400"},
        {"tab fold", G "A: b\r\n\tc\r\n\r\n", "400"},
        {"blank before the colon", G "A : b\r\n\r\n", "400"},
        {"tab before the colon", G "A\t: b\r\n\r\n", "400"},
        {"blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"},
        {"empty name", G ": b\r\n\r\n", "400"},
        {"no colon", G "A\r\n\r\n", "400"},
        {"quote in a name", G "A\"B: c\r\n\r\n", "400"},
        {"slash in a name", G "A/B: c\r\n\r\n", "400"},
        {"high byte in a name", G "A\xc3\xa4: c\r\n\r\n", "400"},
        {"bracket in a name", G "Host[: c\r\n\r\n", "400"},
        {"two blanks behind the method", "GET  / HTTP/1.1\r\n" H "\r\n", "400"},
        {"two blanks before the version", "GET /  HTTP/1.1\r\n" H "\r\n", "400"},
        {"blank behind the version", "GET / HTTP/1.1 \r\n" H "\r\n", "400"},
        {"tab for a blank", "GET\t/ HTTP/1.1\r\n" H "\r\n", "400"},
        {"leading blank", " GET / HTTP/1.1\r\n" H "\r\n", "400"},
        {"method no token", "G(T / HTTP/1.1\r\n" H "\r\n", "400"},
        {"method too long", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r\n" H "\r\n", "501"},
        {"TLS hello", "\x16\x03\x01\x02", "400"},
    };
    CHECK(rows);
}

Test(http_parse, p06_nul_is_refused_anywhere)
{
    static const char head[] = "GET /a?b HTTP/1.1\r\nHost: a\r\nAbc: def\r\n\r\n";
    char in[sizeof head], got[64];

    for (size_t i = 0; i < sizeof head - 1; i++) {
        static char trace[TRACE_MAX];
        memcpy(in, head, sizeof head);
        in[i] = '\0';
        snprintf(got, sizeof got, "NUL at %zu", i);
        trace_both(trace, got, in, sizeof head - 1, &h1_limits_default);
        cr_expect_str_eq(trace, "400", "%s: %s", got, trace);
    }
}

Test(http_parse, p07_underscores)
{
    static const char in[] = G "X_Forwarded_For: 1\r\nA: b\r\n\r\n";
    static const struct row drop[] = {{"drop", in, "GET / 1 @a a:0 k {Host=a} {A=b}"}};
    static const struct row reject[] = {{"reject", in, "400"}};
    static const struct row pass[] = {
        {"pass", in, "GET / 1 @a a:0 k {Host=a} {X_Forwarded_For=1} {A=b}"},
        {"but no TLS facts", G "SSL_CLIENT_CERT: 1\r\nX_SSL_Cipher: 2\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a}"},
    };
    struct h1_limits lim = h1_limits_default;

    CHECK(drop);
    lim.underscores = UNDERSCORES_REJECT;
    check(reject, 1, &lim);
    lim.underscores = UNDERSCORES_PASS;
    check(pass, 2, &lim);
}

Test(http_parse, p08_s71_host)
{
    static const struct row rows[] = {
        {"port", "GET / HTTP/1.1\r\nHost: a.b:8080\r\n\r\n",
         "GET / 1 @a.b:8080 a.b:8080 k {Host=a.b:8080}"},
        {"IPv6", "GET / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n",
         "GET / 1 @[::1]:81 [::1]:81 k {Host=[::1]:81}"},
        {"empty port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "GET / 1 @a: a:0 k {Host=a:}"},
        {"missing", "GET / HTTP/1.1\r\n\r\n", "400"},
        {"two", G H "\r\n", "400"},
        {"two, one in upper case", G "HOST: b\r\n\r\n", "400"},
        {"empty: the default host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", "GET / 1 @:0 k {Host=}"},
        {"empty, and two", "GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n\r\n", "400"},
        {"blank inside", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
        {"slash", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
        {"user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400"},
        {"list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400"},
        {"angle bracket", "GET / HTTP/1.1\r\nHost: <script>\r\n\r\n", "400"},
        {"high byte", "GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", "400"},
        {"port too great", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "400"},
        {"port no number", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "400"},
        {"port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "400"},
        {"bracket open", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400"},
        {"bracket of junk", "GET / HTTP/1.1\r\nHost: [evil]\r\n\r\n", "400"},
        {"behind the bracket", "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", "400"},
        {"Connection cannot take it", G "Connection: host\r\n\r\n", "GET / 1 @a a:0 k {Host=a}"},
        {"1.0 malformed", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "400"},
    };
    CHECK(rows);
}

Test(http_parse, p08_absolute_form)
{
    static const struct row rows[] = {
        {"plain", "GET http://a/x?y HTTP/1.1\r\n" H "\r\n", "GET /x?y 1 @a a:0 k {Host=a}"},
        {"no path", "GET http://a HTTP/1.1\r\n" H "\r\n", "GET / 1 @a a:0 k {Host=a}"},
        {"no path but a query", "GET http://a?q HTTP/1.1\r\n" H "\r\n",
         "GET /?q 1 @a a:0 k {Host=a}"},
        {"case", "GET HTTP://A.B/ HTTP/1.1\r\nHost: a.b\r\n\r\n",
         "GET / 1 @A.B A.B:0 k {Host=A.B}"},
        {"usual port", "GET https://a:443/ HTTP/1.1\r\n" H "\r\n",
         "GET / 1 @a:443 a:443 k {Host=a:443}"},
        {"1.0 without Host", "GET http://a.b/c HTTP/1.0\r\nX: y\r\n\r\n",
         "GET /c 0 @a.b a.b:0  {X=y} {Host=a.b}"},
        {"behind other fields",
         "GET http://a/ HTTP/1.1\r\nX: y\r\nConnection: x\r\nHost: A\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a}"},
        {"OPTIONS", "OPTIONS http://a HTTP/1.1\r\n" H "\r\n", "OPTIONS * 1 @a a:0 k {Host=a}"},
        {"other host", "GET http://b/ HTTP/1.1\r\n" H "\r\n", "GET / 1 @b b:0 k {Host=b}"},
        {"other port", "GET http://a:81/ HTTP/1.1\r\n" H "\r\n",
         "GET / 1 @a:81 a:81 k {Host=a:81}"},
        {"empty Host", "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", OK},
        {"malformed Host", "GET http://a/ HTTP/1.1\r\nHost: b/c\r\n\r\n", "400"},
        {"without Host in 1.1", "GET http://a/ HTTP/1.1\r\n\r\n", "400"},
        {"user", "GET http://u@a/ HTTP/1.1\r\n" H "\r\n", "400"},
        {"no authority", "GET http:///x HTTP/1.1\r\n" H "\r\n", "400"},
        {"other scheme", "GET ftp://a/ HTTP/1.1\r\n" H "\r\n", "400"},
        {"scheme alone", "GET http:// HTTP/1.1\r\n" H "\r\n", "400"},
        {"above its root", "GET http://a/../b HTTP/1.1\r\n" H "\r\n", "400"},
    };
    static const struct row strict[] = {
        {"same host", "GET http://A/ HTTP/1.1\r\n" H "\r\n", "GET / 1 @A A:0 k {Host=A}"},
        {"other host", "GET http://b/ HTTP/1.1\r\n" H "\r\n", "400"},
        {"other port", "GET http://a:81/ HTTP/1.1\r\n" H "\r\n", "400"},
        {"1.0 without Host", "GET http://a.b/c HTTP/1.0\r\n\r\n",
         "GET /c 0 @a.b a.b:0  {Host=a.b}"},
    };
    struct h1_limits lim = h1_limits_default;

    CHECK(rows);
    lim.host_must_match = true;
    check(strict, sizeof strict / sizeof strict[0], &lim);
}

Test(http_parse, p09_other_forms)
{
    static const struct row rows[] = {
        {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * 1 @a a:0 k {Host=a}"},
        {"GET *", "GET * HTTP/1.1\r\n" H "\r\n", "400"},
        {"OPTIONS *?q", "OPTIONS *?q HTTP/1.1\r\n" H "\r\n", "400"},
        {"OPTIONS **", "OPTIONS ** HTTP/1.1\r\n" H "\r\n", "400"},
        {"CONNECT", "CONNECT a:443 HTTP/1.1\r\n" H "\r\n", "405"},
        {"authority form", "GET a:80 HTTP/1.1\r\n" H "\r\n", "400"},
        {"relative", "GET a/b HTTP/1.1\r\n" H "\r\n", "400"},
        {"query alone", "GET ?a HTTP/1.1\r\n" H "\r\n", "400"},
    };
    CHECK(rows);
}

Test(http_parse, p10_to_p14_path)
{
    static const struct row rows[] = {
        {"as received", "GET //a/./b;x=y/%7Ec/%41 HTTP/1.1\r\n" H "\r\n",
         "GET //a/./b;x=y/%7Ec/%41 1 @a a:0 k {Host=a}"},
        {"dots inside", "GET /a/../b/..c/c../.d HTTP/1.1\r\n" H "\r\n",
         "GET /a/../b/..c/c../.d 1 @a a:0 k {Host=a}"},
        {"encoded CRLF", "GET /a%0d%0aX HTTP/1.1\r\n" H "\r\n",
         "GET /a%0d%0aX 1 @a a:0 k {Host=a}"},
        {"encoded question", "GET /admin%3ffoo.jsp HTTP/1.1\r\n" H "\r\n",
         "GET /admin%3ffoo.jsp 1 @a a:0 k {Host=a}"},
        {"twice encoded", "GET /a/%252e%252e/b HTTP/1.1\r\n" H "\r\n",
         "GET /a/%252e%252e/b 1 @a a:0 k {Host=a}"},
        {"blank", "GET /a b HTTP/1.1\r\n" H "\r\n", "400"},
        {"control", "GET /a\x01 HTTP/1.1\r\n" H "\r\n", "400"},
        {"tab", "GET /a\tb HTTP/1.1\r\n" H "\r\n", "400"},
        {"DEL", "GET /a\x7f HTTP/1.1\r\n" H "\r\n", "400"},
        {"high byte", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", "400"},
        {"high byte in the query", "GET /?\xc3\xa4 HTTP/1.1\r\n" H "\r\n", "400"},
        {"control in the query", "GET /?\x01 HTTP/1.1\r\n" H "\r\n", "400"},
        {"backslash", "GET /a\\b HTTP/1.1\r\n" H "\r\n", "400"},
        {"fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", "400"},
        {"fragment in the query", "GET /?a#b HTTP/1.1\r\n" H "\r\n", "400"},
        {"%00", "GET /a%00 HTTP/1.1\r\n" H "\r\n", "400"},
        {"%zz", "GET /%zz HTTP/1.1\r\n" H "\r\n", "400"},
        {"% at the end", "GET /a% HTTP/1.1\r\n" H "\r\n", "400"},
        {"%a at the end", "GET /a%a?0 HTTP/1.1\r\n" H "\r\n", "400"},
        {"%2f", "GET /a%2fb HTTP/1.1\r\n" H "\r\n", "400"},
        {"%5C", "GET /a%5Cb HTTP/1.1\r\n" H "\r\n", "400"},
        {"%2f in a parameter", "GET /a;x=%2f HTTP/1.1\r\n" H "\r\n", "400"},
        {"above root", "GET /../a HTTP/1.1\r\n" H "\r\n", "400"},
        {"above root later", "GET /a/../../b HTTP/1.1\r\n" H "\r\n", "400"},
        {"above root, encoded", "GET /%2e%2E/a HTTP/1.1\r\n" H "\r\n", "400"},
        {"..;", "GET /a/..;/b HTTP/1.1\r\n" H "\r\n", "400"},
        {"..;x=y", "GET /a/..;x=y/b HTTP/1.1\r\n" H "\r\n", "400"},
        {"%2e%2e;", "GET /a/%2e%2e; HTTP/1.1\r\n" H "\r\n", "400"},
        {"no target", "GET  HTTP/1.1\r\n" H "\r\n", "400"},
    };
    static const struct row slash[] = {
        {"let pass", "GET /a%2fb%5cc HTTP/1.1\r\n" H "\r\n", "GET /a%2fb%5cc 1 @a a:0 k {Host=a}"},
        {"back within", "GET /a%2fb%2f..%2fc HTTP/1.1\r\n" H "\r\n",
         "GET /a%2fb%2f..%2fc 1 @a a:0 k {Host=a}"},
        {"above root, if decoded", "GET /a%2f..%2f..%2fWEB-INF HTTP/1.1\r\n" H "\r\n", "400"},
        {"dots with a parameter, if decoded", "GET /a%2f..;b HTTP/1.1\r\n" H "\r\n", "400"},
        {"above root all the same", "GET /../a%2fb HTTP/1.1\r\n" H "\r\n", "400"},
        {"%00", "GET /a%2f%00 HTTP/1.1\r\n" H "\r\n", "400"},
    };
    struct h1_limits lim = h1_limits_default;

    CHECK(rows);
    lim.allow_encoded_slash = true;
    check(slash, sizeof slash / sizeof slash[0], &lim);
}

Test(http_parse, p10_bytes_beyond_ascii)
{
    static const struct row rows[] = {
        {"path and query", "GET /\xc3\xa4;\xff/%41?\xe4=\xf6 HTTP/1.1\r\n" H "\r\n",
         "GET /\xc3\xa4;\xff/%41?\xe4=\xf6 1 @a a:0 k {Host=a}"},
        {"the last byte of each", "GET /\x80?\x80 HTTP/1.1\r\n" H "\r\n",
         "GET /\x80?\x80 1 @a a:0 k {Host=a}"},
        {"DEL", "GET /\xc3\x7f HTTP/1.1\r\n" H "\r\n", "400"},
        {"control in the query", "GET /?\xc3\x01 HTTP/1.1\r\n" H "\r\n", "400"},
        {"above root", "GET /\xc3/../../a HTTP/1.1\r\n" H "\r\n", "400"},
        {"not in Host", "GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", "400"},
        {"not in a method", "G\xc3 / HTTP/1.1\r\n" H "\r\n", "400"},
        {"not in a name", G "A\xc3: b\r\n\r\n", "400"},
    };
    struct h1_limits lim = h1_limits_default;

    lim.allow_non_ascii = true;
    check(rows, sizeof rows / sizeof rows[0], &lim);
}

Test(http_parse, p06_bare_lf)
{
    static const struct row rows[] = {
        {"everywhere", "\nGET / HTTP/1.1\nHost: a\nA: b\n\nnext", OK " {A=b}"},
        {"mixed", "\r\nGET / HTTP/1.1\r\nHost: a\nA: b\r\n\n", OK " {A=b}"},
        {"empty value", G "A:\n\n", OK " {A=}"},
        {"CRLF as ever", G "\r\n", OK},
        {"bare CR", G "A: b\rc\n\n", "400"},
        {"CR CR LF", G "A: b\r\r\n\n", "400"},
        {"fold", G "A: b\n c\n\n", "400"},
        {"five leading lines", "\n\n\n\n\n" G "\n", "400"},
        {"the coding behind one", P "A: b\nTransfer-Encoding: chunked\n\n",
         "POST / 1 @a a:0 kc {Host=a} {A=b}"},
        {"two lengths", P "Content-Length: 5\nContent-Length: 5\n\n", "400"},
    };
    struct h1_limits lim = h1_limits_default;

    lim.allow_bare_lf = true;
    check(rows, sizeof rows / sizeof rows[0], &lim);
}

Test(http_parse, p16_expect)
{
    static const struct row rows[] = {
        {"100-continue", P "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
         "POST / 1 @a a:0 ke+1 {Host=a} {Content-Length=1}"},
        {"other", P "Expect: 200-ok\r\n\r\n", "417"},
        {"1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
         "POST / 0:0 +1 {Content-Length=1}"},
    };
    CHECK(rows);
}

Test(http_parse, p17_to_p21_fields_that_do_not_pass)
{
    static const struct row rows[] = {
        {"hop by hop",
         G "Keep-Alive: 5\r\nProxy-Connection: x\r\nproxy-authorization: x\r\nTE: trailers\r\n"
           "Trailer: x\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nProxy: evil\r\nA: b\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a} {A=b}"},
        {"listed", G "X-A: 1\r\nConnection: x-a , X-B\r\nX-B: 2\r\nX-C: 3\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a} {X-C=3}"},
        {"listed in vain",
         P "Connection: content-length, host, cookie, authorization, x-forwarded-for\r\n"
           "Content-Length: 3\r\nCookie: c\r\nAuthorization: d\r\nX-Forwarded-For: e\r\n\r\n",
         "POST / 1 @a a:0 k+3 {Host=a} {Content-Length=3} {Cookie=c} {Authorization=d} "
         "{X-Forwarded-For=e}"},
        {"TLS facts",
         G "SSL_CIPHER: a\r\nX-SSL-Cert: b\r\nx-client-cert: c\r\nSsl-Client-S-Dn: d\r\n"
           "X-Sslx: e\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a} {X-Sslx=e}"},
        {"names close by", G "Hosts: a\r\nProxyx: b\r\nTea: c\r\nConnections: d\r\n\r\n",
         "GET / 1 @a a:0 k {Host=a} {Hosts=a} {Proxyx=b} {Tea=c} {Connections=d}"},
    };
    CHECK(rows);
}

/* before + n times fill + after. The caller frees it. */
static char *pad(const char *before, const char *fill, size_t n, const char *after)
{
    size_t a = strlen(before), f = strlen(fill), z = strlen(after);
    char *s = malloc(a + n * f + z + 1);

    memcpy(s, before, a);
    for (size_t i = 0; i < n; i++)
        memcpy(s + a + i * f, fill, f);
    memcpy(s + a + n * f, after, z + 1);
    return s;
}

Test(http_parse, p15_limits)
{
    static const struct {
        const char *label, *before, *fill;
        size_t n;
        const char *after, *want;
    } rows[] = {
        {"line of 8000", "GET /", "a", 8000 - 14, " HTTP/1.1\r\n" H "\r\n", "GET"},
        {"line of 8001", "GET /", "a", 8001 - 14, " HTTP/1.1\r\n" H "\r\n", "414"},
        {"line without end", "GET /", "a", 9300, "", "414"},
        {"method without end", "G", "A", 1100, "", "501"},
        {"long query", "GET /?", "a", 8000, " HTTP/1.1\r\n" H "\r\n", "414"},
        {"100 fields", G, "A: b\r\n", 99, "\r\n", "GET"},
        {"101 fields", G, "A: b\r\n", 100, "\r\n", "431"},
        {"dropped fields count", G, "TE: b\r\n", 100, "\r\n", "431"},
        {"field of 16384", G "A: ", "b", 16384 - 3, "\r\n\r\n", "GET"},
        {"field of 16385", G "A: ", "b", 16385 - 3, "\r\n\r\n", "431"},
        {"field without end", G "A: ", "b", 18000, "", "431"},
        {"name without end", G, "b", 18000, "", "431"},
        {"name of 16385", G, "b", 16385, ": c\r\n\r\n", "431"},
        {"many names in Connection", G "A: 1\r\nConnection: ", "a,", 33, "b\r\n\r\n", "400"},
        {"many Connections", G, "Connection: close\r\n", 9, "\r\n", "400"},
    };
    static char got[TRACE_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *in = pad(rows[i].before, rows[i].fill, rows[i].n, rows[i].after);
        trace_both(got, rows[i].label, in, strlen(in), &h1_limits_default);
        cr_expect_eq(strncmp(got, rows[i].want, 3), 0, "%s: %.40s", rows[i].label, got);
        free(in);
    }
}

Test(http_parse, p15_count_of_fields_has_no_wall)
{
    enum { MANY = 5000 };
    struct field *fields = malloc((MANY + 1) * sizeof *fields);
    char *in = pad("GET http://b/ HTTP/1.0\r\n", "A: b\r\n", MANY, "\r\n");
    struct h1_limits lim = h1_limits_default;
    struct head h = {.fields = fields};
    struct h1_error err = {0, NULL};
    size_t scanned = 0, used;

    lim.max_fields = MANY;
    cr_assert_eq(h1_parse_request((uint8_t *)in, strlen(in), &scanned, &lim, &h, &used, &err),
                 H1_OK);
    cr_assert_eq(h.field_count, MANY + 1, "and Host, of the target");
    lim.max_fields = MANY - 1;
    scanned = 0;
    cr_assert_eq(h1_parse_request((uint8_t *)in, strlen(in), &scanned, &lim, &h, &used, &err),
                 H1_BAD);
    cr_expect_eq(err.status, 431);
    free(in);
    free(fields);
}

Test(http_parse, p15_head_limit_is_exact)
{
    struct h1_limits lim = h1_limits_default;
    static const char in[] = G "A: b\r\n\r\n";
    static char got[TRACE_MAX];

    lim.max_head = sizeof in - 1;
    trace_both(got, "fits", in, sizeof in - 1, &lim);
    cr_expect_eq(strncmp(got, "GET", 3), 0, "%s", got);
    lim.max_head = sizeof in - 2;
    trace_both(got, "one less", in, sizeof in - 1, &lim);
    cr_expect_str_eq(got, "431");
}

Test(http_parse, slow_head_is_not_read_anew_for_each_byte)
{
    struct field fields[HEAD_FIELDS_USUAL];
    struct head h = {.fields = fields};
    struct h1_error err;
    size_t scanned = 0, used;
    uint8_t in[600];

    memset(in, 'a', sizeof in);
    memcpy(in, G "A: ", 28);
    cr_assert_eq(h1_parse_request(in, 100, &scanned, &h1_limits_default, &h, &used, &err), H1_MORE);
    cr_assert_eq(scanned, 100);
    in[50] =
        0; /* what was read before is not looked at: the fault stays unseen until a line ends */
    cr_assert_eq(h1_parse_request(in, 500, &scanned, &h1_limits_default, &h, &used, &err), H1_MORE);
    cr_assert_eq(scanned, 500);
    in[550] = '\n';
    cr_assert_eq(h1_parse_request(in, 600, &scanned, &h1_limits_default, &h, &used, &err), H1_BAD);
    cr_assert_eq(err.status, 400);
}
