/* SPDX-License-Identifier: Apache-2.0 */
/* ajpcat check: a report on a connector. */
#include "args.h"
#include "check.h"
#include "command.h"
#include "json.h"
#include "term.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_FILE, NO_BROKEN, TIMEOUT, JSON, MAY_TEST, TLS };

static const struct arg table[] = {
    [SECRET_FILE] = {0, "secret-file", "FILE", "the connector's secret; else AJP_SECRET"},
    [NO_BROKEN] = {0, "no-broken", NULL, "send well-formed requests only"},
    [TIMEOUT] = {'m', "timeout", "TIME", "for connecting and for each answer (5s)"},
    [JSON] = {0, "json", NULL, "one JSON object a line for each check"},
    [MAY_TEST] = {0, "i-may-test-this-host", NULL, "needed for hosts other than this one"},
    SECURE_ARGS(TLS),
    [TLS + SECURE_OPTIONS] = {0}};

void check_tell(struct checker *k, enum verdict v, const char *name, const char *advice,
                const char *format, ...)
{
    static const char *const words[VERDICTS] = {"good", "note", "warn", "bad", "skip"};
    static const enum term_colour colours[VERDICTS] = {TERM_GREEN, TERM_CYAN, TERM_YELLOW, TERM_RED,
                                                       TERM_DIM};
    struct text t = {0}, found = {0};
    va_list ap;
    va_start(ap, format);
    text_vfmt(&found, format, ap);
    va_end(ap);
    k->told[v]++;
    if (k->json) {
        struct json j = {.out = &t};
        json_open(&j, NULL, '{');
        json_cstring(&j, "check", name);
        json_cstring(&j, "verdict", words[v]);
        json_cstring(&j, "found", found.at);
        json_cstring(&j, "advice", advice);
        json_close(&j, '}');
    } else {
        term_colour(&t, k->colour, colours[v]);
        text_str(&t, words[v]);
        term_colour(&t, k->colour, TERM_PLAIN);
        text_fmt(&t, "  %-30s ", name);
        term_cstring(&t, found.at);
        if (advice) {
            text_str(&t, "\n      -> ");
            term_wrap(&t, advice, 9, term_width(STDOUT_FILENO));
        }
    }
    puts(t.at);
    text_free(&t);
    text_free(&found);
}

static bool is_loopback(const struct address *a)
{
    if (a->at.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&a->at)->sin_addr.s_addr) >> 24 == 127;
    const struct in6_addr *in = &((const struct sockaddr_in6 *)&a->at)->sin6_addr;
    return a->at.ss_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(in) || (IN6_IS_ADDR_V4MAPPED(in) && in->s6_addr[12] == 127));
}

static ajp_str known_secret(const struct checker *k)
{
    return k->secret.len ? ajp_str_of(k->secret.at, k->secret.len) : AJP_NULL;
}

static bool check_open(struct checker *k)
{
    struct client c;
    check_client(k, &c, AJP_PACKET_DEFAULT);
    double start = now_seconds();
    bool open = client_connect(&c, &k->url) == CLIENT_OK;
    if (!open)
        check_tell(k, VERDICT_BAD, "open", "start the connector, or look at its address and port",
                   "%s", c.why.at);
    else if (is_loopback(&k->address))
        check_tell(k, VERDICT_GOOD, "open", NULL, "connected in %.1f ms",
                   (now_seconds() - start) * 1e3);
    else
        check_tell(k, VERDICT_NOTE, "open",
                   "who can connect can claim any identity: let a firewall or address=\"...\" keep "
                   "all but your web servers out",
                   "connected in %.1f ms over the network", (now_seconds() - start) * 1e3);
    client_free(&c);
    return open;
}

/* False: it is no AJP connector. */
static bool check_cping(struct checker *k)
{
    double ms;
    const char *speech;
    if (check_alive(k, &ms, &speech)) {
        check_tell(k, VERDICT_GOOD, "CPing", NULL, "CPong after %.1f ms", ms);
        return true;
    }
    if (!speech)
        speech = check_http(k);
    if (speech)
        check_tell(k, VERDICT_BAD, "CPing",
                   strcmp(speech, "TLS") == 0
                       ? "AJP inside TLS is checked at ajps://HOST:PORT; HTTPS is no AJP either"
                       : "AJP has a port of its own: look for protocol=\"AJP/1.3\" in server.xml, "
                         "port 8009 as a rule",
                   "this speaks %s, not AJP", speech);
    else
        check_tell(k, VERDICT_BAD, "CPing",
                   "is it an AJP connector? If so, all of its threads may be busy; or it knows no "
                   "CPing, then do not configure pings to it",
                   "no CPong to a CPing");
    k->silent = true;
    return !speech;
}

