/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a settings tree, and the words for its enums. */
#include "config/settings.h"

#include "config/settings_build.h"
#include "net/tls_context.h"

#include <stdlib.h>
#include <string.h>

struct settings_block {
    struct settings_block *next;
    size_t size;
    _Alignas(max_align_t) char bytes[];
};

void *settings_alloc(struct settings *settings, size_t size)
{
    struct settings_block *block = calloc(1, sizeof *block + size);
    if (!block) {
        settings->no_memory = true;
        return NULL;
    }
    block->size = size;
    block->next = settings->blocks;
    settings->blocks = block;
    return block->bytes;
}

ajp_str settings_text(struct settings *settings, ajp_str text)
{
    if (!text.ptr)
        return AJP_NULL;
    char *copy = settings_alloc(settings, text.len + 1);
    if (!copy)
        return AJP_STR("");
    memcpy(copy, text.ptr, text.len);
    return ajp_str_of(copy, text.len);
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    while (settings->tls_contexts) {
        struct tls_context *context = settings->tls_contexts;
        settings->tls_contexts = context->next;
        tls_context_leave(context);
    }
    for (struct settings_block *block = settings->blocks; block;) {
        struct settings_block *next = block->next;
        explicit_bzero(block->bytes, block->size); /* some hold secrets */
        free(block);
        block = next;
    }
    free(settings);
}

const char *activation_name(enum activation activation)
{
    static const char *const names[] = {"active", "drain", "stop", "standby", "spare"};
    return names[activation];
}

const char *scheme_name(enum proto proto, bool secure)
{
    static const char *const names[][2] = {{"http", "https"}, {"ajp", "ajps"}};
    return names[proto][secure];
}
