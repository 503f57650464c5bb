/* SPDX-License-Identifier: Apache-2.0 */
/* Form parts as curl's -F writes them. */
#include "multipart.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void multipart_boundary(char out[MULTIPART_BOUNDARY])
{
    uint64_t number[2];
    if (getrandom(number, sizeof number, 0) != (ssize_t)sizeof number)
        abort();
    snprintf(out, MULTIPART_BOUNDARY, "ajpcat-%016llx%016llx", (unsigned long long)number[0],
             (unsigned long long)number[1]);
}

static bool add_file(struct text *body, const char *path, const char **why)
{
    char buf[8192];
    size_t n;
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!f) {
        *why = strerror(errno);
        return false;
    }
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        text_put(body, buf, n);
    bool ok = !ferror(f);
    if (!ok)
        *why = strerror(errno);
    if (f != stdin)
        fclose(f);
    return ok;
}

/* In a quoted parameter, as browsers write it. */
static void put_quoted(struct text *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '"')
            text_str(out, "%22");
        else if (s[i] == '\n' || s[i] == '\r')
            text_str(out, s[i] == '\n' ? "%0A" : "%0D");
        else
            text_byte(out, s[i]);
    }
}

struct file_part {
    char *path;
    const char *type, *filename;
};

/* Cuts ";type=..." and ";filename=..." off the end. */
static void read_parameters(struct file_part *p)
{
    for (char *semicolon; (semicolon = strrchr(p->path, ';')) != NULL;) {
        if (strncmp(semicolon, ";type=", 6) == 0)
            p->type = semicolon + 6;
        else if (strncmp(semicolon, ";filename=", 10) == 0)
            p->filename = semicolon + 10;
        else
            break;
        *semicolon = '\0';
    }
    const char *slash = strrchr(p->path, '/');
    if (!p->filename)
        p->filename = slash ? slash + 1 : p->path;
}

bool multipart_add(struct text *body, const char *boundary, const char *part, const char **why)
{
    const char *equals = strchr(part, '=');
    bool ok = true;
    if (!equals || equals == part) {
        *why = "expected NAME=TEXT, NAME=@FILE or NAME=<FILE";
        return false;
    }
    text_fmt(body, "--%s\r\nContent-Disposition: form-data; name=\"", boundary);
    put_quoted(body, part, (size_t)(equals - part));
    text_byte(body, '"');
    if (equals[1] == '@') {
        struct file_part p = {.path = xstrdup(equals + 2), .type = "application/octet-stream"};
        read_parameters(&p);
        text_str(body, "; filename=\"");
        put_quoted(body, p.filename, strlen(p.filename));
        text_fmt(body, "\"\r\nContent-Type: %s\r\n\r\n", p.type);
        ok = add_file(body, p.path, why);
        free(p.path);
    } else {
        text_str(body, "\r\n\r\n");
        if (equals[1] == '<')
            ok = add_file(body, equals + 2, why);
        else
            text_str(body, equals + 1);
    }
    text_str(body, "\r\n");
    return ok;
}

void multipart_end(struct text *body, const char *boundary)
{
    text_fmt(body, "--%s--\r\n", boundary);
}
