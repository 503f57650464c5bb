/* SPDX-License-Identifier: Apache-2.0 */
/* Each text of a message in turn: bad bytes in it, at every place, in buffers of every size. What
 * cannot be written leaves an error, no length, and not one byte behind the buffer. */
#include <ajp/ajp.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

/* Texts that a writer takes, by their places; those of a response come last. */
enum field {
    METHOD,
    PROTOCOL,
    URI,
    REMOTE_ADDR,
    REMOTE_HOST,
    SERVER_NAME,
    HEADER_NAME,
    HEADER_VALUE,
    CODED_VALUE,
    CONTEXT,
    QUERY,
    CERTIFICATE,
    SECRET,
    NAMED_NAME,
    NAMED_VALUE,
    REASON,
    RESPONSE_NAME,
    RESPONSE_VALUE,
    RESPONSE_CODED,
    FIELDS,
};

enum { ROOM = 512, CANARY = 0xa5, UNTOUCHED = 4711 };

static ajp_str text_at(enum field here, enum field wanted, ajp_str text, const char *usual)
{
    return here == wanted ? text : ajp_str_of(usual, strlen(usual));
}

static void write_request(ajp_writer *w, enum field f, ajp_str text)
{
    const ajp_request_line line = {
        .method = text_at(METHOD, f, text, "REPORT-X"),
        .protocol = text_at(PROTOCOL, f, text, "HTTP/1.1"),
        .uri = text_at(URI, f, text, "/a/b"),
        .remote_addr = text_at(REMOTE_ADDR, f, text, "1.2.3.4"),
        .remote_host = text_at(REMOTE_HOST, f, text, "c"),
        .server_name = text_at(SERVER_NAME, f, text, "server.example"),
        .server_port = 80,
    };
    ajp_write_request(w, &line);
    ajp_write_header(w, text_at(HEADER_NAME, f, text, "x-a"), text_at(HEADER_VALUE, f, text, ""));
    ajp_write_header(w, AJP_STR("Host"), text_at(CODED_VALUE, f, text, "h"));
    ajp_write_attr(w, AJP_ATTR_CONTEXT, text_at(CONTEXT, f, text, "/c"));
    ajp_write_attr(w, AJP_ATTR_QUERY_STRING, text_at(QUERY, f, text, "q=1"));
    ajp_write_key_size(w, 256);
    ajp_write_attr(w, AJP_ATTR_SSL_CERT, text_at(CERTIFICATE, f, text, "-\r\n-"));
    ajp_write_attr(w, AJP_ATTR_SECRET, text_at(SECRET, f, text, "s"));
    ajp_write_named(w, text_at(NAMED_NAME, f, text, "n"), text_at(NAMED_VALUE, f, text, "v"));
}

static void write_response(ajp_writer *w, enum field f, ajp_str text)
{
    ajp_write_response(w, 200, text_at(REASON, f, text, "OK"));
    ajp_write_header(w, text_at(RESPONSE_NAME, f, text, "x-b"),
                     text_at(RESPONSE_VALUE, f, text, "12345678901234567"));
    ajp_write_header(w, AJP_STR("Location"), text_at(RESPONSE_CODED, f, text, "/"));
}

/* A message in a buffer of cap bytes with canaries on both sides; *len as finish leaves it. */
static ajp_status write_in(size_t cap, enum field f, ajp_str text, size_t *len)
{
    static uint8_t room[ROOM + 32];
    ajp_writer w;
    memset(room, CANARY, cap + 32);
    ajp_writer_init(&w, room + 16, cap);
    if (f < REASON) {
        write_request(&w, f, text);
    } else {
        write_response(&w, f, text);
    }
    *len = UNTOUCHED;
    const ajp_status st = ajp_writer_finish(&w, len);
    for (size_t i = 0; i < 16; i++) {
        if (room[i] != CANARY || room[16 + cap + i] != CANARY) {
            cr_assert_fail("field %d, room for %zu: a byte outside is %02x %02x", f, cap, room[i],
                           room[16 + cap + i]);
        }
    }
    return st;
}

/* What a byte below 0x20, or 0x7f, in this text amounts to. */
static ajp_status blame(enum field f)
{
    switch (f) {
    case METHOD:
        return AJP_ERR_METHOD;
    case HEADER_NAME:
    case RESPONSE_NAME:
        return AJP_ERR_HEADER;
    case CERTIFICATE:
        return AJP_OK;
    default: /* text */
        return AJP_ERR_TEXT;
    }
}

