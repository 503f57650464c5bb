/* SPDX-License-Identifier: Apache-2.0 */
/* httpd chooses a server by address and port first, then by host, and that one's mappings alone
 * count. Here the host chooses: each gets the mappings of the server that it leads to. */
#include "config/import_httpd.h"
#include "config/import_state.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CLAIMS_MAX = 1024, ADDRESSES_MAX = 256, NONE = -1 };

/* That a host leads to a server. */
struct claim {
    const char *host; /* NULL: any that has none of its own */
    size_t server;
};

struct sites {
    struct import *im;
    struct import_httpd *httpd;
    char addresses[ADDRESSES_MAX][128]; /* of virtual hosts, each once */
    size_t address_count;
    struct claim claims[CLAIMS_MAX];
    size_t claim_count;
};

static bool has_own(const struct import_server *server)
{
    return server->mount_count > 0 || server->map.pattern != NULL;
}

static bool copies(const struct import_httpd *httpd, size_t server)
{
    enum mount_copy copy = httpd->servers[server].copy;
    return server > 0 && (copy == MOUNT_COPY_ON || (copy == MOUNT_COPY_UNSET && httpd->copy_all));
}

/* Whose mappings a server has, beside those that it copies; NONE: nobody's. */
static int source_of(const struct sites *s, size_t server)
{
    if (server > 0 && has_own(&s->httpd->servers[server]))
        return (int)server;
    bool main = has_own(&s->httpd->servers[0]) || s->im->mounted;
    return main && (server == 0 || copies(s->httpd, server)) ? 0 : NONE;
}

static bool same_mount(const struct import_mount *a, const struct import_mount *b)
{
    return strcmp(a->pattern, b->pattern) == 0 && strcmp(a->worker, b->worker) == 0;
}

static bool same_mappings(const struct sites *s, size_t x, size_t y)
{
    int source_x = source_of(s, x), source_y = source_of(s, y);
    if (source_x == source_y)
        return true;
    if (source_x == NONE || source_y == NONE || copies(s->httpd, x) != copies(s->httpd, y))
        return false;
    const struct import_server *a = &s->httpd->servers[source_x];
    const struct import_server *b = &s->httpd->servers[source_y];
    bool same = a->mount_count == b->mount_count && !a->map.pattern == !b->map.pattern &&
                (!a->map.pattern || strcmp(a->map.pattern, b->map.pattern) == 0);
    for (size_t i = 0; same && i < a->mount_count; i++)
        same = same_mount(&a->mounts[i], &b->mounts[i]);
    return same;
}

static struct claim *claim_of(struct sites *s, const char *host)
{
    for (size_t i = 0; i < s->claim_count; i++) {
        const char *other = s->claims[i].host;
        if (other == host || (other && host && strcasecmp(other, host) == 0))
            return &s->claims[i];
    }
    return NULL;
}

static void note_server(struct sites *s, enum import_note_kind kind, size_t server,
                        const char *host, const char *reason)
{
    const struct import_server *of = &s->httpd->servers[server];
    char text[300];
    snprintf(text, sizeof text, "%s%.100s for %.150s", server ? "<VirtualHost " : "the server",
             server && of->address_count ? of->addresses[0] : "", host ? host : "any host");
    import_note(s->im, kind, of->file, of->line, text, "%s", reason);
}

/* By another address or port before. One of the two may have nothing for app servers. */
static void claim_again(struct sites *s, struct claim *claim, size_t server)
{
    if (same_mappings(s, claim->server, server))
        return;
    if (source_of(s, claim->server) != NONE && source_of(s, server) != NONE) {
        note_server(s, NOTE_ANSWERS, server, claim->host,
                    "BEWARE, another address or port has other mappings for it, which count here: "
                    "run an instance of its own for this one");
        return;
    }
    if (source_of(s, server) != NONE)
        claim->server = server;
    note_server(s, NOTE_SHARED, claim->server, claim->host,
                "its mappings are of one address or port there, and of every listener here");
}

