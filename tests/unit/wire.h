/* SPDX-License-Identifier: Apache-2.0 */
/* Packets spelled as text, and copies of them that end at an unreadable page. */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H
#include <ajp/ajp.h>

/* Bytes that a test describes. Words: two hex digits a byte, "text", s"text" for a
 * string with length and NUL, '>' and '<' for the head of a packet to and from the
 * container whose length is filled in, = for the end of a packet, and xN to repeat the previous
 * word, or (group), N times. */
struct wire {
    uint8_t *bytes;
    size_t len;
};

struct wire wire_of(const char *text);
void wire_free(struct wire *w);

/* A copy whose last byte lies before a page that faults; free with guard_free. */
uint8_t *guard_copy(const uint8_t *bytes, size_t len);
void guard_free(uint8_t *copy, size_t len);

/* Limits by name: "strict", "relay", or the name of one leniency. */
ajp_limits limits_named(const char *name);

/* Ready-made pieces: a GET without headers up to its header count, and so on. */
#define LINE(method) "> 02 " method " s\"HTTP/1.1\" s\"/x\" s\"1.2.3.4\" ffff s\"h\" 00 50 00 "
#define GET          LINE("02") "00 01 a0 0b s\"h\" ff "
#define GET_516      LINE("02") "00 01 a0 0e 01 d7 61 x471 00 ff " /* 02 02 is 516 - 2 */
#define POST(length) LINE("04") "00 01 a0 08 s\"" length "\" ff "
#define D10          "> 00 0a \"0123456789\" "
#define EOB          "> "
#define HEADERS      "< 04 00 c8 s\"OK\" 00 01 a0 01 s\"text/plain\" "
#define CHUNK5       "< 03 00 05 \"hello\" 00 "
#define FLUSH        "< 03 00 00 00 "
#define END1         "< 05 01 "
#define END0         "< 05 00 "
#define WANT         "< 06 1f fa "

#endif
