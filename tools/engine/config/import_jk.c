/* SPDX-License-Identifier: Apache-2.0 */
/* Turns mod_jk's files into ours, and says what it could not carry over and why. */
#include "config/import_jk.h"

#include "config/import_httpd.h"
#include "config/import_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_SIZE = IMPORT_NAME, REFERENCE_DEPTH = 20, EXIT_USAGE = 2 };

bool import_fail(struct import *im, const struct property *at, const char *fmt, ...)
{
    va_list args;
    int n = snprintf(im->message, sizeof im->message, "%.200s:%u: ", im->path, at ? at->line : 1);
    if (n < 0 || (size_t)n >= sizeof im->message)
        return false;
    va_start(args, fmt);
    vsnprintf(im->message + n, sizeof im->message - (size_t)n, fmt, args);
    va_end(args);
    return false;
}

/* worker.NAME.KEY, or what NAME's references have. */
const struct property *import_lookup(const struct import *im, const char *name, const char *key)
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

const char *import_value(const struct import *im, const char *name, const char *key,
                         const char *otherwise)
{
    const struct property *property = import_lookup(im, name, key);
    return property ? property->value : otherwise;
}

int64_t import_int(const struct import *im, const char *name, const char *key, int64_t otherwise)
{
    const struct property *property = import_lookup(im, name, key);
    int64_t number;
    return property && import_number(property->value, &number) ? number : otherwise;
}

const struct property *import_next_line(const struct import *im, const char *key, size_t *at)
{
    while (*at < im->properties.count) {
        const struct property *property = &im->properties.items[(*at)++];
        if (property->value[0] && strcmp(property->key, key) == 0)
            return property;
    }
    return NULL;
}

bool import_bool(const char *text, bool otherwise)
{
    bool one = text[0] != '\0' && text[1] == '\0';
    if (strcasecmp(text, "off") == 0 || strchr("fFnN", *text) || (one && *text == '0'))
        return *text ? false : otherwise;
    if (strcasecmp(text, "on") == 0 || strchr("tTyY", *text) || (one && *text == '1'))
        return true;
    return otherwise;
}

bool import_number(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || errno == ERANGE)
        return false;
    long unit = *end == 'm' || *end == 'M' ? 1024 * 1024 : *end == 'k' || *end == 'K' ? 1024 : 1;
    if (value > INT32_MAX / unit || value < INT32_MIN / unit)
        return false;
    *number = value * unit;
    return true;
}

bool import_is_type(const struct import *im, const char *name, const char *type)
{
    return strcmp(import_value(im, name, "type", "ajp13"), type) == 0;
}

const char *import_next_name(const char **list, char *name)
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

/* worker.NAME.mount: paths, and so a mapping. */
static bool is_mount(const struct property *property, char worker[NAME_SIZE])
{
    size_t len = strlen(property->key);
    if (strncmp(property->key, "worker.", 7) != 0 || len <= 13 || property->value[0] == '\0' ||
        strcmp(property->key + len - 6, ".mount") != 0)
        return false;
    snprintf(worker, NAME_SIZE, "%.*s", (int)(len - 13), property->key + 7);
    return true;
}

/* Members of balancers alone mount nothing in mod_jk. */
static bool is_listed(const struct import *im, const char *worker)
{
    const struct property *line;
    char name[NAME_SIZE];
    for (size_t at = 0; (line = import_next_line(im, "worker.list", &at));)
        for (const char *list = line->value; import_next_name(&list, name);)
            if (strcmp(name, worker) == 0)
                return true;
    return false;
}

void import_take_mounts(struct import *im, size_t site)
{
    for (size_t i = 0; i < im->properties.count; i++) {
        const struct property *property = &im->properties.items[i];
        char target[NAME_SIZE], pattern[NAME_SIZE];
        if (!is_mount(property, target))
            continue;
        if (!is_listed(im, target)) {
            import_note(im, NOTE_IDLE, im->path, property->line, property->key,
                        "of the workers of worker.list alone");
            continue;
        }
        struct import_path path = {.site = site, .file = im->path, .line = property->line};
        for (const char *list = property->value; import_next_name(&list, pattern);)
            import_map_line(im, path, pattern, target);
    }
}

/* Of lines with the same path the last counts. */
void import_take_map(struct import *im, size_t site, const char *path, const struct properties *map)
{
    import_note_strays(im, path, map);
    for (size_t i = 0; i < map->count; i++) {
        const struct property *item = &map->items[i];
        const struct property *last = properties_find(map, item->key);
        struct import_path at = {.site = site, .file = path, .line = item->line};
        if (item->value[0] == '\0')
            import_note(im, NOTE_IDLE, path, item->line, item->key,
                        "no worker, so mod_jk ignores the line");
        else if (last != item)
            import_note(im, NOTE_IDLE, path, item->line, item->key,
                        "said again on line %u, which counts", last->line);
        else
            import_map_line(im, at, item->key, item->value);
    }
}

static bool print_all(struct import *im)
{
    import_print_start(im);
    for (size_t i = 0; i < im->member_count; i++)
        if (!import_print_member(im, i))
            return false;
    import_find_times(im);
    if (!import_routes_print(im))
        return false;
    import_print_session(im);
    if (im->balancer[0])
        import_print_method(im);
    import_print_retries(im);
    import_note_lines(im);
    import_print_times(im);
    return true;
}

