/* SPDX-License-Identifier: Apache-2.0 */
/* What an import makes of workers and balancers: the configuration file, piece by piece. */
#include "config/import_state.h"
#include "config/url.h"
#include "config/value.h"

#include <string.h>

enum { NAME_SIZE = IMPORT_NAME };

void import_print_start(struct import *im)
{
    bool http = im->program->listen_protos >> PROTO_HTTP & 1;
    fprintf(im->out, "# From %s. Where to listen is yours to say.\n", im->path);
    fprintf(im->out, "listen:\n  - url: %s\nworkers:\n",
            http ? "http://127.0.0.1:8080" : "ajp://127.0.0.1:8019");
}

/* A number between two bounds; what lies outside is brought in, with a note. */
static void print_number(struct import *im, const struct property *at, const char *key,
                         uint64_t low, uint64_t high)
{
    uint64_t number;
    if (!at)
        return;
    if (!import_count(at->value, &number) || number < low || number > high) {
        import_note(im, im->path, at->line, at->key, "not a number that the setting allows");
        return;
    }
    fprintf(im->out, "    %s: %llu\n", key, (unsigned long long)number);
}

static void print_activation(struct import *im, const char *name)
{
    const char *activation = import_value(im, name, "activation", "active");
    bool drain =
        strchr("dD", *activation) || import_is_true(import_value(im, name, "disabled", "0"));
    bool stop = strchr("sS", *activation) || import_is_true(import_value(im, name, "stopped", "0"));
    if (stop || drain)
        fprintf(im->out, "    activation: %s\n", stop ? "stop" : "drain");
}

static const char *route_of(const struct import *im, const char *name)
{
    for (size_t i = 0; i < im->member_count; i++)
        if (strcmp(im->members[i].name, name) == 0 || strcmp(im->members[i].route, name) == 0)
            return im->members[i].route;
    return NULL;
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
        import_note(im, im->path, at->line, at->key, "expected letters, digits, '_', '-' or '.'");
}

static void print_redirect(struct import *im, const struct property *at)
{
    const char *route = at ? route_of(im, at->value) : NULL;
    if (route)
        fprintf(im->out, "    redirect: %s\n", route);
    else if (at)
        import_note(im, im->path, at->line, at->key, "no worker of the balancer has this name");
}

static void print_secret(struct import *im, const struct import_member *member)
{
    const struct property *secret = import_lookup(im, member->name, "secret");
    uint64_t bit = UINT64_C(1) << (member - im->members);
    for (size_t i = 0; !secret && i < im->pool_count; i++)
        if (im->pools[i].balancer && im->pools[i].members & bit)
            secret = import_lookup(im, im->pools[i].name, "secret");
    if (!secret)
        return;
    char variable[NAME_SIZE + 16];
    snprintf(variable, sizeof variable, "AJP_SECRET_%s", member->route);
    for (char *p = variable; *p; p++)
        if (*p == '-' || *p == '.')
            *p = '_';
    fprintf(im->out, "    secret_env: %s # the value of %s\n", variable, secret->key);
}

bool import_print_member(struct import *im, const struct import_member *member)
{
    const struct property *host = import_lookup(im, member->name, "host");
    const struct property *port = import_lookup(im, member->name, "port");
    const char *address = host ? host->value : "localhost";
    char text[512], why[300];
    struct url url;
    bool brackets = strchr(address, ':') != NULL;
    snprintf(text, sizeof text, "ajp://%s%.300s%s:%.20s", brackets ? "[" : "", address,
             brackets ? "]" : "", port ? port->value : "8009");
    if (!url_parse(text, 1u << PROTO_AJP, false, &url, why, sizeof why))
        return import_fail(im, host ? host : port, "worker %s: %s", member->name, why);
    fprintf(im->out, "  - name: \"%s\"\n    url: \"%s\"\n", member->route, text);
    print_number(im, import_lookup(im, member->name, "lbfactor"), "weight", 1, 1000);
    print_number(im, import_lookup(im, member->name, "distance"), "distance", 0, 1000);
    print_number(im, import_lookup(im, member->name, "busy_limit"), "max_connections", 0, 65536);
    print_number(im, import_lookup(im, member->name, "connection_pool_minsize"), "min_idle", 0,
                 65536);
    print_number(im, import_lookup(im, member->name, "max_packet_size"), "packet_size", 8192,
                 65536);
    print_name(im, import_lookup(im, member->name, "domain"), "    ", "domain");
    print_redirect(im, import_lookup(im, member->name, "redirect"));
    print_activation(im, member->name);
    print_secret(im, member);
    return true;
}

void import_print_session(struct import *im)
{
    const char *name = im->balancer;
    if (!name[0] && im->stateless_count == 0)
        return;
    fprintf(im->out, "session:\n");
    if (name[0])
        fprintf(im->out, "  sticky: %s\n",
                import_is_true(import_value(im, name, "sticky_session", "1")) ? "true" : "false");
    if (name[0] && import_is_true(import_value(im, name, "sticky_session_force", "0")))
        fprintf(im->out, "  force: true\n");
    if (name[0]) {
        print_name(im, import_lookup(im, name, "session_cookie"), "  ", "cookie");
        print_name(im, import_lookup(im, name, "session_path"), "  ", "param");
    }
    for (size_t i = 0; i < im->stateless_count; i++)
        fprintf(im->out, "%s\"%s\"%s", i ? ", " : "  stateless: [", im->stateless[i],
                i + 1 == im->stateless_count ? "]\n" : "");
}

/* Of all workers, though mod_jk has it for each balancer or worker. */
void import_print_retries(struct import *im)
{
    const struct property *tries =
        im->balancer[0] ? import_lookup(im, im->balancer, "lb_retries") : NULL;
    bool on_503 = false;
    uint64_t number;
    if (tries && import_count(tries->value, &number) && number >= 1 && number <= 16)
        fprintf(im->out, "limits:\n  max_attempts: %llu\n", (unsigned long long)number);
    else if (tries)
        import_note(im, im->path, tries->line, tries->key, "not a number that the setting allows");
    for (size_t i = 0; i < im->member_count; i++) {
        const struct property *status = import_lookup(im, im->members[i].name, "fail_on_status");
        char name[NAME_SIZE];
        for (const char *list = status ? status->value : ""; import_next_name(&list, name);)
            on_503 |= strcmp(name + (name[0] == '-'), "503") == 0;
    }
    if (on_503)
        fprintf(im->out, "retry:\n  on_503: true\n");
}

void import_print_method(struct import *im)
{
    static const struct {
        char letter;
        const char *method;
    } methods[] = {{'R', "requests"}, {'S', "sessions"}, {'T', "traffic"}, {'B', "busyness"}};
    const struct property *method = import_lookup(im, im->balancer, "method");
    const char *found = method ? NULL : "requests"; /* mod_jk's default */
    for (size_t i = 0; method && i < sizeof methods / sizeof *methods; i++)
        if ((method->value[0] & ~0x20) == methods[i].letter)
            found = methods[i].method;
    if (!found) {
        import_note(im, im->path, method->line, method->key, "the nearest there is: requests");
        found = "requests";
    }
    fprintf(im->out, "balance:\n  method: %s\n", found);
}

void import_print_times(struct import *im)
{
    if (im->time_count)
        fprintf(im->out, "timeouts:\n");
    for (size_t i = 0; i < im->time_count; i++)
        fprintf(im->out, "  %s: %llums\n", im->times[i].target,
                (unsigned long long)im->times[i].ms);
}
