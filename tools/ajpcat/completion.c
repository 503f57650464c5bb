/* SPDX-License-Identifier: Apache-2.0 */
/* Each subcommand is run with args_describe set: instead of reading options it describes them. */
#include "completion.h"

#include "args.h"

#include <stdio.h>
#include <string.h>

struct shell {
    const char *name;
    void (*begin)(const struct command *commands, size_t count);
    void (*describe)(const struct args *a);
    void (*end)(void);
};

static bool is_file(const struct arg *o)
{
    return o->value && strstr(o->value, "FILE");
}

static bool is_folder(const struct arg *o)
{
    return o->value && strcmp(o->value, "FOLDER") == 0;
}

static bool takes_files(const struct args *a)
{
    return strstr(a->operands, "FILE") != NULL;
}

/* Text inside '...': quote stands for a quote, and each of the special ones gets a backslash. */
static void put_quoted(const char *s, const char *quote, const char *special)
{
    for (; *s; s++) {
        if (*s == '\'')
            fputs(quote, stdout);
        else if (strchr(special, *s))
            printf("\\%c", *s);
        else
            putchar(*s);
    }
}

static void put_names(const struct arg *table, bool (*wanted)(const struct arg *o))
{
    const char *blank = "";
    for (const struct arg *o = table; o->name; o++) {
        if (!wanted(o))
            continue;
        if (o->letter)
            printf("%s-%c", blank, o->letter), blank = " ";
        printf("%s--%s", blank, o->name);
        blank = " ";
    }
}

static bool any(const struct arg *o)
{
    (void)o;
    return true;
}

static bool takes_word(const struct arg *o)
{
    return o->value && !is_file(o) && !is_folder(o);
}

static bool takes_path(const struct arg *o)
{
    return is_file(o) || is_folder(o);
}

static void bash_begin(const struct command *commands, size_t count)
{
    puts("# bash completion for ajpcat, written by ajpcat --completion bash\n"
         "_ajpcat() {\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    local options= words= paths= files=\n"
         "    if [ \"$COMP_CWORD\" = 1 ]; then");
    printf("        COMPREPLY=($(compgen -W '--help --version");
    for (size_t i = 0; i < count; i++)
        printf(" %s", commands[i].name);
    puts("' -- \"$cur\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in");
}

static void bash_describe(const struct args *a)
{
    printf("    %s)\n        options='", a->command);
    put_names(a->table, any);
    printf(" -h --help'\n        words='");
    put_names(a->table, takes_word);
    printf("'\n        paths='");
    put_names(a->table, takes_path);
    printf("'\n        files=%s\n        ;;\n", takes_files(a) ? "yes" : "");
}

/* An empty reply means file names, by -o default. */
static void bash_end(void)
{
    puts("    esac\n"
         "    case \" $paths \" in *\" $prev \"*) return ;; esac\n"
         "    case \" $words \" in *\" $prev \"*)\n"
         "        compopt +o default 2>/dev/null\n"
         "        return\n"
         "    esac\n"
         "    case $cur in -*)\n"
         "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
         "        return\n"
         "    esac\n"
         "    [ -n \"$files\" ] || compopt +o default 2>/dev/null\n"
         "}\n"
         "complete -o default -F _ajpcat ajpcat");
}

static void zsh_begin(const struct command *commands, size_t count)
{
    puts("#compdef ajpcat\n"
         "# zsh completion for ajpcat, written by ajpcat --completion zsh\n"
         "_ajpcat() {\n"
         "    local context state state_descr line\n"
         "    typeset -A opt_args\n"
         "    _arguments -C '--help[how to use it]' '--version[its version]' \\\n"
         "        '1:command:->command' '*::argument:->argument'\n"
         "    case $state in\n"
         "    command)\n"
         "        local -a commands=(");
    for (size_t i = 0; i < count; i++) {
        printf("            '%s:", commands[i].name);
        put_quoted(commands[i].about, "'\\''", ":\\");
        puts("'");
    }
    puts("        )\n"
         "        _describe command commands\n"
         "        ;;\n"
         "    argument)\n"
         "        case $line[1] in");
}

static void zsh_option(const struct arg *o)
{
    printf(" \\\n                ");
    if (o->letter)
        printf("'*'{-%c,--%s}'[", o->letter, o->name);
    else
        printf("'*--%s[", o->name);
    put_quoted(o->help, "'\\''", "[]\\");
    putchar(']');
    if (o->value) {
        putchar(':');
        put_quoted(o->value, "'\\''", ":\\");
        fputs(is_folder(o) ? ":_files -/" : is_file(o) ? ":_files" : ": ", stdout);
    }
    putchar('\'');
}

static void zsh_describe(const struct args *a)
{
    printf("        %s)\n            _arguments -s", a->command);
    for (const struct arg *o = a->table; o->name; o++)
        zsh_option(o);
    printf(" \\\n                '(-h --help)'{-h,--help}'[this help]' '*:");
    put_quoted(a->operands[0] ? a->operands : "none", "'\\''", ":\\");
    printf(":%s'\n            ;;\n", takes_files(a) ? "_files" : " ");
}

static void zsh_end(void)
{
    puts("        esac\n    esac\n}\n_ajpcat \"$@\"");
}

static void fish_begin(const struct command *commands, size_t count)
{
    puts("# fish completion for ajpcat, written by ajpcat --completion fish\n"
         "complete -c ajpcat -f\n"
         "complete -c ajpcat -n __fish_use_subcommand -l help -d 'how to use it'\n"
         "complete -c ajpcat -n __fish_use_subcommand -l version -d 'its version'");
    for (size_t i = 0; i < count; i++) {
        printf("complete -c ajpcat -n __fish_use_subcommand -a %s -d '", commands[i].name);
        put_quoted(commands[i].about, "\\'", "\\");
        puts("'");
    }
}

static void fish_describe(const struct args *a)
{
    char when[80];
    snprintf(when, sizeof when, "complete -c ajpcat -n '__fish_seen_subcommand_from %s'",
             a->command);
    if (takes_files(a))
        printf("%s -F\n", when);
    for (const struct arg *o = a->table; o->name; o++) {
        printf("%s -l %s", when, o->name);
        if (o->letter)
            printf(" -s %c", o->letter);
        if (o->value)
            fputs(takes_path(o) ? " -r -F" : " -x", stdout);
        fputs(" -d '", stdout);
        put_quoted(o->help, "\\'", "\\");
        puts("'");
    }
    printf("%s -l help -s h -d 'this help'\n", when);
}

static void fish_end(void)
{
}

static const struct shell shells[] = {
    {"bash", bash_begin, bash_describe, bash_end},
    {"fish", fish_begin, fish_describe, fish_end},
    {"zsh", zsh_begin, zsh_describe, zsh_end},
};

bool completion_print(const char *shell, const struct command *commands, size_t count)
{
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].name, shell) != 0)
            continue;
        shells[i].begin(commands, count);
        args_describe = shells[i].describe;
        for (size_t k = 0; k < count; k++)
            commands[k].run(1, (char *[]){(char *)commands[k].name, NULL});
        args_describe = NULL;
        shells[i].end();
        return true;
    }
    return false;
}
