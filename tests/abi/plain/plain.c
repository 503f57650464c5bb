/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the tests that register themselves, and says how many cases they were. */
#include "criterion/criterion.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct plain_test *first;
static const char *running;
static int cases;

void plain_add(struct plain_test *test)
{
    test->next = first;
    first = test;
}

void plain_case(void)
{
    cases++;
}

void plain_fail(const char *file, int line, const char *claim, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("not ok %s, %s:%d: %s:", running, file, line, claim);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    exit(1);
}

int main(void)
{
    for (const struct plain_test *test = first; test != NULL; test = test->next) {
        running = test->name;
        test->run();
    }
    printf("%d cases\n", cases);
    return cases == 0;
}
