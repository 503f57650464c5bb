/* SPDX-License-Identifier: Apache-2.0 */
/* Status texts and the two ready-made sets of limits. */
#include <ajp/base.h>

const ajp_limits ajp_limits_default = {AJP_PACKET_DEFAULT, 100, AJP_ATTRS_MAX, 0};

const ajp_limits ajp_limits_relay = {
    AJP_PACKET_DEFAULT, 100, AJP_ATTRS_MAX,
    AJP_ALLOW_TRAILING | AJP_ALLOW_ANY_BOOL | AJP_ALLOW_NULL_VALUE | AJP_ALLOW_NO_PAD |
        AJP_ALLOW_TEXT_KEY_SIZE | AJP_ALLOW_REASON | AJP_ALLOW_STRAY_END};

const char *ajp_strerror(ajp_status st)
{
    switch (st) {
#define TEXT(name, value, text)                                                                    \
    case AJP_##name:                                                                               \
        return text;
        AJP_STATUS_MAP(TEXT)
#undef TEXT
    }
    return "unknown status";
}

const char *ajp_status_name(ajp_status st)
{
    switch (st) {
#define NAME(name, value, text)                                                                    \
    case AJP_##name:                                                                               \
        return #name;
        AJP_STATUS_MAP(NAME)
#undef NAME
    }
    return "UNKNOWN";
}
