/* SPDX-License-Identifier: Apache-2.0 */
/* What an import makes of workers and balancers: the configuration file, piece by piece. */
#include "config/import_state.h"
#include "config/url.h"
#include "config/value.h"

#include <arpa/inet.h>
#include <string.h>

enum { NAME_SIZE = IMPORT_NAME, ATTEMPTS_MOST = 16, PACKET_LEAST = 8192, PACKET_MOST = 65536 };

/* mod_jk rounds up to whole KiB, and has the same bounds as we. */
static int64_t packet_size_of(const struct import *im, size_t member)
{
    int64_t size = import_int(im, import_name_of(im, member), "max_packet_size", PACKET_LEAST);
    size = (size + 1023) / 1024 * 1024;
    return size < PACKET_LEAST ? PACKET_LEAST : size > PACKET_MOST ? PACKET_MOST : size;
}

void import_print_start(struct import *im)
{
    bool http = im->program->listen_protos >> PROTO_HTTP & 1;
    int64_t most = PACKET_LEAST;
    for (size_t i = 0; i < im->member_count; i++)
        most = packet_size_of(im, i) > most ? packet_size_of(im, i) : most;
    fprintf(im->out, "# From %s. Where to listen is yours to say.\n", im->path);
    if (im->httpd_path)
        fprintf(im->out,
                "# The mappings are of %s. httpd's own files, redirects, rewrites and access "
                "rules are not here.\n",
                im->httpd_path);
    fprintf(im->out, "listen:\n  - url: %s\n",
            http ? "http://127.0.0.1:8080" : "ajp://127.0.0.1:8019");
    if (!http && most > PACKET_LEAST)
        fprintf(im->out, "    # packet_size: %lld # if the web servers' max_packet_size is that\n",
                (long long)most);
    fprintf(im->out, "workers:\n");
}

/* A number; more than there can be here is brought down to that, and less than the least is what
 * it is in mod_jk too: nothing. */
static void print_number(struct import *im, const struct property *at, const char *key, int64_t low,
                         int64_t high)
{
    int64_t number;
    if (!at)
        return;
    if (!import_number(at->value, &number)) {
        import_note(im, NOTE_VALUE, im->path, at->line, at->key, "not a number");
        return;
    }
    if (number > high)
        import_note(im, NOTE_VALUE, im->path, at->line, at->key,
                    "the most there is was taken, %lld", (long long)high);
    else if (number < 0)
        import_note(im, NOTE_VALUE, im->path, at->line, at->key,
                    "not a number that the setting allows");
    if (number >= low)
        fprintf(im->out, "    %s: %lld\n", key, (long long)(number > high ? high : number));
}

/* Not more than there may be connections. */
static void print_connections(struct import *im, const char *name)
{
    const struct property *idle = import_lookup(im, name, "connection_pool_minsize");
    int64_t limit = import_int(im, name, "busy_limit", 0);
    int64_t least = import_int(im, name, "connection_pool_minsize", 0);
    print_number(im, import_lookup(im, name, "busy_limit"), "max_connections", 1, 65536);
    if (limit > 0 && least > limit) {
        import_note(im, NOTE_VALUE, im->path, idle->line, idle->key,
                    "the busy_limit was taken, %lld", (long long)limit);
        fprintf(im->out, "    min_idle: %lld\n", (long long)(limit > 65536 ? 65536 : limit));
        return;
    }
    print_number(im, idle, "min_idle", 0, 65536);
}

static void print_name(struct import *im, const struct property *at, const char *indent,
                       const char *key)
{
    if (!at)
        return;
    const char *name = at->value + (at->value[0] == ';'); /* of session_path */
    if (value_is_name(ajp_str_of(name, strlen(name))))
        fprintf(im->out, "%s%s: \"%s\"\n", indent, key, name);
    else
        import_note(im, NOTE_VALUE, im->path, at->line, at->key,
                    "expected letters, digits, '_', '-' or '.'");
}

static void print_redirect(struct import *im, const struct property *at)
{
    const char *route = at ? import_route_of(im, at->value) : NULL;
    if (route)
        fprintf(im->out, "    redirect: %s\n", route);
    else if (at)
        import_note(im, NOTE_VALUE, im->path, at->line, at->key,
                    "no worker of the balancer has this name");
}

/* The group of a route with a dot is what stands before it, unless another is named. */
static void print_domain(struct import *im, const char *name, const char *route)
{
    const struct property *at = import_lookup(im, name, "domain");
    size_t len = strcspn(route, ".");
    if (at)
        print_name(im, at, "    ", "domain");
    else if (route[len] && len > 0)
        fprintf(im->out, "    domain: \"%.*s\"\n", (int)len, route);
}

