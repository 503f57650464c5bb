/* SPDX-License-Identifier: Apache-2.0 */
/* Filter expressions: parsed or refused with a place inside them. */
#include "check.h"

#include "filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[512];
    size_t column = SIZE_MAX;
    const char *why = NULL;
    struct exchange e = {.method = text, .status = 200, .announced = -1};
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    struct filter_node *n = filter_parse(text, &column, &why);
    if (n)
        (void)filter_accepts(n, &e);
    else
        CHECK(why && column <= strlen(text));
    filter_free(n);
    return 0;
}
