/* SPDX-License-Identifier: Apache-2.0 */
/* Parses and prints values by their kind. */
#include "config/value.h"

#include "base/nearest.h"
#include "config/settings_build.h"
#include "config/url.h"
#include "net/local.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAME_MAX_LEN = 64, SECRET_MAX = 1024, PATH_MAX_LEN = 1000 };

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {0}};
static const struct unit sizes[] = {{"", 1},           {"k", 1024},       {"K", 1024},
                                    {"M", 1024 << 10}, {"G", 1024 << 20}, {0}};

static void *place_of(const struct setting_row *row, void *base)
{
    return (char *)base + row->offset;
}

bool value_refuse(const struct value_context *ctx, const char *text, const char *fmt, ...)
{
    char what[256], shown[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    log_str(shown, sizeof shown, ajp_str_of(text, strlen(text)));
    snprintf(ctx->why, ctx->why_cap, "expected %s, got \"%s\"", what, shown);
    return false;
}

/* Decimal digits and, with units, one of their names. */
static bool parse_number(const char *text, const struct unit *units, uint64_t *out)
{
    uint64_t number = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (number > UINT64_MAX / 10 - 1)
            return false;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    if (p == text)
        return false;
    if (!units) {
        *out = number;
        return *p == '\0';
    }
    for (; units->name; units++) {
        if (strcmp(p, units->name) == 0 && number <= UINT64_MAX / units->factor) {
            *out = number * units->factor;
            return true;
        }
    }
    /* Zero is zero in any unit. */
    *out = 0;
    return number == 0 && *p == '\0';
}

static void format_duration(char *out, size_t cap, uint64_t ms)
{
    const struct unit *unit = &durations[0];
    for (const struct unit *u = durations; u->name; u++)
        if (ms != 0 && ms % u->factor == 0)
            unit = u;
    snprintf(out, cap, "%llu%s", (unsigned long long)(ms / unit->factor), ms ? unit->name : "");
}

static void format_size(char *out, size_t cap, uint64_t size)
{
    const struct unit *unit = &sizes[0];
    for (const struct unit *u = sizes; u->name; u++)
        if (size != 0 && size % u->factor == 0)
            unit = u;
    snprintf(out, cap, "%llu%s", (unsigned long long)(size / unit->factor), unit->name);
}

static bool set_number(const struct value_context *ctx, const struct setting_row *row, void *base,
                       const char *text)
{
    uint64_t number = 0;
    if (!parse_number(text, NULL, &number) || number < row->min || number > row->max)
        return value_refuse(ctx, text, "a number from %llu to %llu", (unsigned long long)row->min,
                            (unsigned long long)row->max);
    *(uint32_t *)place_of(row, base) = (uint32_t)number;
    return true;
}

static bool set_scaled(const struct value_context *ctx, const struct setting_row *row, void *base,
                       const char *text)
{
    bool duration = row->kind == KIND_DURATION;
    uint64_t number = 0;
    if (!parse_number(text, duration ? durations : sizes, &number) || number < row->min ||
        number > row->max) {
        char low[32], high[32];
        void (*format)(char *, size_t, uint64_t) = duration ? format_duration : format_size;
        format(low, sizeof low, row->min);
        format(high, sizeof high, row->max);
        return value_refuse(ctx, text, "a %s from %s to %s, as in %s",
                            duration ? "duration" : "size in bytes", low, high,
                            duration ? "500ms, 10s, 5m" : "8192, 64k, 10M, 1G");
    }
    if (duration)
        *(uint32_t *)place_of(row, base) = (uint32_t)number;
    else
        *(uint64_t *)place_of(row, base) = number;
    return true;
}

static bool set_bool(const struct value_context *ctx, const struct setting_row *row, void *base,
                     const char *text)
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *(bool *)place_of(row, base) = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return value_refuse(ctx, text, "true or false");
}

