/* SPDX-License-Identifier: Apache-2.0 */
/* What an httpd configuration says of mod_jk: the mappings of each of its servers. */
#ifndef ENGINE_CONFIG_IMPORT_HTTPD_H
#define ENGINE_CONFIG_IMPORT_HTTPD_H

#include "config/httpd_conf.h"

struct import;

/* Its texts are the configuration's. */
struct import_mount {
    const char *pattern, *worker; /* with '!': a JkUnMount */
    const char *file;
    unsigned line;
};

enum mount_copy { MOUNT_COPY_UNSET, MOUNT_COPY_ON, MOUNT_COPY_OFF };

/* The main server, the first one, or a VirtualHost. */
struct import_server {
    const char *file;
    unsigned line;
    const char **addresses, **names;
    size_t address_count, name_count;
    struct import_mount *mounts;
    size_t mount_count;
    struct import_mount map; /* its JkMountFile: pattern is the file; NULL: none */
    enum mount_copy copy;
};

struct import_httpd {
    struct httpd_conf conf;
    struct import *im;
    struct import_server *servers;
    size_t server_count;
    size_t at; /* the server that directives belong to now */
    bool copy_all;
    const char **ports; /* of Listen */
    size_t port_count;
    struct import_mount
        *rules; /* of access, in locations: pattern is their path, worker the rule */
    size_t rule_count;
    const char *workers_file; /* NULL: it names none */
    struct {
        char name[32];
        const char *path; /* of mappings without one; NULL: none */
    } sections[64];
    size_t depth;
    bool failed; /* out of memory */
};

/* False with the import's message. */
bool import_httpd_read(struct import *im, struct import_httpd *httpd, const char *path);
void import_httpd_free(struct import_httpd *httpd);

/* import_sites.c: which hosts have which server's mappings, and these as paths of the import. False
 * with its message. */
bool import_take_sites(struct import *im, struct import_httpd *httpd);

#endif