/* Its own, or else that of one of its balancers. They may have several, and it has one. */
static bool find_secret(struct import *im, size_t member, const struct property **out)
{
    *out = NULL;
    for (size_t i = 0; i < im->pool_count; i++) {
        const struct import_pool *pool = &im->pools[i];
        if (!(pool->members >> member & 1))
            continue;
        const struct property *secret =
            import_lookup(im, im->workers[pool->worker[member]].name, "secret");
        if (!secret && pool->balancer)
            secret = import_lookup(im, pool->name, "secret");
        if (secret && *out && strcmp(secret->value, (*out)->value) != 0)
            return import_fail(im, secret,
                               "expected one secret for the app server with the route \"%s\", got "
                               "another than that of line %u",
                               im->members[member].route, (*out)->line);
        *out = secret ? secret : *out;
    }
    return true;
}

static void secret_variable(const struct import *im, size_t member, char *out, size_t cap)
{
    snprintf(out, cap, "AJP_SECRET_%s", im->members[member].route);
    for (char *p = out; *p; p++)
        if (*p == '-' || *p == '.')
            *p = '_';
}

static bool print_secret(struct import *im, size_t member)
{
    char variable[NAME_SIZE + 32], other[NAME_SIZE + 16];
    const struct property *secret;
    if (!find_secret(im, member, &secret))
        return false;
    if (!secret)
        return true;
    secret_variable(im, member, variable, NAME_SIZE + 16);
    for (size_t i = 0; i < member; i++) {
        secret_variable(im, i, other, sizeof other);
        if (strcmp(other, variable) != 0)
            continue; /* "a-b" and "a.b" would be one */
        size_t len = strlen(variable);
        snprintf(variable + len, sizeof variable - len, "_%zu", member + 1);
        break;
    }
    fprintf(im->out, "    secret_env: %s # the value of %s\n", variable, secret->key);
    return true;
}

bool import_print_member(struct import *im, size_t member)
{
    const char *name = import_name_of(im, member);
    const struct property *host = import_lookup(im, name, "host");
    const struct property *port = import_lookup(im, name, "port");
    const char *address = host ? host->value : "localhost";
    int64_t number;
    char digits[24] = "8009";
    if (port && import_number(port->value, &number)) /* with what may follow it */
        snprintf(digits, sizeof digits, "%lld", (long long)number);
    else if (port)
        snprintf(digits, sizeof digits, "%s", port->value);
    char text[512], why[300];
    unsigned char bytes[16];
    struct url url;
    bool colon = strchr(address, ':') != NULL;
    char literal[INET6_ADDRSTRLEN];
    snprintf(literal, sizeof literal, "%.*s", (int)strcspn(address, "%"), address);
    if (colon && inet_pton(AF_INET6, literal, bytes) != 1)
        return import_fail(im, host,
                           "worker %s: expected a host name or address, got %s: a port goes into "
                           "worker.%s.port; mod_jk finds no such host",
                           name, log_str(why, 100, ajp_str_of(address, strlen(address))), name);
    snprintf(text, sizeof text, "ajp://%s%.300s%s:%.20s", colon ? "[" : "", address,
             colon ? "]" : "", digits);
    if (!url_parse(text, 1u << PROTO_AJP, false, &url, why, sizeof why))
        return import_fail(im, host ? host : port, "worker %s: %s", name, why);
    fprintf(im->out, "  - name: \"%s\"\n    url: \"%s\"\n", im->members[member].route, text);
    print_number(im, import_lookup(im, name, "lbfactor"), "weight", 1, 1000);
    print_number(im, import_lookup(im, name, "distance"), "distance", 0, 1000);
    print_connections(im, name);
    if (import_lookup(im, name, "max_packet_size"))
        fprintf(im->out, "    packet_size: %lld\n", (long long)packet_size_of(im, member));
    print_domain(im, name, im->members[member].route);
    print_redirect(im, import_lookup(im, name, "redirect"));
    const char *activation = import_activation_of(im, member);
    if (strcmp(activation, "standby") == 0)
        fprintf(im->out, "    activation: standby # disabled, and a redirect leads to it\n");
    else if (strcmp(activation, "active") != 0)
        fprintf(im->out, "    activation: %s\n", activation);
    return print_secret(im, member);
}

