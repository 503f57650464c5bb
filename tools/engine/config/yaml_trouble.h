/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's complaints in plain words. */
#ifndef ENGINE_CONFIG_YAML_TROUBLE_H
#define ENGINE_CONFIG_YAML_TROUBLE_H

#include <stddef.h>
#include <yaml.h>

struct yaml_trouble {
    unsigned line, column; /* from 1 */
    char text[200];        /* what was expected */
    unsigned begun;        /* line on which what is broken began */
};

/* Of a parser that has failed on text, which begins base lines into its file. */
struct yaml_trouble yaml_trouble_of(const yaml_parser_t *parser, const char *text, unsigned base);

#endif