static bool set_choice(const struct value_context *ctx, const struct setting_row *row, void *base,
                       const char *text)
{
    char all[160] = "", hint[64] = "", shown[128];
    struct nearest nearest = nearest_to(text);
    for (unsigned i = 0; row->choices[i]; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            memcpy(place_of(row, base), &i, sizeof i);
            return true;
        }
        nearest_try(&nearest, row->choices[i]);
        size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", row->choices[i]);
    }
    if (nearest.found)
        snprintf(hint, sizeof hint, ", did you mean \"%s\"?", nearest.found);
    log_str(shown, sizeof shown, ajp_str_of(text, strlen(text)));
    snprintf(ctx->why, ctx->why_cap, "expected one of %s, got \"%s\"%s", all, shown, hint);
    return false;
}

static bool set_text(const struct value_context *ctx, const struct setting_row *row, void *base,
                     const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return value_refuse(ctx, text, "a text without control characters");
    if (!*text)
        return value_refuse(ctx, text, "a text that is not empty");
    *(ajp_str *)place_of(row, base) = settings_text(ctx->owner, ajp_str_of(text, strlen(text)));
    return true;
}

bool value_is_name(ajp_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '.' || c == '-'))
            return false;
    }
    return text.len > 0 && text.len <= NAME_MAX_LEN;
}

static bool set_name(const struct value_context *ctx, const struct setting_row *row, void *base,
                     const char *text)
{
    if (!value_is_name(ajp_str_of(text, strlen(text))))
        return value_refuse(ctx, text, "1 to %d letters, digits, '_', '-' or '.'", NAME_MAX_LEN);
    return set_text(ctx, row, base, text);
}

/* In lower case, as it is compared. */
bool value_host(const char *text, char host[VALUE_HOST_MAX])
{
    size_t len = strlen(text);
    const char *name = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
    bool plain = *name && *name != '.' && len < VALUE_HOST_MAX;
    for (size_t i = 0; plain && text[i]; i++) {
        bool upper = text[i] >= 'A' && text[i] <= 'Z';
        host[i] = (char)(upper ? text[i] | 0x20 : text[i]);
        plain = text + i < name || host[i] == '-' || host[i] == '.' || host[i] == '_' ||
                host[i] == ':' || (host[i] >= '0' && host[i] <= '9') ||
                (host[i] >= 'a' && host[i] <= 'z');
    }
    if (plain)
        host[len] = '\0';
    return plain;
}

static bool set_host(const struct value_context *ctx, const struct setting_row *row, void *base,
                     const char *text)
{
    char host[VALUE_HOST_MAX];
    if (!value_host(text, host))
        return value_refuse(ctx, text, "a host name without a port, or *. and one");
    *(ajp_str *)place_of(row, base) = settings_text(ctx->owner, ajp_str_of(host, strlen(host)));
    return true;
}

static bool set_path(const struct value_context *ctx, const struct setting_row *row, void *base,
                     const char *text)
{
    size_t len = strlen(text);
    bool plain = len <= PATH_MAX_LEN && text[0] == '/';
    for (size_t i = 0; i < len; i++)
        plain = plain && text[i] > 0x20 && text[i] < 0x7f && text[i] != '#';
    if (!plain)
        return value_refuse(ctx, text, "a path as in /health, of at most %d bytes", PATH_MAX_LEN);
    return set_text(ctx, row, base, text);
}

static bool set_mark(const struct value_context *ctx, const struct setting_row *row, void *base,
                     const char *text)
{
    if (strlen(text) != 1 || !strchr(".!:~-_", text[0]))
        return value_refuse(ctx, text, "one of . ! : ~ - _");
    *(char *)place_of(row, base) = text[0];
    return true;
}

/* In octal; 0 would be no mode at all. */
static bool set_mode(const struct value_context *ctx, const struct setting_row *row, void *base,
                     const char *text)
{
    size_t len = strlen(text);
    unsigned long mode = strtoul(text, NULL, 8);
    if (len < 3 || len > 4 || strspn(text, "01234567") != len || mode == 0 || mode > row->max)
        return value_refuse(ctx, text, "the mode of a file, as in 0660");
    *(uint32_t *)place_of(row, base) = (uint32_t)mode;
    return true;
}

