/* SPDX-License-Identifier: Apache-2.0 */
/* Tests over rows, as Criterion spells them. */
#ifndef PLAIN_PARAMETERIZED_H
#define PLAIN_PARAMETERIZED_H
#include "criterion.h"

struct criterion_test_params {
    size_t size;
    void *params;
    size_t length;
};

#define cr_make_param_array(type, array, count)                                                    \
    ((struct criterion_test_params){sizeof(type), array, count})

#define ParameterizedTestParameters(suite, name)                                                   \
    static struct criterion_test_params suite##_##name##_rows(void)

#define PLAIN_ROWS(param, id)                                                                      \
    static void id##_body(param);                                                                  \
    static void id##_run(void)                                                                     \
    {                                                                                              \
        const struct criterion_test_params rows = id##_rows();                                     \
        for (size_t row = 0; row < rows.length; row++) {                                           \
            id##_body((void *)((char *)rows.params + row * rows.size));                            \
            plain_case();                                                                          \
        }                                                                                          \
    }                                                                                              \
    PLAIN_REGISTER(id)                                                                             \
    static void id##_body(param)
#define ParameterizedTest(param, suite, name) PLAIN_ROWS(param, suite##_##name)

#endif