/* A connector that refuses for the secret's sake ends the connection; a web app's 403 does not. */
static void tell_forbidden(struct checker *k, const struct check_answer *none)
{
    if (none->reuse)
        check_tell(k, VERDICT_NOTE, "secret",
                   "ask for a path that may be read, HOST:PORT/PATH, to have it checked",
                   "status 403 without, but the connection stays open: a refusal of the web app, "
                   "it seems");
    else
        check_tell(k, VERDICT_GOOD, "secret", "give it by --secret-file to have the rest checked",
                   "wanted: status 403 without");
}

static void check_secret(struct checker *k)
{
    struct check_answer none, with;
    static const char set_one[] =
        "set secret=\"...\" (and secretRequired=\"true\") on the connector, the same in the web "
        "server";
    check_ask(k, &(struct check_question){0}, &none);
    if (none.result != CLIENT_OK)
        check_tell(k, VERDICT_BAD, "request", NULL, "%s", none.why.at);
    else if (none.status != 403)
        check_tell(k, VERDICT_WARN, "secret", set_one, "not wanted: status %u without any",
                   none.status);
    k->normal = none.status;
    if (k->secret.len > 0) {
        check_ask(k, &(struct check_question){.secret = known_secret(k)}, &with);
        k->normal = with.status;
        if (none.status == 403 && with.status != 403)
            check_tell(k, VERDICT_GOOD, "secret", NULL,
                       "wanted: status 403 without, %u with the right one", with.status);
        else if (none.status == 403)
            check_tell(k, VERDICT_BAD, "secret",
                       "compare the secrets of both sides; a 403 of the web app looks the same",
                       "status 403 also with the secret given");
        check_answer_free(&with);
    } else if (none.status == 403) {
        tell_forbidden(k, &none);
    }
    check_answer_free(&none);
}

static void check_connection(struct checker *k)
{
    struct check_answer a;
    check_ask(k, &(struct check_question){.secret = known_secret(k), .twice = true}, &a);
    if (a.result != CLIENT_OK || !a.reuse || !a.second)
        check_tell(k, VERDICT_WARN, "kept connections",
                   "connections that close after each answer cost a handshake each: look at "
                   "maxKeepAliveRequests and keepAliveTimeout",
                   a.result != CLIENT_OK ? "%s"
                   : a.reuse             ? "the second request on a connection was not answered%.0s"
                                         : "the answer closes the connection%.0s",
                   a.why.at ? a.why.at : "");
    else
        check_tell(k, VERDICT_GOOD, "kept connections", NULL, "two requests on one");
    if (a.unpadded > 0)
        check_tell(k, VERDICT_NOTE, "pad of body chunks (Q9)",
                   "Apache's mod_proxy_ajp answers 503 to this: put another front end before",
                   "%u chunks without pad byte", a.unpadded);
    if (strcmp(a.reason, "200") == 0)
        check_tell(k, VERDICT_NOTE, "reason phrase (Q23)", NULL,
                   "is the number again, as Tomcat does");
    if (a.server[0])
        check_tell(k, VERDICT_NOTE, "Server header",
                   "server=\"\" on the connector, or the web server, can leave it out", "%s",
                   a.server);
    check_answer_free(&a);
}