/* In every smaller buffer there is an error, and in every larger one the same answer. */
static void check_sizes(enum field f, ajp_str text, ajp_status want, const char *label)
{
    size_t whole, len;
    const ajp_status roomy = write_in(ROOM, f, text, &whole);
    if (roomy != want || (want != AJP_OK && whole != UNTOUCHED)) {
        cr_assert_fail("field %d, %s: %s, not %s", f, label, ajp_status_name(roomy),
                       ajp_status_name(want));
    }
    for (size_t cap = 0; cap < ROOM; cap++) {
        const ajp_status st = write_in(cap, f, text, &len);
        const bool fits = want == AJP_OK && cap >= whole;
        const bool right = fits ? st == AJP_OK && len == whole
                                : len == UNTOUCHED && (st == AJP_ERR_SPACE || st == want);
        if (!right || (st == AJP_OK && !fits)) {
            cr_assert_fail("field %d, %s, room for %zu: %s, length %zu", f, label, cap,
                           ajp_status_name(st), len);
        }
    }
}

static struct criterion_test_params each_field(void)
{
    static enum field fields[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = (enum field)i;
    }
    return cr_make_param_array(enum field, fields, FIELDS);
}

ParameterizedTestParameters(writer_text, fits_or_is_refused_whole)
{
    return each_field();
}

ParameterizedTest(const enum field *f, writer_text, fits_or_is_refused_whole)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
                                  "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    for (size_t n = 1; n < sizeof letters; n = n < 20 ? n + 1 : n + 11) {
        check_sizes(*f, ajp_str_of(letters, n), AJP_OK, "letters");
    }
}

ParameterizedTestParameters(writer_text, control_is_refused_at_every_size)
{
    return each_field();
}

ParameterizedTest(const enum field *f, writer_text, control_is_refused_at_every_size)
{
    static const uint8_t bad[] = {0, '\n', 127};
    static const size_t lengths[] = {1, 9, 40};
    for (size_t i = 0; i < sizeof bad; i++) {
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            const size_t n = lengths[j], places[] = {0, n / 2, n - 1};
            for (size_t k = 0; k < 3; k++) {
                char text[40];
                memset(text, 'a', sizeof text);
                text[places[k]] = (char)bad[i];
                check_sizes(*f, ajp_str_of(text, n), blame(*f), "a control");
            }
        }
    }
}

ParameterizedTestParameters(writer_text, every_control_is_refused)
{
    return each_field();
}

ParameterizedTest(const enum field *f, writer_text, every_control_is_refused)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        const char text[3] = {'a', (char)byte, 'b'};
        const bool control = (byte < 32 && byte != '\t') || byte == 127;
        const bool name = *f == METHOD || *f == HEADER_NAME || *f == RESPONSE_NAME;
        const bool token = (byte >= '0' && byte <= '9') ||
                           ((byte | 32) >= 'a' && (byte | 32) <= 'z') ||
                           (byte != 0 && strchr("!#$%&'*+-.^_`|~", (int)byte) != NULL);
        const bool refused = name ? !token : control;
        size_t len;
        const ajp_status st = write_in(ROOM, *f, ajp_str_of(text, 3), &len);
        if (st != (refused ? blame(*f) : AJP_OK)) {
            cr_assert_fail("field %d, byte %02x: %s", *f, byte, ajp_status_name(st));
        }
    }
}

ParameterizedTestParameters(writer_text, longer_than_any_packet_is_refused_unread)
{
    return each_field();
}

/* The text is told to be longer than it is: to read it would be an error of its own. */
ParameterizedTest(const enum field *f, writer_text, longer_than_any_packet_is_refused_unread)
{
    static const size_t lengths[] = {65536, 131071, 131072, 1u << 20, SIZE_MAX - 6, SIZE_MAX};
    const bool name = *f == HEADER_NAME || *f == RESPONSE_NAME;
    static char huge[65536];
    memset(huge, 'a', sizeof huge);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (*f == METHOD) { /* it is judged before it is placed: it must be there */
            size_t len;
            cr_assert(write_in(ROOM, METHOD, ajp_str_of(huge, sizeof huge), &len) == AJP_ERR_SPACE);
            break;
        }
        check_sizes(*f, ajp_str_of(huge, lengths[i]), name ? AJP_ERR_HEADER : AJP_ERR_SPACE,
                    "a huge length");
    }
}