/* taken: the claims of this address, by index; of two servers with one name the first has it. */
static void add_claim(struct sites *s, const char *host, size_t server, bool taken[CLAIMS_MAX])
{
    char lower[VALUE_HOST_MAX];
    struct claim *claim = claim_of(s, host);
    if (host && !value_host(host, lower)) {
        if (source_of(s, server) != NONE)
            note_server(s, NOTE_ANSWERS, server, host,
                        "BEWARE, routes have hosts as in name.example and *.name.example alone");
        return;
    }
    if (claim && !taken[claim - s->claims])
        claim_again(s, claim, server);
    if (!claim && s->claim_count < CLAIMS_MAX) {
        claim = &s->claims[s->claim_count++];
        *claim = (struct claim){host, server};
    }
    if (claim)
        taken[claim - s->claims] = true;
}

static void bare_address(const char *address, char *out, size_t cap)
{
    bool any = strncasecmp(address, "_default_", 9) == 0;
    snprintf(out, cap, "%s%s", any ? "*" : "", address + (any ? 9 : 0));
}

static bool has_address(const struct import_server *server, const char *wanted)
{
    char address[128];
    for (size_t i = 0; i < server->address_count; i++) {
        bare_address(server->addresses[i], address, sizeof address);
        if (strcasecmp(address, wanted) == 0)
            return true;
    }
    return false;
}

/* Its own, or else the main server's. */
static const struct import_server *named_as(const struct sites *s, size_t server)
{
    const struct import_server *own = &s->httpd->servers[server];
    return own->name_count ? own : &s->httpd->servers[0];
}

/* The first server of an address has every host that none of them names. */
static size_t first_of(const struct sites *s, const char *address)
{
    size_t i = 1;
    while (!has_address(&s->httpd->servers[i], address))
        i++;
    return i;
}

static void claim_address(struct sites *s, const char *address)
{
    bool taken[CLAIMS_MAX] = {false};
    size_t first = first_of(s, address);
    add_claim(s, NULL, first, taken);
    for (size_t i = first; i < s->httpd->server_count; i++) {
        const struct import_server *named = named_as(s, i);
        for (size_t k = 0; has_address(&s->httpd->servers[i], address) && k < named->name_count;
             k++)
            add_claim(s, named->names[k], i, taken);
    }
}

static bool is_named(const struct sites *s, const char *address, const char *host)
{
    for (size_t i = 1; i < s->httpd->server_count; i++) {
        const struct import_server *named = named_as(s, i);
        for (size_t k = 0; has_address(&s->httpd->servers[i], address) && k < named->name_count;
             k++)
            if (strcasecmp(named->names[k], host) == 0)
                return true;
    }
    return false;
}

/* Hosts that have no mappings where they are named, and have some at another address where they are
 * not: those of its first server, or of the main server. */
static void claim_rest(struct sites *s, bool main)
{
    for (size_t i = 0; i < s->claim_count; i++) {
        struct claim *claim = &s->claims[i];
        for (size_t k = 0; claim->host && k < s->address_count + main; k++) {
            bool of_main = k == s->address_count;
            if (source_of(s, claim->server) != NONE ||
                (!of_main && is_named(s, s->addresses[k], claim->host)))
                continue;
            claim_again(s, claim, of_main ? 0 : first_of(s, s->addresses[k]));
        }
    }
}

static bool is_covered(const struct import_httpd *httpd, const char *port)
{
    for (size_t i = 1; i < httpd->server_count; i++)
        for (size_t k = 0; k < httpd->servers[i].address_count; k++) {
            const char *address = httpd->servers[i].addresses[k];
            const char *colon = strrchr(address, ':');
            if (!colon || strchr(colon, ']') || strcmp(colon + 1, port) == 0 ||
                strcmp(colon + 1, "*") == 0)
                return true;
        }
    return false;
}

