/* SPDX-License-Identifier: Apache-2.0 */
/* mod_jk's directives in an httpd configuration, and what httpd has of its own that matters to
 * them. */
#include "config/import_httpd.h"

#include "config/import_state.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOGS   "log and access_log tell of requests and workers"
#define SHARED "counts and states are the daemon's own, in no shared file"
#define FACTS  "facts of the connection, of TLS and of the user are sent as they are"
#define PATHS                                                                                      \
    "paths go on as they came, and those that can be read in two ways are refused; what its "      \
    "other flags forward is sent always"

/* Directives without a counterpart, by their beginnings. */
static const struct {
    const char *name;
    enum import_note_kind kind;
    const char *reason;
} others[] = {
    {"JkEnvVar", NOTE_ANSWERS,
     "BEWARE, the app server gets this attribute no more: add_attributes of listen sets fixed "
     "ones"},
    {"JkAutoAlias", NOTE_ANSWERS,
     "BEWARE, files that httpd served from there are nobody's here: what the app server may serve "
     "of "
     "an application, map to it as a whole (/app, /app/*)"},
    {"JkWorkerProperty", NOTE_ANSWERS,
     "BEWARE, not read: write it into the file with the workers and import again"},
    {"JkWorkerIndicator", NOTE_ANSWERS, "BEWARE, workers that a variable names have no route here"},
    {"JkMountFileReload", NOTE_NEEDLESS, "SIGHUP and ctl reload read the file again"},
    {"JkStripSession", NOTE_NEEDLESS, "it is about files that httpd serves"},
    {"JkOptions", NOTE_NEEDLESS, PATHS},
    {"JkLog", NOTE_NEEDLESS, LOGS},
    {"JkRequestLogFormat", NOTE_NEEDLESS, LOGS},
    {"JkShm", NOTE_NEEDLESS, SHARED},
    {"JkWatchdogInterval", NOTE_NEEDLESS,
     "the prober finds dead and recovered workers within seconds, without users' requests"},
    {"Jk", NOTE_NEEDLESS, FACTS},
};

/* The list with room for one more; NULL: out of memory, which is told at the end. */
static void *grown(struct import_httpd *httpd, void *list, size_t count, size_t size)
{
    void *more = realloc(list, (count + 1) * size);
    httpd->failed |= more == NULL;
    return more;
}

static const char *keep(struct import_httpd *httpd, const char *text)
{
    const char *kept = httpd_conf_keep(&httpd->conf, text);
    httpd->failed |= kept == NULL;
    return kept ? kept : "";
}

static void add_text(struct import_httpd *httpd, const char ***list, size_t *count,
                     const char *text)
{
    const char **more = grown(httpd, *list, *count, sizeof *more);
    if (!more)
        return;
    *list = more;
    more[(*count)++] = keep(httpd, text);
}

static struct import_server *server_of(struct import_httpd *httpd)
{
    return &httpd->servers[httpd->at];
}

static bool is(const struct httpd_directive *directive, const char *name)
{
    return strcasecmp(directive->name, name) == 0;
}

static void note(struct import_httpd *httpd, enum import_note_kind kind,
                 const struct httpd_directive *directive, const char *reason)
{
    char text[200];
    snprintf(text, sizeof text, "%.60s%s%.120s", directive->name, directive->count ? " " : "",
             directive->count ? directive->args[0] : "");
    import_note(httpd->im, kind, directive->file, directive->line, text, "%s", reason);
}

/* --- servers and sections --- */

static bool add_server(struct import_httpd *httpd, const char *file, unsigned line)
{
    struct import_server *more = grown(httpd, httpd->servers, httpd->server_count, sizeof *more);
    if (!more)
        return false;
    httpd->servers = more;
    httpd->at = httpd->server_count++;
    more[httpd->at] = (struct import_server){.file = file, .line = line};
    return true;
}

static void open_server(struct import_httpd *httpd, const struct httpd_directive *directive)
{
    if (!add_server(httpd, directive->file, directive->line))
        return;
    struct import_server *server = server_of(httpd);
    for (size_t i = 0; i < directive->count; i++)
        add_text(httpd, &server->addresses, &server->address_count, directive->args[i]);
}

static bool has_paths(const char *section)
{
    static const char *const names[] = {"<Location",       "<LocationMatch", "<Directory",
                                        "<DirectoryMatch", "<Files",         "<FilesMatch"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(section, names[i]) == 0)
            return true;
    return false;
}

