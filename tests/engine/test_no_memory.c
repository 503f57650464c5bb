/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th allocation fails, for every n, while the next settings are read and made a generation:
 * that is an error with its message, and nothing of it is used. malloc is ours here, and fails
 * once. */
#include "config/options.h"
#include "core/generation.h"
#include "run/expand.h"
#include "run/thread.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define OURS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OURS 0
#endif
#endif
#ifndef OURS
#define OURS 1
#endif

static _Thread_local unsigned long left; /* allocations until the one that fails; 0: none does */
static bool failed;

#if OURS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool fails(void)
{
    if (left == 0 || --left > 0)
        return false;
    failed = true;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}
#endif

static const char file_text[] =
    "listen:\n"
    "  - url: ajp://127.0.0.1:0\n"
    "    attributes: [one, two*]\n"
    "    rename_attributes: [a=b]\n"
    "    add_attributes: [c=d]\n"
    "    allow_from: [127.0.0.0/8]\n"
    "workers:\n"
    "  - {name: a, url: 'ajp://127.0.0.1:1', aliases: [x, y], min_idle: 1}\n"
    "  - {name: b, url: 'ajp://127.0.0.2:1', each_address: true, redirect: a, domain: d}\n"
    "routes:\n"
    "  - {host: www.example.org, paths: [/app/*, '!/app/x'], workers: [a=2, b=3]}\n"
    "  - {paths: ['/*'], workers: [a]}\n"
    "session: {cookie: SID, stateless: ['*.png']}\n"
    "access_log: {file: '-'}\n";

static const struct program program = {
    .name = "ajpforward", .summary = "", .listen_protos = 1u << PROTO_AJP};

static char path[] = "/tmp/no-memory-XXXXXX";

static void write_file(void)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, file_text, sizeof file_text - 1), (ssize_t)sizeof file_text - 1);
    close(fd);
}

/* As a reload does it, up to what the threads are given. */
static struct order *make(char *error, size_t error_cap)
{
    char *argv[] = {(char *)"ajpforward", (char *)"--config", path, NULL};
    struct settings *set = NULL;
    if (options_parse_again(3, argv, &program, NULL, error, error_cap, &set) >= 0)
        return NULL;
    if (!expand_workers(set, NULL, error, error_cap)) {
        settings_free(set);
        return NULL;
    }
    struct generation *g = generation_new(set, error, error_cap);
    if (!g)
        return NULL;
    struct order *order = order_new(g);
    if (!order)
        snprintf(error, error_cap, "out of memory");
    generation_leave(g);
    return order;
}

/* What was read is what the file says. */
static void check(const struct order *order, unsigned long n)
{
    const struct settings *set = order->generation->settings;
    cr_assert_eq(set->worker_count, 2, "n=%lu", n);
    cr_assert_eq(set->listener_count, 1, "n=%lu", n);
    cr_assert_eq(set->route_count, 2, "n=%lu", n);
    cr_assert_str_eq(set->session.cookie.ptr, "SID", "n=%lu", n);
    cr_assert_eq(set->workers[0].aliases.count, 2, "n=%lu", n);
    cr_assert_str_eq(set->workers[1].redirect.ptr, "a", "n=%lu", n);
    cr_assert_eq(set->listeners[0].attributes.allow.count, 2, "n=%lu", n);
}

Test(no_memory, settings_are_refused_whole)
{
    char error[256];
    unsigned long refused = 0, n = 0;
    log_setup(LEVEL_ERROR, LOG_TEXT);
    cr_assert(freopen("/dev/null", "w", stderr));
    write_file();
    do {
        left = OURS ? ++n : 0;
        failed = false;
        error[0] = '\0';
        struct order *order = make(error, sizeof error);
        left = 0;
        if (order) {
            check(order, n);
            order_free(order);
        } else {
            refused++;
            cr_assert_neq(error[0], '\0', "n=%lu: no message", n);
            cr_assert(strstr(error, "emory") || strstr(error, "readable"), "n=%lu: %s", n, error);
        }
    } while (failed);
    unlink(path);
    cr_expect(!OURS || refused > 50, "%lu of %lu were refused", refused, n);
}