static bool set_group(const struct value_context *ctx, const struct setting_row *row, void *base,
                      const char *text)
{
    gid_t group;
    if (!local_group(text, &group))
        return value_refuse(ctx, text, "the name or number of a group of users");
    return set_text(ctx, row, base, text);
}

static bool set_url(const struct value_context *ctx, const struct setting_row *row, void *base,
                    const char *text)
{
    struct url url;
    bool listen = row->kind == KIND_LISTEN_URL;
    unsigned allowed = listen ? ctx->listen_protos : 1u << PROTO_AJP; /* HTTP has no back yet */
    if (!url_parse(text, allowed, listen, &url, ctx->why, ctx->why_cap))
        return false;
    url.host = settings_text(ctx->owner, url.host);
    if (listen) {
        struct listener_settings *listener = base;
        listener->proto = url.proto;
        listener->secure = url.secure;
        listener->host = url.host;
        listener->port = url.port;
    } else {
        struct worker_settings *worker = base;
        worker->proto = url.proto;
        worker->secure = url.secure;
        worker->host = url.host;
        worker->port = url.port;
    }
    return true;
}

static bool set_secret(const struct value_context *ctx, const struct setting_row *row, void *base,
                       const char *secret, const char *source)
{
    size_t len = strlen(secret);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)secret[i] < 0x20 || secret[i] == 0x7f) {
            snprintf(ctx->why, ctx->why_cap, "expected one line of text in %s", source);
            return false;
        }
    }
    if (len == 0 || len > SECRET_MAX) {
        snprintf(ctx->why, ctx->why_cap, "expected a secret of 1 to %d bytes in %s, got %zu",
                 SECRET_MAX, source, len);
        return false;
    }
    *(ajp_str *)place_of(row, base) = settings_text(ctx->owner, ajp_str_of(secret, len));
    return true;
}