static void open_section(struct import_httpd *httpd, const struct httpd_directive *directive)
{
    size_t depth = httpd->depth++;
    if (is(directive, "<VirtualHost"))
        open_server(httpd, directive);
    if (depth >= sizeof httpd->sections / sizeof *httpd->sections)
        return;
    const char *path = depth > 0 ? httpd->sections[depth - 1].path : NULL;
    size_t at = directive->count > 1 && strcmp(directive->args[0], "~") == 0;
    if (has_paths(directive->name) && directive->count > at)
        path = keep(httpd, directive->args[at]);
    httpd->sections[depth].path = path;
    snprintf(httpd->sections[depth].name, sizeof httpd->sections[depth].name, "%s",
             directive->name);
}

static void close_section(struct import_httpd *httpd, const struct httpd_directive *directive)
{
    if (is(directive, "</VirtualHost"))
        httpd->at = 0;
    httpd->depth -= httpd->depth > 0;
}

static const char *path_here(const struct import_httpd *httpd)
{
    size_t depth = httpd->depth, most = sizeof httpd->sections / sizeof *httpd->sections;
    return depth == 0 ? NULL : httpd->sections[(depth > most ? most : depth) - 1].path;
}

static bool in_location(const struct import_httpd *httpd)
{
    for (size_t i = 0; i < httpd->depth && i < 64; i++)
        if (strncasecmp(httpd->sections[i].name, "<Location", 9) == 0)
            return true;
    return false;
}

/* --- mappings --- */

/* Of one pattern the last counts, at the place of the first. */
static void put_mount(struct import_httpd *httpd, struct import_mount mount)
{
    struct import_server *server = server_of(httpd);
    for (size_t i = 0; i < server->mount_count; i++) {
        struct import_mount *other = &server->mounts[i];
        if (strcmp(other->pattern, mount.pattern) != 0)
            continue;
        import_note(httpd->im, NOTE_IDLE, other->file, other->line, other->pattern,
                    "said again on line %u, which counts", mount.line);
        *other = mount;
        return;
    }
    struct import_mount *more = grown(httpd, server->mounts, server->mount_count, sizeof *more);
    if (!more)
        return;
    server->mounts = more;
    more[server->mount_count++] = mount;
}

static void see_mount(struct import_httpd *httpd, const struct httpd_directive *directive)
{
    const char *path = path_here(httpd);
    char pattern[1024];
    if (directive->count != (path ? 1 : 2)) {
        note(httpd, NOTE_ANSWERS, directive,
             path ? "httpd refuses it: inside of a section it has a worker alone"
                  : "httpd refuses it: outside of sections it has a path and a worker");
        return;
    }
    if (!path)
        path = directive->args[0];
    snprintf(pattern, sizeof pattern, "%s%.1000s", is(directive, "JkUnMount") ? "!" : "", path);
    put_mount(httpd, (struct import_mount){
                         .pattern = keep(httpd, pattern),
                         .worker = keep(httpd, directive->args[directive->count - 1]),
                         .file = directive->file,
                         .line = directive->line,
                     });
}

static void see_copy(struct import_httpd *httpd, const char *value)
{
    if (strcasecmp(value, "all") == 0)
        httpd->copy_all = true;
    else
        server_of(httpd)->copy = strcasecmp(value, "on") == 0 ? MOUNT_COPY_ON : MOUNT_COPY_OFF;
}

static void see_jk(struct import_httpd *httpd, const struct httpd_directive *directive)
{
    const char *first = directive->count > 0 ? directive->args[0] : "";
    if (is(directive, "JkMount") || is(directive, "JkUnMount")) {
        see_mount(httpd, directive);
    } else if (is(directive, "JkMountFile")) {
        server_of(httpd)->map = (struct import_mount){
            .pattern = keep(httpd, first), .file = directive->file, .line = directive->line};
    } else if (is(directive, "JkMountCopy")) {
        see_copy(httpd, first);
    } else if (is(directive, "JkWorkersFile")) {
        httpd->workers_file = keep(httpd, first);
    } else {
        size_t i = 0;
        while (strncasecmp(directive->name, others[i].name, strlen(others[i].name)) != 0)
            i++;
        note(httpd, others[i].kind, directive, others[i].reason);
    }
}

/* --- httpd's own --- */

static const char *host_part(char *out, size_t cap, const char *name)
{
    const char *scheme = strstr(name, "://");
    name = scheme ? scheme + 3 : name;
    const char *colon = *name == '[' ? strchr(name, ']') : strchr(name, ':');
    size_t len = colon ? (size_t)(colon - name) : strlen(name);
    snprintf(out, cap, "%.*s", (int)(*name == '[' && len > 0 ? len - 1 : len),
             name + (*name == '['));
    return out;
}

static void see_names(struct import_httpd *httpd, const struct httpd_directive *directive)
{
    char host[256];
    struct import_server *server = server_of(httpd);
    size_t most = is(directive, "ServerName") && directive->count > 0 ? 1 : directive->count;
    for (size_t i = 0; i < most; i++)
        add_text(httpd, &server->names, &server->name_count,
                 host_part(host, sizeof host, directive->args[i]));
}

