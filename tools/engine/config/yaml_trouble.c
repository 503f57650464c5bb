/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml tells what it was doing and what stood in its way. People want to know what to write. */
#include "config/yaml_trouble.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum about {
    ABOUT_THIS,  /* the place where libyaml stopped */
    ABOUT_BEGUN, /* what it was in the middle of */
};

struct saying {
    const char *problem, *context; /* parts of libyaml's words; NULL: any */
    enum about about;
    const char *text;
};

static const struct saying sayings[] = {
    {"violates indentation", NULL, ABOUT_THIS,
     "expected spaces, got a tab: YAML is indented with spaces alone"},
    {"expected '-' indicator", NULL, ABOUT_THIS,
     "expected the column of the entry's other keys, or '- ' before another entry"},
    {"could not find expected ':'", NULL, ABOUT_BEGUN,
     "expected KEY: VALUE, with a space behind the colon"},
    {"end of stream", "quoted scalar", ABOUT_BEGUN,
     "expected a second quote, since the text that begins here does not end"},
    {"',' or ']'", NULL, ABOUT_BEGUN, "expected commas between entries and a ] for this ["},
    {"',' or '}'", NULL, ABOUT_BEGUN, "expected commas between entries and a } for this {"},
    {NULL, "scanning an alias", ABOUT_BEGUN, "expected quotes around a value that begins with *"},
    {NULL, "scanning an anchor", ABOUT_BEGUN, "expected quotes around a value that begins with &"},
    {NULL, "scanning a tag", ABOUT_BEGUN, "expected quotes around a value that begins with !"},
    {NULL, "scanning a block scalar", ABOUT_BEGUN,
     "expected quotes around a value that begins with | or >"},
    {NULL, "parsing a quoted scalar", ABOUT_THIS,
     "expected an escape that YAML knows; in 'single quotes' a \\ is nothing but a \\"},
    {NULL, "scanning a directive", ABOUT_BEGUN, "expected quotes around a text that begins with %"},
    {"block sequence entries", NULL, ABOUT_THIS,
     "expected the entries of a list on lines of their own, below its key"},
    {"control characters", NULL, ABOUT_THIS, "expected a text without control characters"},
};

static bool says(const char *words, const char *part)
{
    return !part || (words && strstr(words, part));
}

static const char *line_of(const char *text, size_t line)
{
    while (line-- > 0 && *text) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return text;
}

/* What is before the mark on its line; columns count characters, not bytes. */
static size_t bytes_before(const char *line, size_t column)
{
    size_t n = 0;
    while (line[n] && line[n] != '\n' && column > 0) {
        n++;
        column -= ((unsigned char)line[n] & 0xc0) != 0x80;
    }
    return n;
}

/* libyaml's words are the same for these, so the line is looked at. */
static void say_by_line(struct yaml_trouble *trouble, const char *problem, const char *line)
{
    size_t at = bytes_before(line, trouble->column - 1);
    bool first = strspn(line, " ") >= at;
    if (strstr(problem, "cannot start any token")) {
        if (line[at] == '\t')
            snprintf(trouble->text, sizeof trouble->text,
                     "expected spaces, got a tab: YAML is indented with spaces alone");
        else
            snprintf(trouble->text, sizeof trouble->text,
                     "expected quotes around a value that begins with %c", line[at]);
    } else if (strstr(problem, "mapping values are not allowed")) {
        const char *colon = strstr(line, ": ");
        bool second = colon && colon < line + at;
        snprintf(trouble->text, sizeof trouble->text, "%s",
                 second ? "expected quotes around a value that holds a colon and a space"
                        : "expected this key in the column of the keys beside it, and KEY: VALUE "
                          "on the line above, with a space behind the colon");
    } else if (strstr(problem, "did not find expected key")) {
        const char *what = "expected the end of the line behind this value, or quotes around it";
        if (first && line[at] == '-')
            what = "expected a key, got an entry of a list: it stands below the list's own key";
        else if (first)
            what = "expected a column in which keys stand above, this indent fits none";
        snprintf(trouble->text, sizeof trouble->text, "%s", what);
    }
}

/* The reader of bytes gives an offset rather than a place. */
static void place_by_offset(struct yaml_trouble *trouble, const char *text, size_t offset)
{
    const char *at = text;
    unsigned line = 1;
    for (size_t i = 0; i < offset && text[i]; i++)
        if (text[i] == '\n') {
            line++;
            at = text + i + 1;
        }
    trouble->line = line;
    trouble->column = 1;
    for (const char *p = at; p < text + offset && *p; p++)
        trouble->column += ((unsigned char)*p & 0xc0) != 0x80;
}

struct yaml_trouble yaml_trouble_of(const yaml_parser_t *parser, const char *text, unsigned base)
{
    struct yaml_trouble trouble = {.line = (unsigned)parser->problem_mark.line + 1,
                                   .column = (unsigned)parser->problem_mark.column + 1};
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    trouble.begun = trouble.line;
    if (parser->error == YAML_READER_ERROR) {
        place_by_offset(&trouble, text, parser->problem_offset);
        trouble.begun = trouble.line;
        snprintf(trouble.text, sizeof trouble.text, "expected a text in UTF-8");
    }
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++) {
        const struct saying *saying = &sayings[i];
        if (!says(problem, saying->problem) || !says(parser->context, saying->context))
            continue;
        snprintf(trouble.text, sizeof trouble.text, "%s", saying->text);
        if (saying->about == ABOUT_BEGUN) {
            trouble.line = trouble.begun = (unsigned)parser->context_mark.line + 1;
            trouble.column = (unsigned)parser->context_mark.column + 1;
        }
        break;
    }
    if (!trouble.text[0])
        say_by_line(&trouble, problem, line_of(text, trouble.line - 1));
    if (!trouble.text[0])
        snprintf(trouble.text, sizeof trouble.text, "expected YAML: %s", problem);
    trouble.line += base;
    trouble.begun += base;
    return trouble;
}
