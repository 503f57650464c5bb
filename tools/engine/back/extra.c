/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that the hop to a worker adds to a relayed request. */
#include "back/extra.h"

#include <string.h>

static const char activation_name_text[] = "JK_LB_ACTIVATION";

ajp_str extra_activation(const struct worker *w)
{
    uint32_t activation = atomic_load_explicit(&w->activation, memory_order_relaxed);
    return activation == ACTIVATION_DRAIN ? AJP_STR("DIS") : AJP_NULL;
}

/* The places of what the hop before said: of its own balancing, and its secret. */
static uint64_t said_before(const ajp_request *raw, bool secret, bool activation)
{
    ajp_attrs it = raw->attrs;
    ajp_attr_view attr;
    uint64_t found = 0;
    while (ajp_attr_next(&it, &attr))
        if (secret && attr.code == AJP_ATTR_SECRET)
            found |= UINT64_C(1) << attr.index;
        else if (activation && attr.code == AJP_ATTR_NAMED &&
                 attr.name.len == sizeof activation_name_text - 1 &&
                 memcmp(attr.name.ptr, activation_name_text, attr.name.len) == 0 && attr.index < 64)
            found |= UINT64_C(1) << attr.index;
    return found;
}

ajp_status extra_of(const struct worker *w, const ajp_request *raw, struct extra_attrs *out)
{
    ajp_str secret = w->settings->secret, activation = extra_activation(w);
    ajp_writer writer;
    out->len = 0;
    out->drop = 0;
    if (!secret.ptr && !activation.ptr)
        return AJP_OK;
    ajp_writer_init(&writer, out->bytes, sizeof out->bytes);
    ajp_write_attrs_only(&writer);
    if (secret.ptr)
        ajp_write_attr(&writer, AJP_ATTR_SECRET, secret);
    if (activation.ptr)
        ajp_write_named(&writer, ajp_str_of(activation_name_text, sizeof activation_name_text - 1),
                        activation);
    out->drop = said_before(raw, secret.ptr != NULL, activation.ptr != NULL);
    return ajp_writer_finish(&writer, &out->len);
}