/* Does any request come to the main server? Not where each port has virtual hosts. */
static bool main_is_reached(const struct import_httpd *httpd)
{
    static const char *const usual[] = {"80"};
    const char *const *ports = httpd->port_count ? httpd->ports : usual;
    size_t count = httpd->port_count ? httpd->port_count : 1;
    for (size_t i = 0; i < count; i++)
        if (!is_covered(httpd, ports[i]))
            return true;
    return httpd->server_count == 1;
}

static void add_address(struct sites *s, const char *text)
{
    char address[128];
    bare_address(text, address, sizeof address);
    for (size_t i = 0; i < s->address_count; i++)
        if (strcasecmp(s->addresses[i], address) == 0)
            return;
    if (s->address_count < ADDRESSES_MAX)
        snprintf(s->addresses[s->address_count++], sizeof address, "%s", address);
}

/* Its mappings count where virtual hosts copy them; where none does, that is the message. */
static void pass_main_over(struct sites *s)
{
    const struct import_server *main = &s->httpd->servers[0];
    const struct import_mount *first = main->mount_count ? &main->mounts[0] : &main->map;
    import_note(s->im, NOTE_IDLE, main->file, 1, "the server itself",
                "every port has virtual hosts, so its mappings are of those that copy them");
    s->im->lost = (struct import_path){.file = first->file, .line = first->line};
    snprintf(
        s->im->lost_text, sizeof s->im->lost_text,
        "got \"%.150s\" outside of virtual hosts alone: every port has some, and none copies it "
        "(JkMountCopy On)",
        first->pattern);
}

static void claim_all(struct sites *s)
{
    const struct import_httpd *httpd = s->httpd;
    bool taken[CLAIMS_MAX] = {false}, main = main_is_reached(httpd);
    for (size_t i = 1; i < httpd->server_count; i++)
        for (size_t k = 0; k < httpd->servers[i].address_count; k++)
            add_address(s, httpd->servers[i].addresses[k]);
    for (size_t i = 0; i < s->address_count; i++)
        claim_address(s, s->addresses[i]);
    if (main)
        add_claim(s, NULL, 0, taken);
    else if (has_own(&httpd->servers[0]))
        pass_main_over(s);
    claim_rest(s, main);
}

/* --- mappings --- */

static bool take_file(struct sites *s, size_t site, const struct import_mount *map)
{
    struct import *im = s->im;
    struct properties read = {0};
    char path[1024], why[512];
    bool found = httpd_conf_find(&s->httpd->conf, map->pattern, path, sizeof path);
    const char *kept = httpd_conf_keep(&s->httpd->conf, found          ? path
                                                        : im->map_path ? im->map_path
                                                                       : path);
    im->map_taken |= !found;
    if (!kept || !properties_read(kept, &read, why, sizeof why)) {
        snprintf(im->message, sizeof im->message,
                 "%.200s:%u: expected the file that JkMountFile names, or that file as a further "
                 "argument: %.200s",
                 map->file, map->line, kept ? why : "out of memory");
        return false;
    }
    import_take_map(im, site, kept, &read);
    properties_free(&read);
    return true;
}

static void take_mounts(struct sites *s, size_t site, const struct import_server *from,
                        const struct import_server *unless)
{
    for (size_t i = 0; i < from->mount_count; i++) {
        const struct import_mount *mount = &from->mounts[i];
        bool own = false;
        for (size_t k = 0; unless && k < unless->mount_count; k++)
            own |= strcmp(unless->mounts[k].pattern, mount->pattern) == 0;
        struct import_path path = {.site = site, .file = mount->file, .line = mount->line};
        if (!own)
            import_map_line(s->im, path, mount->pattern, mount->worker);
    }
}

