/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts of `ajpcat serve`: read, or refused with a line that they have and a reason. */
#include "check.h"

#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = {0};
    unsigned line = 0, lines = 1;
    const char *why = NULL;
    char *text = malloc(size + 1);
    CHECK(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    const bool ok = script_parse(&s, text, &line, &why);
    CHECK(line <= lines && (ok || (line > 0 && strncmp(why, "expected", 8) == 0)));
    for (size_t i = 0; ok && i < s.count; i++)
        CHECK(s.steps[i].line > 0 && (s.steps[i].verb == SCRIPT_SEND || s.steps[i].bytes.len == 0));
    script_free(&s);
    free(text);
    return 0;
}
