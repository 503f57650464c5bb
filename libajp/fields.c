/* SPDX-License-Identifier: Apache-2.0 */
/* Steps and look-ups over blocks that a decoder has checked: they cannot fail. */
#include "decode.h"
#include "header_names.h"
#include "mem.h"

/* The string at p, whose null reads as empty; *p moves behind it. */
static ajp_str step_string(const uint8_t **p)
{
    const uint16_t n = get16(*p);
    if (n == 0xffff) {
        *p += 2;
        return AJP_STR("");
    }
    const ajp_str s = ajp_str_of((const char *)*p + 2, n);
    *p += 3 + (size_t)n;
    return s;
}

static ajp_str string_at(const ajp_request *r, uint16_t offset)
{
    const uint8_t *p = r->payload + offset;
    return offset == 0 ? AJP_NULL : step_string(&p);
}

bool ajp_field_next(ajp_fields *it, ajp_field *out)
{
    if (it->count == 0) {
        return false;
    }
    it->count--;
    const uint16_t word = get16(it->at);
    if (word >= HEADER_CODE) {
        out->code = (uint16_t)(word - HEADER_CODE);
        out->name = it->names[out->code];
        it->at += 2;
    } else {
        out->code = 0;
        out->name = step_string(&it->at);
    }
    out->value = step_string(&it->at);
    return true;
}

static const uint8_t *step_key_size(const uint8_t *p, ajp_attr_view *out)
{
    /* the decoder refuses a digit as the code of an attribute, so one here begins
     * the digits of a textual size */
    const uint16_t n = get16(p);
    if (n == 0 || n > 4 || !is_digit(p[2])) {
        out->number = n;
        return p + 2;
    }
    out->value = step_string(&p);
    out->number = (uint16_t)decimal_of(bytes_of(out->value), out->value.len);
    return p;
}

bool ajp_attr_next(ajp_attrs *it, ajp_attr_view *out)
{
    const uint8_t *p = it->at;
    if (*p == AJP_ATTR_END) {
        return false;
    }
    out->code = (ajp_attr)*p++;
    out->name = AJP_NULL;
    out->value = AJP_NULL;
    out->number = 0;
    out->index = it->index++;
    if (out->code == AJP_ATTR_SSL_KEY_SIZE) {
        p = step_key_size(p, out);
    } else {
        if (out->code == AJP_ATTR_NAMED) {
            out->name = step_string(&p);
        }
        out->value = step_string(&p);
    }
    it->at = p;
    return true;
}

ajp_str ajp_request_header(const ajp_request *r, ajp_req_header code)
{
    return (unsigned)code < AJP_REQ_HEADER_COUNT ? string_at(r, r->known_header[code]) : AJP_NULL;
}

ajp_str ajp_request_attr(const ajp_request *r, ajp_attr code)
{
    if ((unsigned)code >= AJP_ATTR_COUNT || code == AJP_ATTR_NAMED ||
        code == AJP_ATTR_SSL_KEY_SIZE) {
        return AJP_NULL;
    }
    return string_at(r, r->known_attr[code]);
}

ajp_str ajp_request_named(const ajp_request *r, ajp_str name)
{
    ajp_attrs it = r->attrs;
    ajp_attr_view a;
    while (ajp_attr_next(&it, &a)) {
        if (a.code == AJP_ATTR_NAMED && a.name.len == name.len &&
            memcmp(a.name.ptr, name.ptr, name.len) == 0) {
            return a.value;
        }
    }
    return AJP_NULL;
}
