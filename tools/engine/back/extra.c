/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that the hop to a worker adds to a relayed request. */
#include "back/extra.h"

#include "map/attributes.h"

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
    while (ajp_attr_next(&it, &attr)) {
        bool told = activation && attr.code == AJP_ATTR_NAMED &&
                    attr.name.len == sizeof activation_name_text - 1 &&
                    memcmp(attr.name.ptr, activation_name_text, attr.name.len) == 0;
        if (told || (secret && attr.code == AJP_ATTR_SECRET))
            found |= UINT64_C(1) << attr.index;
    }
    return found;
}

/* What goes on under another name is dropped, and written anew. */
static void edit(const struct attribute_policy *front, const struct attribute_policy *back,
                 const ajp_request *raw, struct extra_attrs *out, ajp_writer *writer)
{
    ajp_attrs it = raw->attrs;
    ajp_attr_view attr;
    while (ajp_attr_next(&it, &attr)) {
        uint64_t bit = UINT64_C(1) << attr.index;
        if (attr.code != AJP_ATTR_NAMED || (out->drop & bit))
            continue;
        ajp_str name = attribute_at_worker(front, back, attr.name);
        if (name.ptr == attr.name.ptr)
            continue;
        out->drop |= bit;
        if (name.ptr)
            ajp_write_named(writer, name, attr.value);
    }
    attributes_add(writer, front, back);
}

ajp_status extra_of(const struct exchange *x, const struct worker *w, struct extra_attrs *out)
{
    const struct attribute_policy *front = x->front_attributes, *back = extra_policy(w);
    ajp_str secret = w->settings->secret, activation = extra_activation(w);
    ajp_str told = AJP_STR("JK_LB_ACTIVATION");
    ajp_writer writer;
    out->len = 0;
    out->drop = x->drop_attrs;
    if (!secret.ptr && !activation.ptr && !front && !back)
        return AJP_OK;
    ajp_writer_init(&writer, out->bytes, out->cap);
    ajp_write_attrs_only(&writer);
    if (secret.ptr)
        ajp_write_attr(&writer, AJP_ATTR_SECRET, secret);
    if (activation.ptr && back)
        told = attribute_at_worker(NULL, back, told);
    if (activation.ptr && told.ptr)
        ajp_write_named(&writer, told, activation);
    out->drop |= said_before(x->head.raw, secret.ptr != NULL, activation.ptr != NULL);
    if (front || back)
        edit(front, back, x->head.raw, out, &writer);
    return ajp_writer_finish(&writer, &out->len);
}
