/* SPDX-License-Identifier: Apache-2.0 */
/* Turns mod_jk's files into ours, and says what it could not carry over and why. */
#include "config/import_jk.h"

#include "config/import_rules.h"
#include "config/properties.h"
#include "config/url.h"
#include "config/value.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_SIZE = 128, REFERENCE_DEPTH = 10, TIMES_MAX = 8, EXIT_USAGE = 2 };

struct member {
    char name[NAME_SIZE];  /* in mod_jk */
    char route[NAME_SIZE]; /* its name here */
};

struct timeout {
    const char *target;
    uint64_t ms;
};

struct import {
    const struct program *program;
    const char *path;
    struct properties properties;
    char balancer[NAME_SIZE]; /* empty: none, the workers of worker.list themselves */
    struct member members[WORKERS_MAX];
    size_t member_count;
    struct timeout times[TIMES_MAX];
    size_t time_count;
    FILE *out;
    FILE *notes; /* comments, printed at the end */
    char message[512];
};

static bool fail(struct import *im, const struct property *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(struct import *im, const struct property *at, const char *fmt, ...)
{
    va_list args;
    int n = snprintf(im->message, sizeof im->message, "%s:%u: ", im->path, at ? at->line : 1);
    if (n < 0 || (size_t)n >= sizeof im->message)
        return false;
    va_start(args, fmt);
    vsnprintf(im->message + n, sizeof im->message - (size_t)n, fmt, args);
    va_end(args);
    return false;
}

static const char *shown(char *buf, size_t cap, const char *text)
{
    return log_str(buf, cap, ajp_str_of(text, strlen(text)));
}

static void note(struct import *im, const char *path, unsigned line, const char *text,
                 const char *reason)
{
    char buf[200];
    fprintf(im->notes, "# %s:%u: %s: %s\n", path, line, shown(buf, sizeof buf, text), reason);
}

/* worker.NAME.KEY, or what NAME's references have. */
static const struct property *lookup(const struct import *im, const char *name, const char *key)
{
    char prefix[2 * NAME_SIZE], full[3 * NAME_SIZE];
    snprintf(prefix, sizeof prefix, "worker.%s", name);
    for (int depth = 0; depth < REFERENCE_DEPTH; depth++) {
        snprintf(full, sizeof full, "%.255s.%s", prefix, key);
        const struct property *found = properties_find(&im->properties, full);
        if (found)
            return found;
        snprintf(full, sizeof full, "%.255s.reference", prefix);
        const struct property *reference = properties_find(&im->properties, full);
        if (!reference)
            return NULL;
        snprintf(prefix, sizeof prefix, "%s", reference->value);
    }
    return NULL;
}

static const char *value_of(const struct import *im, const char *name, const char *key,
                            const char *otherwise)
{
    const struct property *property = lookup(im, name, key);
    return property ? property->value : otherwise;
}

static bool is_true(const char *text)
{
    return *text && strchr("1tTyY", *text) != NULL ? true : strcasecmp(text, "on") == 0;
}

static bool is_type(const struct import *im, const char *name, const char *type)
{
    return strcmp(value_of(im, name, "type", "ajp13"), type) == 0;
}

/* Names separated by commas and spaces, one after the other; NULL at the end. */
static const char *next_name(const char **list, char *name)
{
    static const char between[] = ", \t";
    *list += strspn(*list, between);
    size_t len = strcspn(*list, between);
    if (len == 0)
        return NULL;
    snprintf(name, NAME_SIZE, "%.*s", (int)(len < NAME_SIZE ? len : NAME_SIZE - 1), *list);
    *list += len;
    return name;
}

static bool add_member(struct import *im, const char *name, const struct property *at)
{
    for (size_t i = 0; i < im->member_count; i++)
        if (strcmp(im->members[i].name, name) == 0)
            return true;
    if (im->member_count == WORKERS_MAX)
        return fail(im, at, "expected at most %d workers", WORKERS_MAX);
    struct member *member = &im->members[im->member_count];
    const char *route = value_of(im, name, "jvm_route", name);
    route = value_of(im, name, "route", route);
    char buf[NAME_SIZE];
    if (!value_is_name(ajp_str_of(route, strlen(route))))
        return fail(im, at, "expected a route of 1 to 64 letters, digits, '_', '-' or '.', got %s",
                    shown(buf, sizeof buf, route));
    snprintf(member->name, sizeof member->name, "%s", name);
    snprintf(member->route, sizeof member->route, "%s", route);
    im->member_count++;
    return true;
}

static bool add_listed_members(struct import *im, const char *key)
{
    char full[2 * NAME_SIZE + 32], name[NAME_SIZE];
    snprintf(full, sizeof full, "worker.%s.%s", im->balancer, key);
    for (size_t i = 0; i < im->properties.count; i++) {
        const struct property *property = &im->properties.items[i];
        if (strcmp(property->key, full) != 0)
            continue;
        for (const char *list = property->value; next_name(&list, name);)
            if (!add_member(im, name, property))
                return false;
    }
    return true;
}

/* One entry of worker.list: the first balancer gives the workers; without one they are listed. */
static bool see_listed(struct import *im, const char *name, const struct property *at,
                       bool balancers)
{
    bool lb = is_type(im, name, "lb");
    if (balancers) {
        if (lb && im->balancer[0] == '\0')
            snprintf(im->balancer, sizeof im->balancer, "%s", name);
        else if (lb)
            note(im, im->path, at->line, name, "a second balancer: run another instance for it");
        return true;
    }
    if (lb)
        return true;
    if (is_type(im, name, "ajp13") && im->balancer[0] == '\0')
        return add_member(im, name, at);
    note(im, im->path, at->line, name,
         is_type(im, name, "ajp13")    ? "a worker beside the balancer: run another instance for it"
         : is_type(im, name, "status") ? "there is no status worker"
                                       : "not a worker of type ajp13 or lb");
    return true;
}

static bool find_members(struct import *im)
{
    char name[NAME_SIZE];
    for (int balancers = 1; balancers >= 0; balancers--) {
        for (size_t i = 0; i < im->properties.count; i++) {
            const struct property *property = &im->properties.items[i];
            if (strcmp(property->key, "worker.list") != 0)
                continue;
            for (const char *list = property->value; next_name(&list, name);)
                if (!see_listed(im, name, property, balancers))
                    return false;
        }
    }
    if (im->balancer[0] &&
        !(add_listed_members(im, "balance_workers") && add_listed_members(im, "balanced_workers")))
        return false;
    if (im->member_count == 0)
        return fail(im, NULL, "expected worker.list with a balancer or workers of type ajp13");
    return true;
}

static bool parse_count(const char *text, uint64_t *number)
{
    char *end;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

/* A number between two bounds; what lies outside is brought in, with a note. */
static void print_number(struct import *im, const struct property *at, const char *key,
                         uint64_t low, uint64_t high)
{
    uint64_t number;
    if (!at)
        return;
    if (!parse_count(at->value, &number) || number < low || number > high) {
        note(im, im->path, at->line, at->key, "not a number that the setting allows");
        return;
    }
    fprintf(im->out, "    %s: %llu\n", key, (unsigned long long)number);
}

static void print_activation(struct import *im, const char *name)
{
    const char *activation = value_of(im, name, "activation", "active");
    bool drain = strchr("dD", *activation) || is_true(value_of(im, name, "disabled", "0"));
    bool stop = strchr("sS", *activation) || is_true(value_of(im, name, "stopped", "0"));
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
        note(im, im->path, at->line, at->key, "expected letters, digits, '_', '-' or '.'");
}

static void print_redirect(struct import *im, const struct property *at)
{
    const char *route = at ? route_of(im, at->value) : NULL;
    if (route)
        fprintf(im->out, "    redirect: %s\n", route);
    else if (at)
        note(im, im->path, at->line, at->key, "no worker of the balancer has this name");
}

static void print_secret(struct import *im, const struct member *member)
{
    const struct property *secret = lookup(im, member->name, "secret");
    if (!secret && im->balancer[0])
        secret = lookup(im, im->balancer, "secret");
    if (!secret)
        return;
    char variable[NAME_SIZE + 16];
    snprintf(variable, sizeof variable, "AJP_SECRET_%s", member->route);
    for (char *p = variable; *p; p++)
        if (*p == '-' || *p == '.')
            *p = '_';
    fprintf(im->out, "    secret_env: %s # the value of %s\n", variable, secret->key);
}

static bool print_member(struct import *im, const struct member *member)
{
    const struct property *host = lookup(im, member->name, "host");
    const struct property *port = lookup(im, member->name, "port");
    const char *address = host ? host->value : "localhost";
    char text[512], why[300];
    struct url url;
    bool brackets = strchr(address, ':') != NULL;
    snprintf(text, sizeof text, "ajp://%s%.300s%s:%.20s", brackets ? "[" : "", address,
             brackets ? "]" : "", port ? port->value : "8009");
    if (!url_parse(text, 1u << PROTO_AJP, false, &url, why, sizeof why))
        return fail(im, host ? host : port, "worker %s: %s", member->name, why);
    fprintf(im->out, "  - name: \"%s\"\n    url: \"%s\"\n", member->route, text);
    print_number(im, lookup(im, member->name, "lbfactor"), "weight", 1, 1000);
    print_number(im, lookup(im, member->name, "distance"), "distance", 0, 1000);
    print_number(im, lookup(im, member->name, "busy_limit"), "max_connections", 0, 65536);
    print_number(im, lookup(im, member->name, "max_packet_size"), "packet_size", 8192, 65536);
    print_name(im, lookup(im, member->name, "domain"), "    ", "domain");
    print_redirect(im, lookup(im, member->name, "redirect"));
    print_activation(im, member->name);
    print_secret(im, member);
    return true;
}

static void print_session(struct import *im)
{
    const char *name = im->balancer;
    fprintf(im->out, "session:\n  sticky: %s\n",
            is_true(value_of(im, name, "sticky_session", "1")) ? "true" : "false");
    if (is_true(value_of(im, name, "sticky_session_force", "0")))
        fprintf(im->out, "  force: true\n");
    print_name(im, lookup(im, name, "session_cookie"), "  ", "cookie");
    print_name(im, lookup(im, name, "session_path"), "  ", "param");
}

static void print_method(struct import *im)
{
    static const struct {
        char letter;
        const char *method;
    } methods[] = {{'R', "requests"}, {'S', "sessions"}, {'T', "traffic"}, {'B', "busyness"}};
    const struct property *method = lookup(im, im->balancer, "method");
    const char *found = method ? NULL : "requests"; /* mod_jk's default */
    for (size_t i = 0; method && i < sizeof methods / sizeof *methods; i++)
        if ((method->value[0] & ~0x20) == methods[i].letter)
            found = methods[i].method;
    if (!found) {
        note(im, im->path, method->line, method->key, "the nearest there is: requests");
        found = "requests";
    }
    fprintf(im->out, "balance:\n  method: %s\n", found);
}

/* Does what is said of name count: of a worker of ours, or of what one refers to? */
static bool has_part(const struct import *im, const char *name)
{
    char full[NAME_SIZE + 16];
    for (size_t i = 0; i < im->member_count; i++)
        if (strcmp(im->members[i].name, name) == 0)
            return true;
    snprintf(full, sizeof full, "worker.%s", name);
    for (size_t i = 0; i < im->properties.count; i++) {
        const struct property *property = &im->properties.items[i];
        size_t len = strlen(property->key);
        if (len > 10 && strcmp(property->key + len - 10, ".reference") == 0 &&
            strcmp(property->value, full) == 0)
            return true;
    }
    return strcmp(im->balancer, name) == 0;
}

/* Times are each worker's in mod_jk and all workers' here: the longest counts, 0 is never. */
static void take_time(struct import *im, const struct import_rule *rule,
                      const struct property *property)
{
    uint64_t count;
    if (!parse_count(property->value, &count) || count > UINT32_MAX) {
        note(im, im->path, property->line, property->key, "not a number");
        return;
    }
    if (count == 0) {
        note(im, im->path, property->line, property->key, "0, so the default stays");
        return;
    }
    uint64_t ms = count * rule->unit;
    for (size_t i = 0; i < im->time_count; i++) {
        if (strcmp(im->times[i].target, rule->target) != 0)
            continue;
        if (im->times[i].ms != ms)
            note(im, im->path, property->line, property->key,
                 "one setting for all workers: the longest of them was taken");
        if (im->times[i].ms < ms)
            im->times[i].ms = ms;
        return;
    }
    im->times[im->time_count++] = (struct timeout){rule->target, ms};
}

/* Every line in turn: what has no part in the entries gets its word here. */
static void see_property(struct import *im, const struct property *property)
{
    char name[NAME_SIZE] = "";
    if (strncmp(property->key, "worker.", 7) != 0) {
        note(im, im->path, property->line, property->key, "a variable, put in where it was used");
        return;
    }
    const char *rest = property->key + 7;
    const char *dot = strrchr(rest, '.');
    const char *key = dot ? dot + 1 : rest;
    if (dot)
        snprintf(name, sizeof name, "%.*s", (int)(dot - rest < NAME_SIZE ? dot - rest : 0), rest);
    const struct import_rule *rule = import_rule_of(key);
    if (!rule)
        note(im, im->path, property->line, property->key, "not a key of mod_jk");
    else if (rule->carry == CARRY_NOT)
        note(im, im->path, property->line, property->key, rule->reason);
    else if (dot && !has_part(im, name) && !is_type(im, name, "status"))
        note(im, im->path, property->line, property->key, "of a worker that has no part in it");
    else if (rule->carry == CARRY_TIME)
        take_time(im, rule, property);
}

static void print_times(struct import *im)
{
    if (im->time_count)
        fprintf(im->out, "timeouts:\n");
    for (size_t i = 0; i < im->time_count; i++)
        fprintf(im->out, "  %s: %llums\n", im->times[i].target,
                (unsigned long long)im->times[i].ms);
}

/* A line of uriworkermap.properties: /path=worker;option=value;... */
static void see_mapping(struct import *im, const char *path, const struct property *property)
{
    char options[512];
    const char *target = property->value;
    size_t len = strcspn(target, ";");
    bool all = strcmp(property->key, "/*") == 0 || strcmp(property->key, "/|/*") == 0;
    bool ours = strlen(im->balancer) == len && strncmp(im->balancer, target, len) == 0;
    if (!(all && ours))
        note(im, path, property->line, property->key,
             "paths are the web server's to choose: keep the line there");
    snprintf(options, sizeof options, "%s", target + len);
    for (char *option = strtok(options, ";"); option; option = strtok(NULL, ";")) {
        option[strcspn(option, "=")] = '\0';
        const struct import_rule *rule = import_map_rule_of(option);
        note(im, path, property->line, option, rule ? rule->reason : "not a key of mod_jk");
    }
}

static bool convert(struct import *im, const char *map_path)
{
    struct properties map = {0};
    if (!properties_read(im->path, &im->properties, im->message, sizeof im->message))
        return false;
    if (map_path && !properties_read(map_path, &map, im->message, sizeof im->message))
        return false;
    bool ok = find_members(im);
    if (ok) {
        bool http = im->program->listen_protos >> PROTO_HTTP & 1;
        fprintf(im->out, "# From %s. Where to listen is yours to say.\n", im->path);
        fprintf(im->out, "listen:\n  - url: %s\nworkers:\n",
                http ? "http://127.0.0.1:8080" : "ajp://127.0.0.1:8019");
    }
    for (size_t i = 0; ok && i < im->member_count; i++)
        ok = print_member(im, &im->members[i]);
    if (ok && im->balancer[0]) {
        print_session(im);
        print_method(im);
    }
    for (size_t i = 0; ok && i < im->properties.count; i++)
        see_property(im, &im->properties.items[i]);
    if (ok)
        print_times(im);
    for (size_t i = 0; ok && i < map.count; i++)
        see_mapping(im, map_path, &map.items[i]);
    properties_free(&map);
    return ok;
}

int import_jk(int argc, char **argv, const struct program *program, FILE *out)
{
    static struct import im;
    char *body = NULL, *notes = NULL;
    size_t body_size = 0, notes_size = 0;
    if (argc < 1 || argc > 2 || argv[0][0] == '-') {
        fprintf(stderr, "%s: import: expected WORKERS.PROPERTIES [URIWORKERMAP.PROPERTIES]\n",
                program->name);
        return EXIT_USAGE;
    }
    memset(&im, 0, sizeof im);
    im.program = program;
    im.path = argv[0];
    im.out = open_memstream(&body, &body_size);
    im.notes = open_memstream(&notes, &notes_size);
    bool ok = im.out && im.notes && convert(&im, argc == 2 ? argv[1] : NULL);
    if (im.out)
        fclose(im.out);
    if (im.notes)
        fclose(im.notes);
    if (ok) {
        fputs(body, out);
        if (notes_size > 0)
            fprintf(out, "\n# Not carried over:\n%s", notes);
    } else {
        fprintf(stderr, "%s\n", im.message[0] ? im.message : "out of memory");
    }
    properties_free(&im.properties);
    free(body);
    free(notes);
    return ok ? EXIT_SUCCESS : EXIT_USAGE;
}
