/* SPDX-License-Identifier: Apache-2.0 */
/* As much of Criterion as the codec's tests use, for machines that have none: the
 * same tests run in one process there, and the first failure ends it. */
#ifndef PLAIN_CRITERION_H
#define PLAIN_CRITERION_H
#include <stddef.h>

struct plain_test {
    const char *name;
    void (*run)(void);
    struct plain_test *next;
};

void plain_add(struct plain_test *test);
void plain_case(void);
_Noreturn void plain_fail(const char *file, int line, const char *claim, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#define PLAIN_REGISTER(id)                                                                         \
    __attribute__((constructor)) static void id##_add(void)                                        \
    {                                                                                              \
        static struct plain_test test = {#id, id##_run, NULL};                                     \
        plain_add(&test);                                                                          \
    }

#define PLAIN_TEST(id)                                                                             \
    static void id##_body(void);                                                                   \
    static void id##_run(void)                                                                     \
    {                                                                                              \
        id##_body();                                                                               \
        plain_case();                                                                              \
    }                                                                                              \
    PLAIN_REGISTER(id)                                                                             \
    static void id##_body(void)
#define Test(suite, name) PLAIN_TEST(suite##_##name)

#define cr_assert(claim, ...)                                                                      \
    ((claim) ? (void)0 : plain_fail(__FILE__, __LINE__, #claim, " " __VA_ARGS__))
#define cr_assert_not(claim, ...) cr_assert(!(claim), __VA_ARGS__)
#define cr_assert_fail(...)       plain_fail(__FILE__, __LINE__, "", " " __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                                                \
    (strcmp(a, b) == 0 ? (void)0 : plain_fail(__FILE__, __LINE__, #a " is " #b, " " __VA_ARGS__))

#endif
