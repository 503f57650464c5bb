/* SPDX-License-Identifier: Apache-2.0 */
/* Canned answers of `ajpcat serve --dir`: for /a/b the file a/b.http, an answer as HTTP text, or
 * the file a/b, or index.html in the folder of that name. */
#include "serve.h"

#include "args.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME = 1024, FILE_MAX = 64 << 20 };

/* The path without %-escapes and parameters. False: it is none for a file. */
static bool decode_path(ajp_str uri, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < uri.len && uri.ptr[i] != ';' && uri.ptr[i] != '?'; i++) {
        char c = uri.ptr[i];
        unsigned byte;
        char digits[3] = "";
        if (c == '%' && i + 2 < uri.len) {
            memcpy(digits, uri.ptr + i + 1, 2);
            if (strspn(digits, "0123456789abcdefABCDEF") != 2 || sscanf(digits, "%x", &byte) != 1)
                return false;
            c = (char)byte;
            i += 2;
        }
        if (c == '\0' || n == cap - 1)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    for (const char *p = out; (p = strstr(p, "/.")) != NULL; p++) {
        if (p[2] == '.' && (p[3] == '/' || p[3] == '\0'))
            return false;
    }
    return out[0] == '/';
}

static bool read_file(const char *dir, const char *path, const char *suffix, struct text *out)
{
    char name[2 * NAME];
    struct stat s;
    if (snprintf(name, sizeof name, "%s%s%s", dir, path, suffix) >= (int)sizeof name)
        return false;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool ok = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size <= FILE_MAX;
    ssize_t n = 1;
    text_clear(out);
    while (ok && n > 0) {
        text_reserve(out, 65536);
        n = read(fd, out->at + out->len, 65535);
        if (n > 0)
            out->len += (size_t)n;
    }
    close(fd);
    text_put(out, "", 0); /* ends it with a NUL */
    return ok && n == 0;
}

static const char *type_of(const char *path)
{
    static const struct {
        const char *end, *type;
    } types[] = {{".html", "text/html"},        {".css", "text/css"},  {".js", "text/javascript"},
                 {".json", "application/json"}, {".png", "image/png"}, {".jpg", "image/jpeg"},
                 {".svg", "image/svg+xml"},     {".xml", "text/xml"},  {".txt", "text/plain"}};
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t n = strlen(types[i].end);
        if (len > n && strcmp(path + len - n, types[i].end) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* "HTTP/1.1 302 Found", headers, an empty line, the body. */
static bool take_answer(struct page *p)
{
    unsigned status;
    size_t at = 0;
    p->canned.len = 0;
    if (sscanf(p->text.at, "HTTP/%*c.%*c %3u", &status) != 1)
        return false;
    p->status = (uint16_t)status;
    p->type = NULL;
    for (unsigned line = 0;; line++) {
        char *end = memchr(p->text.at + at, '\n', p->text.len - at);
        if (!end)
            return false;
        size_t n = (size_t)(end - p->text.at) - at;
        size_t kept = n > 0 && end[-1] == '\r' ? n - 1 : n;
        if (line > 0 && kept > 0) {
            text_put(&p->canned, p->text.at + at, kept);
            text_byte(&p->canned, '\n');
        }
        at += n + 1;
        if (kept == 0)
            break;
    }
    text_cut(&p->text, at);
    return true;
}

bool page_from_dir(struct page *p, ajp_str uri, const char *dir)
{
    char path[NAME];
    if (!uri.ptr || !decode_path(uri, path, sizeof path))
        return false;
    size_t len = strlen(path);
    if (path[len - 1] != '/' && read_file(dir, path, ".http", &p->text)) {
        if (take_answer(p))
            return true;
        p->status = 500;
        p->type = "text/plain";
        text_clear(&p->text);
        text_fmt(&p->text, "%s.http is no HTTP answer\n", path);
        return true;
    }
    if (path[len - 1] == '/')
        snprintf(path + len, sizeof path - len, "index.html");
    p->type = type_of(path);
    return read_file(dir, path, "", &p->text);
}
