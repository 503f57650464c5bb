/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing a worker allocates nothing, sticky or not. malloc is ours here and counts. */
#include "balance/routes.h"
#include "balance/sticky.h"

#include "balance_fixture.h"

#if defined(__SANITIZE_ADDRESS__)
#define COUNTED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COUNTED 0
#endif
#endif
#ifndef COUNTED
#define COUNTED 1
#endif

static unsigned long allocations;

#if COUNTED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#endif

/* One request of a session of route, as an exchange lives it. */
static void live(struct balancer *balancer, const char *cookie, uint64_t number)
{
    struct field fields[] = {{str("Host"), str("x")}, {str("Cookie"), str(cookie)}};
    struct head head = {.path = str("/app"), .fields = fields, .field_count = 2};
    struct pick pick = {.key = str("127.0.0.1"), .now_ms = 1000 + number};
    cr_assert_eq(routes_find(balancer->settings, &head, &pick), 0);
    sticky_find(balancer, &head, &pick);
    struct worker *worker = balancer_pick(balancer, &pick);
    cr_assert_not_null(worker);
    worker_begin(worker, pick.weighting);
    worker_measure_latency(worker, 3);
    worker_measure_traffic(worker, pick.weighting, 1000);
    worker_end(worker, pick.weighting);
    worker_report(worker, OUT_OK, number, pick.now_ms);
}

Test(no_alloc, choosing_a_worker)
{
    static const struct route everything = {
        .path = {.before = {"/", 1}, .after = {"", 0}, .star = true}, .weighting = 1};
    static const struct weighting weights = {.at = {3, 1}};
    static const char *const cookies[] = {"x=1", "a=b; JSESSIONID=0123456789ABCDEF.b",
                                          "JSESSIONID=0123456789ABCDEF.gone",
                                          "JSESSIONID=1.gone; JSESSIONID=2.a; JSESSIONID=3.c"};
    for (int method = METHOD_BUSYNESS; method <= METHOD_HASH; method++) {
        fixture_reset(4);
        fixture_settings.balance.method = (enum method)method;
        fixture_workers[3].activation = ACTIVATION_SPARE;
        fixture_settings.routes = &everything;
        fixture_settings.route_count = 1;
        fixture_settings.weightings = &weights;
        fixture_settings.weighting_count = 1;
        struct balancer *balancer = fixture_balancer();
        balancer->workers[2].health = HEALTH_DOWN;
        unsigned long before = allocations;
        for (uint64_t number = 0; number < 4000; number++)
            live(balancer, cookies[number % 4], number);
        cr_expect_eq(allocations, before, "method %d", method);
        balancer_free(balancer);
    }
    cr_expect(!COUNTED || allocations > 0, "the count works");
}
