/* SPDX-License-Identifier: Apache-2.0 */
/* The pages below /fault/: what broken app servers do, to see how web servers take it. Each begins
 * when the request has come, and ends with the connection. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK "headers 200 Content-Length:2\nbody OK\n"

const struct script_fault script_faults[] = {
    {"body-first", "body before the headers", "body OK\n" OK "end\n"},
    {"chunk-length", "a chunk that says it is longer than its packet",
     "headers 200\npacket 03 ff ff 41\nend\n"},
    {"close", "closes without an answer", "close\n"},
    {"cpong", "a CPong in the middle of the answer",
     "headers 200 Content-Length:2\ncpong\nbody OK\nend\n"},
    {"drip", "a byte every 100 ms",
     "headers 200 Content-Length:5\nbody a\nwait 100ms\nbody b\nwait 100ms\nbody c\nwait 100ms\n"
     "body d\nwait 100ms\nbody e\nend\n"},
    {"end-first", "ends the answer before its headers", "end\n"},
    {"escape", "terminal control sequences in headers and body",
     "headers 200 \"\\e[31mred\" \"X-Esc: \\xc2\\x9b31mred\"\nbody \"\\e[2Jhello\\n\"\nend\n"},
    {"get-forever", "asks for more body for ever", "get 8186\nexpect any\nrepeat\n"},
    {"half-body", "closes in the middle of the body",
     "headers 200 Content-Length:1000\nbytes 500\nclose\n"},
    {"half-packet", "closes in the middle of a packet",
     "headers 200 Content-Length:5\nhex 41 42 00 09 03 00 05 61 62\nclose\n"},
    {"header-crlf", "a line end in a header value",
     "headers 200 \"X-Test: a\\r\\nX-Injected: b\"\nend\n"},
    {"headers", "closes after the headers", "headers 200 Content-Length:10\nclose\n"},
    {"headers-twice", "headers twice", "headers 200\n" OK "end\n"},
    {"http", "answers in HTTP", "text \"HTTP/1.1 200 OK\\r\\n\\r\\nOK\"\nclose\n"},
    {"interim", "a 103 before the answer", "headers 103 \"Link: </a.css>\"\n" OK "end\n"},
    {"lie-reuse", "keeps the connection, then closes it", OK "end reuse\nclose\n"},
    {"long", "more body than announced", "headers 200 Content-Length:5\nbytes 10\nend\n"},
    {"magic", "packets with the web server's magic", "hex 12 34 00 02 05 01\n"},
    {"no-pad", "a chunk without its pad byte", "headers 200\npacket 03 00 02 4f 4b\nend\n"},
    {"no-reuse", "a whole answer that closes the connection", OK "end close\n"},
    {"poison", "bytes of another answer behind this one",
     OK "end reuse\nheaders 200 Content-Length:6\nbody POISON\nend\nwait 1s\n"},
    {"reset", "resets the connection", "reset\n"},
    {"short", "less body than announced", "headers 200 Content-Length:1000\nbytes 500\nend\n"},
    {"silent", "never answers", "wait 1h\n"},
    {"status-0", "a status of 0", "headers 0\nend\n"},
    {"status-1000", "a status of 1000", "headers 1000\nend\n"},
    {"unknown-type", "a packet of unknown type", "packet 2a\n"},
    {NULL, NULL, NULL},
};

enum { FAULTS = sizeof script_faults / sizeof *script_faults - 1 };

static struct script loaded[FAULTS];

void script_faults_load(void)
{
    for (size_t i = 0; i < FAULTS; i++) {
        unsigned line;
        const char *why;
        loaded[i].name = script_faults[i].name;
        if (loaded[i].count == 0 && !script_parse(&loaded[i], script_faults[i].text, &line, &why)) {
            fprintf(stderr, "fault %s, line %u: %s\n", script_faults[i].name, line, why);
            abort();
        }
    }
}

const struct script *script_fault_find(const char *name)
{
    for (size_t i = 0; i < FAULTS; i++) {
        if (strcmp(script_faults[i].name, name) == 0)
            return &loaded[i];
    }
    return NULL;
}