bool import_add_cookie(struct import *im, const char *name)
{
    for (size_t i = 0; i < im->cookie_count; i++)
        if (strcmp(im->cookies[i], name) == 0)
            return true;
    if (im->cookie_count == IMPORT_LIST_MAX)
        return false;
    im->cookies[im->cookie_count] = strdup(name);
    im->cookie_count += im->cookies[im->cookie_count] != NULL;
    return true;
}

/* Those of other balancers than the first: what an id says of a route counts where it is one. */
static void find_cookies(struct import *im)
{
    for (size_t i = 0; im->routed && i < im->pool_count; i++) {
        const char *name = import_value(im, im->pools[i].name, "session_cookie", "");
        if (im->pools[i].balancer && value_is_name(ajp_str_of(name, strlen(name))))
            import_add_cookie(im, name);
    }
}

static void print_more_cookies(struct import *im, const char *usual)
{
    const char *between = "  more_cookies: [";
    for (size_t i = 0; i < im->cookie_count; i++) {
        if (strcmp(im->cookies[i], usual) == 0)
            continue;
        fprintf(im->out, "%s\"%s\"", between, im->cookies[i]);
        between = ", ";
    }
    fputs(between[0] == ',' ? "]\n" : "", im->out);
}

void import_print_session(struct import *im)
{
    const char *name = im->balancer, *usual = "JSESSIONID";
    find_cookies(im);
    if (!name[0] && im->cookie_count == 0)
        return;
    fprintf(im->out, "session:\n");
    if (name[0])
        fprintf(im->out, "  sticky: %s\n",
                import_bool(import_value(im, name, "sticky_session", "1"), true) ? "true"
                                                                                 : "false");
    if (name[0] && import_bool(import_value(im, name, "sticky_session_force", "0"), false))
        fprintf(im->out, "  force: true\n");
    if (name[0]) {
        print_name(im, import_lookup(im, name, "session_cookie"), "  ", "cookie");
        print_name(im, import_lookup(im, name, "session_path"), "  ", "param");
        usual = import_value(im, name, "session_cookie", usual);
    }
    print_more_cookies(im, usual);
}

static bool has_503(const struct import *im, const char *name)
{
    const struct property *line = import_lookup(im, name, "fail_on_status");
    const char *key = line ? line->key : NULL;
    char status[NAME_SIZE];
    for (size_t at = 0; key && (line = import_next_line(im, key, &at));)
        for (const char *list = line->value; import_next_name(&list, status);)
            if (strcmp(status + (status[0] == '-'), "503") == 0)
                return true;
    return false;
}

/* Of all workers, though mod_jk has it for each balancer or worker. */
void import_print_retries(struct import *im)
{
    const struct property *tries =
        im->balancer[0] ? import_lookup(im, im->balancer, "lb_retries") : NULL;
    int64_t number = 0;
    bool on_503 = false;
    if (tries && !import_number(tries->value, &number)) {
        import_note(im, NOTE_VALUE, im->path, tries->line, tries->key, "not a number");
    } else if (tries) {
        int64_t allowed = number < 1 ? 1 : number > ATTEMPTS_MOST ? ATTEMPTS_MOST : number;
        fprintf(im->out, "limits:\n  max_attempts: %lld\n", (long long)allowed);
        if (number > allowed)
            import_note(im, NOTE_VALUE, im->path, tries->line, tries->key,
                        "the most there is was taken, %d", ATTEMPTS_MOST);
    }
    for (size_t i = 0; i < im->worker_count; i++)
        on_503 |= has_503(im, im->workers[i].name);
    if (on_503)
        fprintf(im->out, "retry:\n  on_503: true # of fail_on_status, for all workers; it puts no "
                         "worker out of use\n");
}

void import_print_method(struct import *im)
{
    static const struct {
        const char *codes, *method;
    } methods[] = {
        {"rR0", "requests"}, {"tT1", "traffic"}, {"bB2", "busyness"}, {"sS3nN4", "sessions"}};
    const struct property *method = import_lookup(im, im->balancer, "method");
    const char *found = "requests"; /* mod_jk's default, and what it takes others for */
    for (size_t i = 0; method && i < sizeof methods / sizeof *methods; i++)
        if (strchr(methods[i].codes, method->value[0]))
            found = methods[i].method;
    if (method && strchr("nN4", method->value[0]))
        import_note(im, NOTE_VALUE, im->path, method->line, method->key,
                    "the nearest there is: sessions, of which it differs in how it forgets");
    fprintf(im->out, "balance:\n  method: %s\n", found);
}