static void check_packet_size(struct checker *k)
{
    size_t largest = 0;
    struct check_answer a;
    for (size_t size = AJP_PACKET_DEFAULT; size <= AJP_PACKET_MAX; size *= 2) {
        check_ask(k, &(struct check_question){.secret = known_secret(k), .size = size - 1}, &a);
        bool taken = a.result == CLIENT_OK && a.status == k->normal;
        check_answer_free(&a);
        if (!taken)
            break;
        largest = size;
    }
    if (largest == 0)
        check_tell(k, VERDICT_WARN, "packet size", "every connector should take 8192 bytes",
                   "a request of 8191 bytes is not taken");
    else
        check_tell(k, VERDICT_GOOD, "packet size",
                   "the web server's packet size must not be larger, nor packetSize smaller",
                   "requests of %zu bytes are taken", largest);
    check_ask(k,
              &(struct check_question){.method = "POST", .body = 20000, .secret = known_secret(k)},
              &a);
    if (a.wanted > 0)
        check_tell(k, VERDICT_NOTE, "body packets (Q21)", NULL, "%u bytes are asked for at once",
                   a.wanted);
    check_answer_free(&a);
    check_ask(k,
              &(struct check_question){
                  .method = "POST", .body = 20000, .no_length = true, .secret = known_secret(k)},
              &a);
    if (a.result != CLIENT_OK)
        check_tell(k, VERDICT_WARN, "body of unknown length (Q20)",
                   "chunked uploads fail: let the web server read them whole first", "%s",
                   a.why.at);
    else if (a.wanted > 0)
        check_tell(k, VERDICT_GOOD, "body of unknown length (Q20)", NULL, "is asked for");
    check_answer_free(&a);
}

static const char *const some_attribute[] = {"ajpcat-check", "1", NULL};
static const char *const ghost[] = {"javax.servlet.include.request_uri",
                                    "/",
                                    "javax.servlet.include.path_info",
                                    "/WEB-INF/web.xml",
                                    "javax.servlet.include.servlet_path",
                                    "/",
                                    NULL};
static const char *const ghost_jakarta[] = {"jakarta.servlet.include.request_uri",
                                            "/",
                                            "jakarta.servlet.include.path_info",
                                            "/WEB-INF/web.xml",
                                            "jakarta.servlet.include.servlet_path",
                                            "/",
                                            NULL};

/* Two kinds of refusal: a status of its own, or the attribute changes nothing. */
static void check_ghost(struct checker *k, const char *name, const char *const *attributes)
{
    struct check_answer a;
    check_ask(k, &(struct check_question){.secret = known_secret(k), .attributes = attributes}, &a);
    if (a.body.at && strstr(a.body.at, "<web-app"))
        check_tell(k, VERDICT_BAD, name,
                   "anyone who can connect reads the web app's files (CVE-2020-1938): update the "
                   "app server now, set a secret, and close the port to all but the web server",
                   "/WEB-INF/web.xml was served: status %u", a.status);
    else if (a.result != CLIENT_OK)
        check_tell(k, VERDICT_GOOD, name, NULL, "refused: %s", a.why.at);
    else if (a.status >= 400 && a.status != k->normal)
        check_tell(k, VERDICT_GOOD, name, NULL, "refused with status %u", a.status);
    else
        check_tell(k, VERDICT_NOTE, name,
                   "no file was served; still, limit allowedRequestAttributesPattern",
                   "taken, without effect: status %u", a.status);
    check_answer_free(&a);
}

static void check_attributes(struct checker *k)
{
    struct check_answer a;
    check_ask(k, &(struct check_question){.secret = known_secret(k), .attributes = some_attribute},
              &a);
    if (a.result == CLIENT_OK && a.status == k->normal)
        check_tell(k, VERDICT_NOTE, "unknown attributes",
                   "whatever the web server adds reaches the web app: see "
                   "allowedRequestAttributesPattern",
                   "taken: status %u", a.status);
    else
        check_tell(k, VERDICT_GOOD, "unknown attributes",
                   "a web server that adds attributes needs allowedRequestAttributesPattern",
                   "refused with status %u", a.status);
    check_answer_free(&a);
    check_ghost(k, "Ghostcat attributes", ghost);
    check_ghost(k, "the same for Jakarta", ghost_jakarta);
}

static void check_after(struct checker *k)
{
    double ms;
    const char *speech;
    if (k->silent)
        check_tell(k, VERDICT_SKIPPED, "after all this", NULL, "no CPong came before, either");
    else if (check_alive(k, &ms, &speech))
        check_tell(k, VERDICT_GOOD, "after all this", NULL, "it still answers, after %.1f ms", ms);
    else
        check_tell(k, VERDICT_BAD, "after all this",
                   "one of the packets above stops it: keep all but your web servers out",
                   "it does not answer any more");
}

