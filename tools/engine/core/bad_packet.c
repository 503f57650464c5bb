/* SPDX-License-Identifier: Apache-2.0 */
/* Who reads "message is out of order" wants to know which message, and what to do about it. */
#include "core/bad_packet.h"

#include <stdio.h>
#include <string.h>

struct other {
    const char *begins;
    size_t len;
    const char *speech;
};

/* What comes to an AJP port by mistake. */
static const struct other others[] = {
    {"\x16\x03", 2, "TLS"},      {"GET ", 4, "HTTP"},    {"POST", 4, "HTTP"},
    {"HEAD", 4, "HTTP"},         {"PUT ", 4, "HTTP"},    {"OPTI", 4, "HTTP"},
    {"PRI ", 4, "HTTP/2"},       {"HTTP", 4, "HTTP"},    {"PROX", 4, "the PROXY protocol"},
    {"\r\n\r\n", 4, "PROXY v2"}, {"\x15\x03", 2, "TLS"},
};

static size_t word_at(const uint8_t *p)
{
    return (size_t)(p[0] << 8 | p[1]);
}

static const char *speech_of(const uint8_t *in, size_t len)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (len >= others[i].len && memcmp(in, others[i].begins, others[i].len) == 0)
            return others[i].speech;
    return NULL;
}

/* No AJP packet at all. */
static void no_packet(char *out, const uint8_t *in, size_t len, bool from_worker)
{
    const char *speech = speech_of(in, len);

    if (speech != NULL && from_worker)
        snprintf(out, BAD_PACKET_TEXT, "it speaks %s: give the port of its AJP connector", speech);
    else if (speech != NULL)
        snprintf(out, BAD_PACKET_TEXT, "it speaks %s: this listener speaks AJP", speech);
    else
        snprintf(out, BAD_PACKET_TEXT, "%zu bytes that begin with %02x %02x are no AJP packet", len,
                 in[0], len > 1 ? in[1] : 0);
}

/* A data packet has no kind: its first two bytes are a length. */
static const char *kind_of(const uint8_t *in, size_t len, bool from_worker)
{
    ajp_str name = len > AJP_HEADER_SIZE ? ajp_kind_name((ajp_kind)in[AJP_HEADER_SIZE]) : AJP_NULL;

    if (name.ptr != NULL)
        return name.ptr;
    return from_worker ? "a packet of an unknown kind" : "a body packet";
}

const char *bad_packet_text(char out[BAD_PACKET_TEXT], ajp_status st, const uint8_t *in, size_t len,
                            uint32_t max_packet, bool from_worker)
{
    size_t size;

    if (len < AJP_HEADER_SIZE) {
        snprintf(out, BAD_PACKET_TEXT, "%s", ajp_strerror(st));
        return out;
    }
    size = word_at(in + 2) + AJP_HEADER_SIZE;
    if (st == AJP_ERR_MAGIC)
        no_packet(out, in, len, from_worker);
    else if (st == AJP_ERR_FRAME_SIZE)
        snprintf(out, BAD_PACKET_TEXT,
                 "a packet of %zu bytes is longer than packet_size, %u: give both sides the same",
                 size, max_packet);
    else if (st == AJP_ERR_STATE || st == AJP_ERR_KIND)
        snprintf(out, BAD_PACKET_TEXT, "%s of %zu bytes came when it was not its turn",
                 kind_of(in, len, from_worker), size);
    else if (st == AJP_ERR_FLOW)
        snprintf(out, BAD_PACKET_TEXT, "%s of %zu bytes holds more than was announced or asked for",
                 kind_of(in, len, from_worker), size);
    else
        snprintf(out, BAD_PACKET_TEXT, "%s of %zu bytes: %s", kind_of(in, len, from_worker), size,
                 ajp_strerror(st));
    return out;
}
