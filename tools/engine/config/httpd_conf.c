/* SPDX-License-Identifier: Apache-2.0 */
/* Reads configurations of Apache httpd. */
#include "config/httpd_conf.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { LINE_MAX_LEN = 8192, PATH_LEN = 1024 };

static const char blanks[] = " \t\r\n";

const char *httpd_conf_keep(struct httpd_conf *conf, const char *text)
{
    size_t size = strlen(text) + 1;
    struct httpd_text *kept = malloc(sizeof *kept + size);
    if (!kept)
        return NULL;
    memcpy(kept->at, text, size);
    kept->next = conf->texts;
    conf->texts = kept;
    return kept->at;
}

void httpd_conf_free(struct httpd_conf *conf)
{
    while (conf->texts) {
        struct httpd_text *next = conf->texts->next;
        free(conf->texts);
        conf->texts = next;
    }
}

/* --- variables --- */

static size_t variable_named(const struct httpd_conf *conf, const char *name)
{
    size_t i = 0;
    while (i < conf->variable_count && strcmp(conf->variables[i].name, name) != 0)
        i++;
    return i;
}

static void define(struct httpd_conf *conf, const char *name, const char *value)
{
    size_t i = variable_named(conf, name);
    if (i == sizeof conf->variables / sizeof *conf->variables)
        return;
    snprintf(conf->variables[i].name, sizeof conf->variables[i].name, "%s", name);
    snprintf(conf->variables[i].value, sizeof conf->variables[i].value, "%s", value);
    conf->variable_count += i == conf->variable_count;
}

static void undefine(struct httpd_conf *conf, const char *name)
{
    size_t i = variable_named(conf, name);
    if (i < conf->variable_count)
        conf->variables[i] = conf->variables[--conf->variable_count];
}

/* ${NAME} of a Define or of the environment; others stay as they are. */
static void expand(const struct httpd_conf *conf, const char *text, char *out, size_t cap)
{
    size_t len = 0;
    while (*text && len < cap - 1) {
        char name[128];
        int used = 0;
        if (sscanf(text, "${%127[^}]}%n", name, &used) == 1 && used > 0) {
            size_t i = variable_named(conf, name);
            const char *value = i < conf->variable_count ? conf->variables[i].value : getenv(name);
            if (value) {
                size_t n = strnlen(value, cap - 1 - len);
                memcpy(out + len, value, n);
                len += n;
                text += used;
                continue;
            }
        }
        out[len++] = *text++;
    }
    out[len] = '\0';
}

/* --- words --- */

/* The next word, quoted or not, ended in place; NULL: none. */
static char *next_word(char **at)
{
    char *p = *at + strspn(*at, blanks);
    if (*p == '\0')
        return NULL;
    char quote = *p == '"' || *p == '\'' ? *p++ : '\0';
    char *word = p, *to = p;
    while (*p && (quote ? *p != quote : !strchr(blanks, *p))) {
        if (quote && p[0] == '\\' && (p[1] == quote || p[1] == '\\'))
            p++;
        *to++ = *p++;
    }
    *at = *p ? p + 1 : p;
    *to = '\0';
    return word;
}

static void split(char *text, struct httpd_directive *directive)
{
    size_t len = strlen(text);
    char *at = text, *word;
    if (text[0] == '<' && len > 1 && text[len - 1] == '>')
        text[len - 1] = '\0';
    directive->name = next_word(&at);
    while (directive->count < HTTPD_ARGS_MAX && (word = next_word(&at)))
        directive->args[directive->count++] = word;
}

static bool is(const struct httpd_directive *directive, const char *name)
{
    return strcasecmp(directive->name, name) == 0;
}

/* --- files --- */

static bool read_file(struct httpd_conf *conf, const char *path);

static const char *root_of(const struct httpd_conf *conf)
{
    return conf->root[0] ? conf->root : conf->base;
}

static bool matches(const char *pattern)
{
    glob_t found;
    bool any = glob(pattern, GLOB_BRACE, NULL, &found) == 0 && found.gl_pathc > 0;
    globfree(&found);
    return any;
}

bool httpd_conf_find(const struct httpd_conf *conf, const char *name, char *out, size_t cap)
{
    size_t root = strlen(root_of(conf));
    char copied[PATH_LEN];
    bool below = strncmp(name, root_of(conf), root) == 0 && name[root] == '/';
    if (name[0] == '/')
        snprintf(out, cap, "%s", name);
    else
        snprintf(out, cap, "%s/%s", root_of(conf), name);
    if (matches(out) || (name[0] == '/' && !below))
        return matches(out);
    bool here = strcmp(conf->base, ".") == 0;
    snprintf(copied, sizeof copied, "%.500s%s%.500s", here ? "" : conf->base, here ? "" : "/",
             below ? name + root + 1 : name);
    if (!matches(copied))
        return false;
    snprintf(out, cap, "%s", copied);
    return true;
}

/* Of a folder all that is in it. */
static void include_path(struct httpd_conf *conf, const char *path)
{
    struct stat st;
    char below[PATH_LEN + 8];
    glob_t found;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        snprintf(below, sizeof below, "%.1000s/*", path);
        if (conf->depth < HTTPD_DEPTH_MAX && glob(below, 0, NULL, &found) == 0) {
            conf->depth++;
            for (size_t i = 0; i < found.gl_pathc; i++)
                include_path(conf, found.gl_pathv[i]);
            conf->depth--;
            globfree(&found);
        }
        return;
    }
    read_file(conf, path);
}

