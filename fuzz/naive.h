/* SPDX-License-Identifier: Apache-2.0 */
/* A second decoder of FORWARD_REQUEST, as slow and plain as can be: one byte at
 * a time, one rule after the other, strict. It says only yes or no, and a sum
 * over what it read. */
#ifndef FUZZ_NAIVE_H
#define FUZZ_NAIVE_H
#include "check.h"

struct naive {
    const uint8_t *p;
    size_t n, at;
    bool bad;
    uint32_t sum; /* of every text byte, in order */
    bool token;   /* the last string was a token */
    size_t len;
    char last[32]; /* its beginning, in lower case */
};

static inline unsigned naive_byte(struct naive *d)
{
    if (d->at >= d->n) {
        d->bad = true;
        return 0;
    }
    return d->p[d->at++];
}

static inline unsigned naive_word(struct naive *d)
{
    const unsigned high = naive_byte(d);
    return high * 256 + naive_byte(d);
}

static inline uint32_t naive_mix(uint32_t sum, unsigned c)
{
    return sum * 31 + c;
}

/* A string of len bytes and its NUL. */
static inline void naive_rest(struct naive *d, unsigned len, bool any)
{
    d->len = len;
    d->token = len > 0;
    memset(d->last, 0, sizeof d->last);
    for (unsigned i = 0; i < len && !d->bad; i++) {
        const unsigned c = naive_byte(d);
        d->bad |= !any && (c == 127 || (c < 32 && c != 9));
        d->token &= c > 32 && c < 127 && strchr("()<>@,;:\\\"/[]?={}", (int)c) == NULL;
        if (i < sizeof d->last - 1) {
            d->last[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        d->sum = naive_mix(d->sum, c);
    }
    d->bad |= naive_byte(d) != 0;
}

static inline void naive_string(struct naive *d, bool null_too, bool any)
{
    const unsigned len = naive_word(d);
    if (len != 0xffff) {
        naive_rest(d, len, any);
    } else {
        d->len = 0;
        d->bad |= !null_too;
    }
}

static inline void naive_header(struct naive *d, unsigned *lengths, unsigned *encodings)
{
    const unsigned word = naive_word(d);
    bool length = word == 0xa008;
    if (word >= 0xa000) {
        d->bad |= word == 0xa000 || word > 0xa00e;
    } else {
        naive_rest(d, word, false);
        d->bad |= !d->token;
        length = strcmp(d->last, "content-length") == 0;
        *encodings += strcmp(d->last, "transfer-encoding") == 0;
    }
    naive_string(d, false, false);
    if (length) {
        const char *digits = d->last;
        while (*digits == '0') {
            digits++;
        }
        const size_t n = strlen(digits);
        *lengths += 1;
        d->bad |= d->len == 0 || strspn(d->last, "0123456789") < d->len;
        d->bad |= n > 19 || (n == 19 && strcmp(digits, "9223372036854775807") > 0);
    }
}

static inline bool naive_request(struct naive *d)
{
    unsigned seen[14] = {0}, lengths = 0, encodings = 0, code, attrs = 0;
    d->bad |= naive_byte(d) != 2;
    const unsigned method = naive_byte(d);
    d->bad |= method == 0 || (method > 27 && method < 255);
    naive_string(d, false, false);
    naive_string(d, false, false);
    d->bad |= d->len == 0;
    for (int i = 0; i < 3; i++) {
        naive_string(d, true, false);
    }
    naive_word(d);
    d->bad |= naive_byte(d) > 1;
    const unsigned count = naive_word(d);
    d->bad |= count > 100;
    for (unsigned i = 0; i < count && !d->bad; i++) {
        naive_header(d, &lengths, &encodings);
    }
    d->bad |= lengths > 1 || (lengths > 0 && encodings > 0);
    while (!d->bad && (code = naive_byte(d)) != 255) {
        d->bad |= d->bad || code == 0 || code > 13 || ++attrs > 64;
        if (d->bad || (code != 10 && seen[code]++ > 0)) {
            return false;
        }
        if (code == 11) {
            const size_t at = d->at; /* digits in a string's place are lighttpd's text */
            const unsigned len = naive_word(d);
            if (len >= 1 && len <= 4 && at + 2 + len < d->n && d->p[at + 2 + len] == 0) {
                unsigned digits = 0;
                while (digits < len && d->p[at + 2 + digits] >= '0' &&
                       d->p[at + 2 + digits] <= '9') {
                    digits++;
                }
                d->bad |= digits == len;
            }
            continue;
        }
        naive_string(d, false, code == 7);
        d->bad |= code == 10 && d->len == 0;
        d->bad |= code == 13 && (method != 255 || !d->token);
        if (code == 10) {
            naive_string(d, false, false);
        }
    }
    return !d->bad && d->at == d->n && (method != 255 || seen[13] > 0);
}

#endif