/* Does it say which paths go where? A mount of a status worker alone leaves that to JkMount. */
static bool has_mounts(const struct import *im)
{
    char worker[NAME_SIZE];
    for (size_t i = 0; i < im->properties.count; i++)
        if (is_mount(&im->properties.items[i], worker) && is_listed(im, worker) &&
            !import_is_type(im, worker, "status"))
            return true;
    return false;
}

/* With an httpd configuration its servers have the mappings, else the file and the mounts. */
static bool take_mappings(struct import *im, struct import_httpd *httpd)
{
    struct properties map = {0};
    if (im->httpd_path)
        return import_take_sites(im, httpd);
    if (im->map_path && !properties_read(im->map_path, &map, im->message, sizeof im->message))
        return false;
    if (im->map_path)
        import_take_map(im, 0, im->map_path, &map); /* before the mounts, as mod_jk has it */
    import_take_mounts(im, 0);
    properties_free(&map);
    return true;
}

/* An httpd configuration in the place of workers.properties names that. */
static bool find_workers(struct import *im, struct import_httpd *httpd)
{
    char path[1024];
    struct property at = {.line = 1};
    if (im->path != im->httpd_path)
        return true;
    if (!httpd->workers_file)
        return import_fail(im, &at, "expected JkWorkersFile, or workers.properties before it");
    if (!httpd_conf_find(&httpd->conf, httpd->workers_file, path, sizeof path))
        return import_fail(im, &at,
                           "expected the file that JkWorkersFile names, %.200s, or "
                           "workers.properties before it",
                           path);
    im->path = httpd_conf_keep(&httpd->conf, path);
    return im->path || import_fail(im, &at, "out of memory");
}

/* Without a worker.list it is "ajp13" in mod_jk. */
static bool complete_list(struct import *im)
{
    static const char prefix[] = "worker.ajp13.";
    if (properties_find(&im->properties, "worker.list"))
        return true;
    for (size_t i = 0; i < im->properties.count; i++)
        if (strncmp(im->properties.items[i].key, prefix, sizeof prefix - 1) == 0)
            return properties_add(&im->properties, "worker.list", "ajp13",
                                  im->properties.items[i].line);
    return true;
}

static bool convert(struct import *im, struct import_httpd *httpd)
{
    if (im->httpd_path &&
        (!import_httpd_read(im, httpd, im->httpd_path) || !find_workers(im, httpd)))
        return false;
    if (!properties_read(im->path, &im->properties, im->message, sizeof im->message))
        return false;
    if (!complete_list(im))
        return false;
    im->site_count = 1;
    im->mounted = has_mounts(im);
    im->mapped = im->map_path || im->httpd_path || im->mounted;
    return import_find_members(im) && take_mappings(im, httpd) && print_all(im);
}

/* WORKERS.PROPERTIES, then files that show by what is in them what they are. False: too many. */
static bool take_arguments(struct import *im, int argc, char **argv)
{
    im->path = argv[0];
    for (int i = 0; i < argc; i++) {
        bool httpd = httpd_conf_is(argv[i]);
        const char **place = httpd ? &im->httpd_path : &im->map_path;
        if (i == 0 && !httpd)
            continue;
        if (*place)
            return false;
        *place = argv[i];
    }
    return true;
}

static int print_help(const struct program *program, FILE *out)
{
    fprintf(out,
            "Usage: %s import WORKERS.PROPERTIES [URIWORKERMAP.PROPERTIES] [HTTPD.CONF]\n"
            "       %s import HTTPD.CONF\n\n"
            "Prints a file for --config, made from mod_jk's files. HTTPD.CONF is httpd's whole\n"
            "configuration, as in /etc/apache2/apache2.conf: JkMount and its like are read from it "
            "and\n"
            "from the files that it includes, and by itself it names the workers (JkWorkersFile). "
            "What\n"
            "could not be taken over stands at the end, what matters most first.\n",
            program->name, program->name);
    return EXIT_SUCCESS;
}

int import_jk(int argc, char **argv, const struct program *program, FILE *out)
{
    static struct import im;
    struct import_httpd httpd = {.server_count = 0};
    char *body = NULL;
    size_t body_size = 0;
    memset(&im, 0, sizeof im);
    im.program = program;
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0))
        return print_help(program, out);
    if (argc < 1 || argv[0][0] == '-' || !take_arguments(&im, argc, argv)) {
        fprintf(stderr,
                "%s: import: expected WORKERS.PROPERTIES [URIWORKERMAP.PROPERTIES] [HTTPD.CONF]\n",
                program->name);
        return EXIT_USAGE;
    }
    im.out = open_memstream(&body, &body_size);
    bool ok = im.out && convert(&im, &httpd);
    if (im.out)
        fclose(im.out);
    if (ok) {
        fputs(body, out);
        import_report_print(&im, out);
    } else {
        fprintf(stderr, "%s\n", im.message[0] ? im.message : "out of memory");
    }
    properties_free(&im.properties);
    import_map_free(&im);
    import_report_free(&im);
    import_httpd_free(&httpd);
    free(body);
    return ok ? EXIT_SUCCESS : EXIT_USAGE;
}