static void check_rest(struct checker *k, bool broken)
{
    if (k->normal == 403) {
        check_tell(k, VERDICT_SKIPPED, "attributes", NULL, "every request gets a 403");
        check_tell(k, VERDICT_SKIPPED, "packet size", NULL, "the same");
        check_tell(k, VERDICT_SKIPPED, "kept connections", NULL, "the same");
    } else if (k->normal != 0) {
        check_connection(k);
        check_packet_size(k);
        check_attributes(k);
    }
    if (k->silent && k->normal == 0) {
        check_tell(k, VERDICT_SKIPPED, "all else", NULL, "it answers nothing");
        return;
    }
    if (broken)
        check_broken(k);
    check_after(k);
}

static int run(struct checker *k, bool broken)
{
    if (!check_open(k))
        return CLIENT_CONNECT;
    if (check_cping(k)) {
        check_secret(k);
        check_rest(k, broken);
    }
    if (!k->json)
        printf("%u good, %u notes, %u warnings, %u bad, %u skipped\n", k->told[VERDICT_GOOD],
               k->told[VERDICT_NOTE], k->told[VERDICT_WARN], k->told[VERDICT_BAD],
               k->told[VERDICT_SKIPPED]);
    return k->told[VERDICT_WARN] + k->told[VERDICT_BAD] > 0 ? EXIT_FAILED : 0;
}

static int set_option(struct args *a, struct checker *k, int row, bool *broken, bool *may)
{
    const char *why;
    uint64_t ms;
    switch (row) {
    case SECRET_FILE:
        return secret_load(a->value, &k->secret, &why)
                   ? 0
                   : args_wrong(a, "--secret-file %s: %s", a->value, why);
    case NO_BROKEN:
        *broken = false;
        return 0;
    case TIMEOUT:
        if (!args_duration_ms(a, &ms))
            return EXIT_USAGE;
        k->timeout_ms = ms < 3600000 ? (int)ms : 3600000;
        return 0;
    case JSON:
        k->json = true;
        return 0;
    case MAY_TEST:
        *may = true;
        return 0;
    default: /* of TLS, or the operand */
        if (row >= TLS) {
            secure_option(&k->tls, (enum secure_option)(row - TLS), a->value);
            return 0;
        }
        if (k->url.path)
            return args_wrong(a, "expected one address, not also \"%s\"", a->value);
        return url_parse(a->value, &k->url, &why) ? 0 : args_wrong(a, "%s: %s", a->value, why);
    }
}

static int is_elsewhere(const struct args *a, const struct checker *k)
{
    return args_wrong(a,
                      "%s is not this host: checking sends attacks and broken packets. "
                      "Add --i-may-test-this-host if you may",
                      k->url.host);
}

/* Chooses the address that all questions go to. No other host hears of it without leave. */
static int find_address(const struct args *a, struct checker *k, bool may)
{
    struct address all[ADDRESSES];
    const char *why;
    size_t n = url_addresses(&k->url, false, all, &why);
    for (size_t i = 0; i < n && !may; i++) {
        if (!is_loopback(&all[i]))
            return is_elsewhere(a, k);
    }
    if (n == 0 || !url_find(&k->url, &k->address, &why))
        return args_wrong(a, "%s: %s", k->url.host, why);
    return may || is_loopback(&k->address) ? -1 : is_elsewhere(a, k); /* names may change */
}

static int read_options(struct args *a, struct checker *k, bool *broken)
{
    int row, code;
    const char *why;
    bool may = false;
    secret_load(NULL, &k->secret, &why);
    while ((row = args_next(a)) != ARGS_END) {
        if (row == ARGS_ERROR || row == ARGS_HELP)
            return args_exit(row);
        if ((code = set_option(a, k, row, broken, &may)) != 0)
            return code;
    }
    if (!k->url.path)
        return args_wrong(a, "expected HOST:PORT");
    return find_address(a, k, may);
}

int cmd_check(int argc, char **argv)
{
    struct args a;
    struct checker k = {.timeout_ms = 5000, .colour = term_has_colour(STDOUT_FILENO)};
    bool broken = true;
    args_init(&a, argc, argv, "HOST:PORT[/PATH]", "Reports on an AJP connector.", table);
    int code = read_options(&a, &k, &broken);
    if (code < 0)
        code = run(&k, broken);
    text_free(&k.secret);
    return code;
}