/* What its JkMountFile says goes before its JkMounts, and those before a worker's mount. */
static bool take_server(struct sites *s, size_t site, size_t server)
{
    int source = source_of(s, server);
    if (source == NONE)
        return true;
    const struct import_server *main = &s->httpd->servers[0];
    const struct import_server *own = &s->httpd->servers[source];
    bool copied = source > 0 && copies(s->httpd, server);
    const struct import_mount *map = own->map.pattern || !copied ? &own->map : &main->map;
    if (map->pattern && !take_file(s, site, map))
        return false;
    take_mounts(s, site, own, NULL);
    if (copied)
        take_mounts(s, site, main, own);
    if (source == 0)
        import_take_mounts(s->im, site);
    return true;
}

static bool maps_everything(const struct import *im, size_t site)
{
    for (size_t i = 0; i < im->path_count; i++)
        if (im->paths[i].site == site && !im->paths[i].exception &&
            (strcmp(im->paths[i].pattern, "/*") == 0))
            return true;
    return false;
}

/* Are there mappings that a host with its own, or with none, must not have? */
static bool has_wider(const struct sites *s, size_t server)
{
    for (size_t i = 0; i < s->claim_count; i++) {
        const struct claim *claim = &s->claims[i];
        if ((!claim->host || claim->host[0] == '*') && source_of(s, claim->server) != NONE &&
            !same_mappings(s, claim->server, server))
            return true;
    }
    return false;
}

/* All hosts that have the mappings of that claim. */
static bool add_site(struct sites *s, size_t first)
{
    struct import *im = s->im;
    size_t server = s->claims[first].server;
    for (size_t i = 0; i < first; i++)
        if (s->claims[i].host && same_mappings(s, s->claims[i].server, server))
            return true;
    if (source_of(s, server) == NONE && !has_wider(s, server))
        return true;
    if (im->site_count == IMPORT_SITES_MAX)
        return import_fail(im, NULL, "expected at most %d virtual hosts", IMPORT_SITES_MAX);
    struct import_site *site = &im->sites[im->site_count];
    site->hosts = calloc(s->claim_count, sizeof *site->hosts);
    for (size_t i = first; site->hosts && i < s->claim_count; i++)
        if (s->claims[i].host && same_mappings(s, s->claims[i].server, server))
            site->hosts[site->host_count++] = s->claims[i].host;
    size_t at = im->site_count++;
    if (!take_server(s, at, server))
        return false;
    site->closed = has_wider(s, server) && !maps_everything(im, at);
    return true;
}

/* Is the location one of a status worker, which is not here? */
static bool is_of_status(const struct sites *s, const char *path)
{
    bool status = false;
    for (size_t i = 0; i < s->httpd->server_count; i++)
        for (size_t k = 0; k < s->httpd->servers[i].mount_count; k++) {
            const struct import_mount *mount = &s->httpd->servers[i].mounts[k];
            if (strcmp(mount->pattern, path) == 0)
                status = import_is_type(s->im, mount->worker, "status");
        }
    return status;
}

static void note_rules(struct sites *s)
{
    for (size_t i = 0; i < s->httpd->rule_count; i++) {
        const struct import_mount *rule = &s->httpd->rules[i];
        if (!is_of_status(s, rule->pattern))
            import_note(s->im, NOTE_ANSWERS, rule->file, rule->line, rule->worker,
                        "BEWARE, who may ask for these paths is not looked at here");
    }
}

bool import_take_sites(struct import *im, struct import_httpd *httpd)
{
    static struct sites s;
    s = (struct sites){.im = im, .httpd = httpd};
    claim_all(&s);
    note_rules(&s);
    const struct claim *any = claim_of(&s, NULL);
    if (any && !take_server(&s, 0, any->server))
        return false;
    for (size_t i = 0; i < s.claim_count; i++) {
        bool as_any = any && same_mappings(&s, any->server, s.claims[i].server);
        if (s.claims[i].host && (!as_any || has_wider(&s, any->server)) && !add_site(&s, i))
            return false;
    }
    if (im->map_path && !im->map_taken) {
        struct property at = {.line = 1};
        im->path = im->map_path;
        return import_fail(im, &at, "expected a file that JkMountFile names, and httpd has it not");
    }
    return true;
}