static void tell(struct httpd_conf *conf, struct httpd_directive *directive, const char *skipped)
{
    directive->skipped = skipped;
    conf->see(conf->ctx, directive);
}

static void include(struct httpd_conf *conf, struct httpd_directive *directive)
{
    char path[PATH_LEN];
    glob_t found;
    if (directive->count == 0)
        return;
    if (conf->depth >= HTTPD_DEPTH_MAX) {
        tell(conf, directive, "files that include others too deeply");
    } else if (!httpd_conf_find(conf, directive->args[0], path, sizeof path)) {
        char *wild = strpbrk(path, "*?[");
        char *slash = wild ? (*wild = '\0', strrchr(path, '/')) : NULL;
        if (slash)
            *slash = '\0';
        if (!wild || !matches(path)) /* nothing in a folder that is there is no loss */
            tell(conf, directive, "no such file here");
    } else if (glob(path, GLOB_BRACE, NULL, &found) == 0) {
        conf->depth++;
        for (size_t i = 0; i < found.gl_pathc; i++)
            include_path(conf, found.gl_pathv[i]);
        conf->depth--;
        globfree(&found);
    }
}

/* --- directives --- */

/* Is what a section holds read? Modules are taken to be there. */
static bool holds(const struct httpd_conf *conf, const struct httpd_directive *directive)
{
    const char *what = directive->count > 0 ? directive->args[0] : "";
    bool negated = *what == '!';
    if (is(directive, "<IfModule"))
        return !negated;
    if (is(directive, "<IfDefine"))
        return (variable_named(conf, what + negated) < conf->variable_count) != negated;
    return !is(directive, "<Macro");
}

static void see(struct httpd_conf *conf, struct httpd_directive *directive)
{
    bool opens = directive->name[0] == '<' && directive->name[1] != '/';
    bool closes = directive->name[0] == '<' && directive->name[1] == '/';
    const char *first = directive->count > 0 ? directive->args[0] : NULL;
    if (conf->skipping > 0) {
        conf->skipping += opens;
        conf->skipping -= closes;
        if (!opens && !closes)
            tell(conf, directive, conf->skipped);
    } else if (opens && !holds(conf, directive)) {
        conf->skipping = 1;
        snprintf(conf->skipped, sizeof conf->skipped, "in %.40s %.80s>, which was not read",
                 directive->name, first ? first : "");
    } else if (is(directive, "Define") && first) {
        define(conf, first, directive->count > 1 ? directive->args[1] : "");
    } else if (is(directive, "UnDefine") && first) {
        undefine(conf, first);
    } else if (is(directive, "ServerRoot") && first) {
        snprintf(conf->root, sizeof conf->root, "%s", first);
        for (size_t len = strlen(conf->root); len > 1 && conf->root[len - 1] == '/'; len--)
            conf->root[len - 1] = '\0';
    } else if (is(directive, "Include") || is(directive, "IncludeOptional")) {
        include(conf, directive);
    } else {
        tell(conf, directive, NULL);
    }
}

/* One directive, whose line may go on after a backslash. False: the end. */
static bool read_text(FILE *file, char *text, size_t cap, unsigned *line)
{
    size_t len = 0;
    text[0] = '\0';
    while (fgets(text + len, (int)(cap - len), file)) {
        ++*line;
        len = strlen(text);
        while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
            text[--len] = '\0';
        if (len == 0 || text[len - 1] != '\\' || len + 2 >= cap)
            return true;
        text[--len] = '\0';
    }
    return len > 0;
}

static bool read_file(struct httpd_conf *conf, const char *path)
{
    char text[LINE_MAX_LEN], expanded[LINE_MAX_LEN];
    const char *kept = httpd_conf_keep(conf, path);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    unsigned first = 1, line = 0;
    for (; kept && read_text(file, text, sizeof text, &line); first = line + 1) {
        struct httpd_directive directive = {.file = kept, .line = first};
        char *start = text + strspn(text, blanks);
        if (strncmp(start, "\xef\xbb\xbf", 3) == 0)
            start += 3;
        size_t len = strlen(start);
        while (len > 0 && strchr(blanks, start[len - 1]))
            start[--len] = '\0';
        if (len == 0 || *start == '#')
            continue;
        expand(conf, start, expanded, sizeof expanded);
        split(expanded, &directive);
        if (directive.name)
            see(conf, &directive);
    }
    fclose(file);
    return true;
}

bool httpd_conf_read(struct httpd_conf *conf, const char *path, char *message, size_t cap)
{
    const char *slash = strrchr(path, '/');
    snprintf(conf->base, sizeof conf->base, "%.*s", slash ? (int)(slash - path) : 1,
             slash ? path : ".");
    if (read_file(conf, path))
        return true;
    snprintf(message, cap, "%s:1: expected a readable file: %s", path, strerror(errno));
    return false;
}

bool httpd_conf_is(const char *path)
{
    static const char *const marks[] = {
        "<",        "Jk",    "LoadModule", "Include",  "Server",     "Listen", "Define",
        "Document", "Mutex", "PidFile",    "ErrorLog", "DefaultRun", "Timeout"};
    char text[LINE_MAX_LEN];
    FILE *file = fopen(path, "re");
    bool found = false;
    unsigned line = 0;
    while (file && !found && read_text(file, text, sizeof text, &line)) {
        const char *start = text + strspn(text, blanks);
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            found |= strncasecmp(start, marks[i], strlen(marks[i])) == 0;
    }
    if (file)
        fclose(file);
    return found;
}