static void warn_of_mode(FILE *file, const char *shown)
{
    struct stat st;
    if (fstat(fileno(file), &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
        log_event(LEVEL_WARN, "secret_file_mode",
                  "file=%s mode=%04o note=\"everyone on this machine can read or change it\"",
                  shown, (unsigned)st.st_mode & 07777);
}

static bool set_secret_file(const struct value_context *ctx, const struct setting_row *row,
                            void *base, const char *path)
{
    char secret[SECRET_MAX + 3], shown[128];
    log_str(shown, sizeof shown, ajp_str_of(path, strlen(path)));
    FILE *file = fopen(path, "re");
    if (!file) {
        snprintf(ctx->why, ctx->why_cap, "expected a readable file with a secret, got %s: %s",
                 shown, strerror(errno));
        return false;
    }
    warn_of_mode(file, shown);
    setvbuf(file, NULL, _IONBF, 0); /* no copy of the secret stays in freed memory */
    size_t n = fread(secret, 1, sizeof secret - 1, file);
    fclose(file);
    if (n > 0 && secret[n - 1] == '\n')
        n--;
    if (n > 0 && secret[n - 1] == '\r')
        n--;
    secret[n] = '\0';
    bool ok;
    if (memchr(secret, '\0', n)) {
        snprintf(ctx->why, ctx->why_cap, "expected one line of text in %s", shown);
        ok = false;
    } else {
        ok = set_secret(ctx, row, base, secret, shown);
    }
    explicit_bzero(secret, sizeof secret);
    return ok;
}

static bool set_secret_env(const struct value_context *ctx, const struct setting_row *row,
                           void *base, const char *name)
{
    const char *secret = getenv(name);
    if (!secret)
        return value_refuse(ctx, name, "the name of an environment variable that is set");
    char source[160], shown[128];
    snprintf(source, sizeof source, "environment variable %s",
             log_str(shown, sizeof shown, ajp_str_of(name, strlen(name))));
    return set_secret(ctx, row, base, secret, source);
}

bool value_set(const struct value_context *ctx, const struct setting_row *row, void *base,
               const char *text)
{
    switch (row->kind) {
    case KIND_NUMBER:
        return set_number(ctx, row, base, text);
    case KIND_SIZE:
    case KIND_DURATION:
        return set_scaled(ctx, row, base, text);
    case KIND_BOOL:
        return set_bool(ctx, row, base, text);
    case KIND_CHOICE:
        return set_choice(ctx, row, base, text);
    case KIND_TEXT:
        return set_text(ctx, row, base, text);
    case KIND_HOST:
        return set_host(ctx, row, base, text);
    case KIND_NAME:
        return set_name(ctx, row, base, text);
    case KIND_PATH:
        return set_path(ctx, row, base, text);
    case KIND_LISTEN_URL:
    case KIND_WORKER_URL:
        return set_url(ctx, row, base, text);
    case KIND_SECRET_FILE:
        return set_secret_file(ctx, row, base, text);
    case KIND_SECRET_ENV:
        return set_secret_env(ctx, row, base, text);
    case KIND_MARK:
        return set_mark(ctx, row, base, text);
    case KIND_MODE:
        return set_mode(ctx, row, base, text);
    case KIND_GROUP:
        return set_group(ctx, row, base, text);
    case KIND_NAMES:
    case KIND_MEMBERS:
    case KIND_SOURCES:
    case KIND_HOSTS:
    case KIND_PATHS:
    case KIND_NETWORKS:
    case KIND_FILES:
    case KIND_PATTERNS:
    case KIND_RULES:
    case KIND_RENAMES:
    case KIND_ADDS:
        return value_set_list(ctx, row, base, &text, 1);
    }
    return false;
}

void value_print_text(FILE *out, ajp_str text)
{
    if (!text.ptr) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void print_url(FILE *out, const char *scheme, ajp_str host, uint16_t port)
{
    bool brackets = memchr(host.ptr, ':', host.len) != NULL;
    fprintf(out, "%s://%s%s%s:%u", scheme, brackets ? "[" : "", host.ptr, brackets ? "]" : "",
            port);
}

bool value_print(FILE *out, const struct setting_row *row, const void *base)
{
    const void *place = (const char *)base + row->offset;
    char text[32];
    unsigned choice;
    switch (row->kind) {
    case KIND_NUMBER:
        fprintf(out, "%u", *(const uint32_t *)place);
        return true;
    case KIND_SIZE:
        format_size(text, sizeof text, *(const uint64_t *)place);
        fputs(text, out);
        return true;
    case KIND_DURATION:
        format_duration(text, sizeof text, *(const uint32_t *)place);
        fputs(text, out);
        return true;
    case KIND_MODE:
        fprintf(out, "0%o", *(const uint32_t *)place);
        return true;
    case KIND_BOOL:
        fputs(*(const bool *)place ? "true" : "false", out);
        return true;
    case KIND_CHOICE:
        memcpy(&choice, place, sizeof choice);
        fputs(row->choices[choice], out);
        return true;
    case KIND_TEXT:
    case KIND_NAME:
    case KIND_PATH:
    case KIND_HOST:
    case KIND_GROUP:
        value_print_text(out, *(const ajp_str *)place);
        return true;
    case KIND_LISTEN_URL: {
        const struct listener_settings *listener = base;
        print_url(out, scheme_name(listener->proto, listener->secure), listener->host,
                  listener->port);
        return true;
    }
    case KIND_WORKER_URL: {
        const struct worker_settings *worker = base;
        print_url(out, scheme_name(worker->proto, worker->secure), worker->host, worker->port);
        return true;
    }
    case KIND_MARK:
        value_print_text(out, ajp_str_of(place, 1));
        return true;
    case KIND_NAMES:
    case KIND_MEMBERS:
    case KIND_SOURCES:
    case KIND_HOSTS:
    case KIND_PATHS:
    case KIND_NETWORKS:
    case KIND_FILES:
    case KIND_PATTERNS:
    case KIND_RULES:
    case KIND_RENAMES:
    case KIND_ADDS:
        value_print_list(out, row, base);
        return true;
    case KIND_SECRET_FILE:
    case KIND_SECRET_ENV:
        return false;
    }
    return false;
}
