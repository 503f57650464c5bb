/* SPDX-License-Identifier: Apache-2.0 */
/* The careful readings of text, for what the quick ones in text.h do not know. */
#include "text.h"

const uint8_t ajp_in_control_table[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, /* HTAB is text */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, [0x7f] = 1,
};

/* One bit a byte value: letters, digits and !#$%&'*+-.^_`|~ */
static const uint32_t token_set[8] = {0x00000000u, 0x03ff6cfau, 0xc7fffffeu, 0x57ffffffu};

/* Bits of the controls among 16 bytes. */
static unsigned controls_of(lanes v)
{
    const unsigned text = lanes_bits(lanes_or(lanes_from(v, ' '), lanes_same(v, lanes_fill('\t'))));
    return (~text & 0xffffu) | lanes_bits(lanes_same(v, lanes_fill(0x7f)));
}

size_t ajp_in_text_scan(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (n - i >= LANES && controls_of(lanes_at(p + i)) == 0) {
        i += LANES;
    }
    while (i < n && ajp_in_control_table[p[i]] == 0) {
        i++;
    }
    return i;
}

size_t ajp_in_token_scan(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n && (token_set[p[i] >> 5] >> (p[i] & 31) & 1u) != 0) {
        i++;
    }
    return i;
}