static bool has_text(const struct httpd_directive *directive, const char *text)
{
    for (size_t i = 0; i < directive->count; i++)
        if (strstr(directive->args[i], text))
            return true;
    return false;
}

static bool is_access_rule(const struct httpd_directive *directive)
{
    bool rule = is(directive, "Require") || is(directive, "AuthType") || is(directive, "Deny") ||
                is(directive, "Allow") || is(directive, "SSLVerifyClient");
    bool for_all = directive->count >= 2 &&
                   (strcasecmp(directive->args[1], "granted") == 0 ||
                    (is(directive, "Allow") && strcasecmp(directive->args[1], "all") == 0));
    return rule && !for_all;
}

/* Whether it matters shows when it is known what its location is mapped to. */
static void see_rule(struct import_httpd *httpd, const struct httpd_directive *directive)
{
    char text[200];
    const char *path = path_here(httpd);
    struct import_mount *more = grown(httpd, httpd->rules, httpd->rule_count, sizeof *more);
    if (!more)
        return;
    httpd->rules = more;
    snprintf(text, sizeof text, "%.60s %.120s", directive->name,
             directive->count ? directive->args[0] : "");
    more[httpd->rule_count++] = (struct import_mount){.pattern = keep(httpd, path ? path : ""),
                                                      .worker = keep(httpd, text),
                                                      .file = directive->file,
                                                      .line = directive->line};
}

static void see_own(struct import_httpd *httpd, const struct httpd_directive *directive)
{
    const char *first = directive->count > 0 ? directive->args[0] : "";
    const char *colon = strrchr(first, ':');
    if (is(directive, "ServerName") || is(directive, "ServerAlias"))
        see_names(httpd, directive);
    else if (is(directive, "Listen"))
        add_text(httpd, &httpd->ports, &httpd->port_count, colon ? colon + 1 : first);
    else if (has_text(directive, "no-jk"))
        note(httpd, NOTE_ANSWERS, directive,
             "BEWARE, requests that it marks no-jk were not for the app server, and may be here");
    else if (has_text(directive, "jakarta-servlet") || has_text(directive, "JK_WORKER_NAME"))
        note(httpd, NOTE_ANSWERS, directive,
             "BEWARE, what it gives to the app server without a mapping has no route here");
    else if (has_text(directive, "JK_REPLY_TIMEOUT") || has_text(directive, "JK_STICKY_IGNORE"))
        note(httpd, NOTE_ANSWERS, directive,
             "BEWARE, a variable of single requests: reply_timeout and sticky are settings of "
             "routes");
    else if (in_location(httpd) && is_access_rule(directive))
        see_rule(httpd, directive);
    else if (is(directive, "Use"))
        note(httpd, NOTE_ANSWERS, directive, "BEWARE, macros are not read");
}

static void see_skipped(struct import_httpd *httpd, const struct httpd_directive *directive)
{
    char reason[200];
    bool mapping = strncasecmp(directive->name, "JkMount", 7) == 0 || is(directive, "JkUnMount");
    if (!mapping && strncasecmp(directive->name, "Include", 7) != 0)
        return;
    snprintf(reason, sizeof reason, "BEWARE, %s%.160s",
             mapping ? "" : "what may have mappings: ", directive->skipped);
    note(httpd, NOTE_ANSWERS, directive, reason);
}

static void see(void *ctx, const struct httpd_directive *directive)
{
    struct import_httpd *httpd = ctx;
    if (directive->skipped)
        see_skipped(httpd, directive);
    else if (strncmp(directive->name, "</", 2) == 0)
        close_section(httpd, directive);
    else if (directive->name[0] == '<')
        open_section(httpd, directive);
    else if (strncasecmp(directive->name, "Jk", 2) == 0)
        see_jk(httpd, directive);
    else
        see_own(httpd, directive);
}

bool import_httpd_read(struct import *im, struct import_httpd *httpd, const char *path)
{
    httpd->conf.see = see;
    httpd->conf.ctx = httpd;
    httpd->im = im;
    if (!add_server(httpd, path, 1) ||
        !httpd_conf_read(&httpd->conf, path, im->message, sizeof im->message))
        return false;
    if (httpd->failed)
        snprintf(im->message, sizeof im->message, "%s:1: out of memory", path);
    return !httpd->failed;
}

void import_httpd_free(struct import_httpd *httpd)
{
    for (size_t i = 0; i < httpd->server_count; i++) {
        free(httpd->servers[i].addresses);
        free(httpd->servers[i].names);
        free(httpd->servers[i].mounts);
    }
    free(httpd->servers);
    free(httpd->ports);
    free(httpd->rules);
    httpd_conf_free(&httpd->conf);
}
