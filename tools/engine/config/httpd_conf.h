/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration of Apache httpd, directive by directive: files that it includes, its variables
 * and its conditions are seen to here. */
#ifndef ENGINE_CONFIG_HTTPD_CONF_H
#define ENGINE_CONFIG_HTTPD_CONF_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTPD_ARGS_MAX = 64, HTTPD_DEPTH_MAX = 20 };

struct httpd_directive {
    const char *file; /* stays until httpd_conf_free */
    unsigned line;
    const char *name; /* of a section "<Name", at its end "</Name" */
    const char *args[HTTPD_ARGS_MAX];
    size_t count;
    const char *skipped; /* why it has no effect, or may have none; NULL: it has */
};

/* A text that is kept for as long as the configuration. */
struct httpd_text {
    struct httpd_text *next;
    char at[];
};

struct httpd_conf {
    void (*see)(void *ctx, const struct httpd_directive *directive);
    void *ctx;
    char base[512]; /* folder of the first file */
    char root[512]; /* ServerRoot; empty: base */
    struct {
        char name[128], value[384];
    } variables[128];
    size_t variable_count;
    unsigned depth;    /* of files that include others */
    unsigned skipping; /* sections that are open and not read */
    char skipped[160]; /* what the outermost of them is */
    struct httpd_text *texts;
};

/* conf: zero but for see and ctx. False: message says which file could not be read. */
bool httpd_conf_read(struct httpd_conf *conf, const char *path, char *message, size_t cap);
void httpd_conf_free(struct httpd_conf *conf);

/* NULL: out of memory. */
const char *httpd_conf_keep(struct httpd_conf *conf, const char *text);
/* Where a file is that a directive names: below ServerRoot, or where the configuration was copied
 * to, below its own folder. False: in neither; out is the first of them. */
bool httpd_conf_find(const struct httpd_conf *conf, const char *name, char *out, size_t cap);

/* By its beginning: directives and sections, no properties and no mappings. */
bool httpd_conf_is(const char *path);

#endif
