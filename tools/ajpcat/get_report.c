/* SPDX-License-Identifier: Apache-2.0 */
/* --write-out and --timing. */
#include "get_report.h"

#include <inttypes.h>
#include <string.h>

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static double connect_time(const struct get_report *r)
{
    return seconds(r->connect_ns);
}

/* From the beginning, connecting included, as curl counts. */
static double first_time(const struct get_report *r)
{
    const struct fetch *f = r->fetch;
    return f->first_ns ? seconds(r->connect_ns + f->first_ns - f->start_ns) : 0;
}

static double total_time(const struct get_report *r)
{
    return seconds(r->connect_ns + r->fetch->last_ns - r->fetch->start_ns);
}

static uint64_t status(const struct get_report *r)
{
    return r->fetch->status;
}

static uint64_t up(const struct get_report *r)
{
    return r->fetch->up;
}

static uint64_t down(const struct get_report *r)
{
    return r->fetch->down;
}

static uint64_t connects(const struct get_report *r)
{
    return r->connects;
}

static const struct variable {
    const char *name;
    uint64_t (*number)(const struct get_report *r);
    double (*time)(const struct get_report *r);
    int digits;
} variables[] = {
    {"http_code", status, NULL, 3},
    {"num_connects", connects, NULL, 1},
    {"size_download", down, NULL, 1},
    {"size_upload", up, NULL, 1},
    {"status", status, NULL, 3},
    {"time_connect", NULL, connect_time, 0},
    {"time_starttransfer", NULL, first_time, 0},
    {"time_total", NULL, total_time, 0},
    {"url", NULL, NULL, 0},
};

/* The variable at "%{name}", and its length there. */
static const struct variable *find(const char *at, size_t *len)
{
    size_t n = strcspn(at, "}");
    if (at[n] != '}')
        return NULL;
    *len = n + 1;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        if (strlen(variables[i].name) == n - 2 && memcmp(variables[i].name, at + 2, n - 2) == 0)
            return &variables[i];
    }
    return NULL;
}

const char *get_report_check(const char *format)
{
    size_t len;
    for (const char *p = format; (p = strstr(p, "%{")) != NULL; p += len) {
        if (!find(p, &len))
            return p;
    }
    return NULL;
}

static void put_escape(char letter, FILE *to)
{
    if (letter == 'n')
        putc('\n', to);
    else if (letter == 'r')
        putc('\r', to);
    else if (letter == 't')
        putc('\t', to);
    else
        putc(letter, to);
}

void get_report_format(const struct get_report *r, const char *format, FILE *to)
{
    for (const char *p = format; *p;) {
        size_t len = 0;
        const struct variable *v = strncmp(p, "%{", 2) == 0 ? find(p, &len) : NULL;
        if (v && v->time)
            fprintf(to, "%.6f", v->time(r));
        else if (v && v->number)
            fprintf(to, "%0*" PRIu64, v->digits, v->number(r));
        else if (v)
            fputs(r->url, to);
        else if (*p == '\\' && p[1])
            put_escape(p[1], to), len = 2;
        else
            putc(*p, to), len = *p == '%' && p[1] == '%' ? 2 : 1;
        p += len;
    }
    fflush(to);
}

void get_report_timing(const struct get_report *r, FILE *to)
{
    const struct fetch *f = r->fetch;
    fprintf(to,
            "connect %.3f ms%s, first packet %.3f ms, answer %.3f ms, total %.3f ms; %" PRIu64
            " bytes up, %" PRIu64 " down\n",
            1e3 * connect_time(r), r->connects ? "" : " (kept)",
            f->first_ns ? 1e3 * seconds(f->first_ns - f->start_ns) : 0.0,
            f->first_ns ? 1e3 * seconds(f->last_ns - f->first_ns) : 0.0, 1e3 * total_time(r), f->up,
            f->down);
}
