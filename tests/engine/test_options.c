/* SPDX-License-Identifier: Apache-2.0 */
/* Command line and file: what is accepted, and the one message for what is not. */
#include "config/options.h"
#include "config/table.h"
#include "config/url.h"

#include "capture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ARGS_MAX = 16 };

static const struct program forward = {
    .name = "ajpforward", .summary = "forwards", .listen_protos = 1u << PROTO_AJP};
static const struct program bridge = {
    .name = "ajpbridge", .summary = "bridges", .listen_protos = 1u << PROTO_HTTP};

static struct capture captured_out, captured_err;
static char dir[] = "/tmp/options-XXXXXX";
static char config_path[64], secret_path[64], empty_path[64];

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
}

static void setup(void)
{
    cr_assert_not_null(mkdtemp(dir));
    snprintf(config_path, sizeof config_path, "%s/config", dir);
    snprintf(secret_path, sizeof secret_path, "%s/secret", dir);
    snprintf(empty_path, sizeof empty_path, "%s/empty", dir);
    write_file(secret_path, "s3cret\n");
    write_file(empty_path, "\n");
    setenv("TEST_SECRET", "from-env", 1);
}

static void teardown(void)
{
    unlink(config_path);
    unlink(secret_path);
    unlink(empty_path);
    rmdir(dir);
}

TestSuite(options, .init = setup, .fini = teardown);
TestSuite(config, .init = setup, .fini = teardown);

/* Splits line at spaces; @C, @S and @E stand for the three files. */
static int parse(const struct program *program, const char *line, struct settings **out)
{
    static char copy[1024];
    char *argv[ARGS_MAX] = {(char *)(uintptr_t)program->name};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *arg = strtok(copy, " "); arg; arg = strtok(NULL, " ")) {
        if (strcmp(arg, "@C") == 0)
            arg = config_path;
        if (strcmp(arg, "@S") == 0)
            arg = secret_path;
        if (strcmp(arg, "@E") == 0)
            arg = empty_path;
        argv[argc++] = arg;
    }
    *out = NULL;
    capture_begin(&captured_out, STDOUT_FILENO);
    capture_begin(&captured_err, STDERR_FILENO);
    int rc = options_parse(argc, argv, program, out);
    capture_end(&captured_err);
    capture_end(&captured_out);
    return rc;
}

#define BASE "--listen ajp://127.0.0.1:0 --worker a=ajp://127.0.0.1:8009 "

Test(options, contract_of_the_short_form)
{
    struct settings *s;
    cr_assert_eq(parse(&forward, BASE "--worker nodeB=ajp://[::1]:8010 --threads 3", &s), -1);
    cr_assert_eq(s->listener_count, 1);
    cr_assert_eq(s->worker_count, 2);
    cr_expect_eq(s->threads, 3);
    cr_expect_eq(s->listeners[0].proto, PROTO_AJP);
    cr_expect_eq(s->listeners[0].port, 0);
    cr_expect_str_eq(s->listeners[0].host.ptr, "127.0.0.1");
    cr_expect(s->listeners[0].trust_identity, "loopback");
    cr_expect_null(s->listeners[0].secret.ptr);
    cr_expect_str_eq(s->workers[1].name.ptr, "nodeB");
    cr_expect_str_eq(s->workers[1].host.ptr, "::1");
    cr_expect_eq(s->workers[1].port, 8010);
    cr_expect_eq(s->workers[1].weight, 1);
    cr_expect_eq(s->workers[1].packet_size, 8192);
    cr_expect_str_eq(s->session.cookie.ptr, "JSESSIONID");
    cr_expect(s->session.sticky);
    cr_expect_str_empty(captured_err.text);
    settings_free(s);
}

Test(options, default_times_and_limits)
{
    struct settings *s;
    cr_assert_eq(parse(&forward, BASE, &s), -1);
    cr_expect_eq(s->timeouts.request_head, 10000);
    cr_expect_eq(s->timeouts.body, 30000);
    cr_expect_eq(s->timeouts.keep_alive, 60000);
    cr_expect_eq(s->timeouts.connect, 2000);
    cr_expect_eq(s->timeouts.cping, 1000);
    cr_expect_eq(s->timeouts.cping_idle, 1000);
    cr_expect_eq(s->timeouts.reply, 60000);
    cr_expect_eq(s->timeouts.write_stall, 30000);
    cr_expect_eq(s->limits.max_body, 1u << 30);
    cr_expect_eq(s->limits.max_memory, 0);
    cr_expect_geq(s->threads, 1);
    settings_free(s);
}

Test(options, secrets_come_from_files_and_environment)
{
    struct settings *s;
    cr_assert_eq(parse(&forward,
                       "--listen ajp://0.0.0.0:1 --worker a=ajp://h:1 --worker b=ajp://h:2 "
                       "--secret-env TEST_SECRET --worker-secret-file b=@S",
                       &s),
                 2, "b=@S is one word: the file is not there");
    char line[256];
    snprintf(line, sizeof line,
             "--listen ajp://0.0.0.0:1 --worker a=ajp://h:1 --worker b=ajp://h:2 "
             "--secret-env TEST_SECRET --worker-secret-file b=%s",
             secret_path);
    cr_assert_eq(parse(&forward, line, &s), -1, "%s", captured_err.text);
    cr_expect_str_eq(s->listeners[0].secret.ptr, "from-env");
    cr_expect(s->listeners[0].trust_identity);
    cr_expect_null(s->workers[0].secret.ptr);
    cr_expect_str_eq(s->workers[1].secret.ptr, "s3cret", "the newline is not part of it");
    settings_free(s);
}

Test(options, bad_ones_get_one_message_and_exit_2)
{
    static const struct {
        const char *line, *message;
    } rows[] = {
        {"--worker a=ajp://h:1", "ajpforward: expected a listener"},
        {"--listen ajp://127.0.0.1:0", "ajpforward: expected a worker"},
        {"x", "ajpforward: x: expected an option"},
        {"--nothing", "ajpforward: --nothing: expected an option"},
        {"--nothing=\n", "ajpforward: --nothing=\\x0a: expected an option"},
        {BASE "--threads", "ajpforward: --threads: expected a value"},
        {BASE "--threads 0", "--threads: expected a number from 1 to 256, got \"0\""},
        {BASE "--threads 2x", "--threads: expected a number"},
        {BASE "--threads -1", "--threads: expected a number"},
        {BASE "--threads 18446744073709551617", "--threads: expected a number"},
        {BASE "--connect-timeout 5", "--connect-timeout: expected a duration from 1ms to 1h"},
        {BASE "--connect-timeout 0", "--connect-timeout: expected a duration"},
        {BASE "--connect-timeout 5000000000000000000h", "expected a duration"},
        {BASE "--max-memory 1T", "--max-memory: expected a size"},
        {BASE "--log-level loud", "--log-level: expected one of error, warn, info, debug"},
        {BASE "--sticky=maybe", "--sticky: expected true or false"},
        {BASE "--max-body 1M",
         "--max-body: expected no option for listeners of the other protocol"},
        {BASE "--chekc", "--chekc: expected an option, did you mean --check?"},
        {BASE "--json", "--json: expected --check beside it"},
        {BASE "--check=yes", "--check: expected no value"},
        {BASE "--session-cookie a=b", "--session-cookie: expected 1 to 64 letters"},
        {BASE "--config a --config b", "--config: expected one file only"},
        {BASE "--config /nonexistent", "/nonexistent:1:1: expected a readable file"},
        {BASE "--worker a=ajp://h:2", "expected a name of its own, got \"a\" twice"},
        {BASE "--worker ajp://h:2", "--worker: expected NAME=ajp://HOST:PORT"},
        {BASE "--worker =ajp://h:2", "--worker: expected 1 to 64 letters"},
        {BASE "--worker b=8009", "a port alone"},
        {BASE "--worker b=ajp://h:0", "port 0 cannot be connected to"},
        {BASE "--worker-secret-file c=x", "expected [WORKER=]FILE with the name of a worker"},
        {BASE "--secret-file @E", "expected a secret of 1 to 1024 bytes"},
        {BASE "--secret-file /nonexistent", "expected a readable file with a secret"},
        {BASE "--secret-env TEST_UNSET", "expected the name of an environment variable"},
        {BASE "--allow-attribute *x", "--allow-attribute: expected an attribute name"},
        {"--listen ajp://0.0.0.0:1 --worker a=ajp://h:1",
         "ajpforward: --listen ajp://0.0.0.0:1: expected a secret"},
        {"--listen ajp://[::]:1 --worker a=ajp://h:1", "expected a secret"},
        {"--listen ajp://127.example.net:1 --worker a=ajp://h:1", "expected a secret"},
        {"--listen http://127.0.0.1:1 --worker a=ajp://h:1", "--listen: expected ajp://HOST:PORT"},
        {"--listen ajp://127.0.0.1:1 --worker a=http://h:1", "--worker: expected ajp://HOST:PORT"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct settings *s;
        cr_expect_eq(parse(&forward, rows[i].line, &s), 2, "%s", rows[i].line);
        cr_expect_not_null(strstr(captured_err.text, rows[i].message), "%s: %s", rows[i].line,
                           captured_err.text);
        const char *newline = strchr(captured_err.text, '\n');
        cr_expect(newline && newline[1] == '\0', "one line: %s", captured_err.text);
        cr_expect_null(s);
    }
}

Test(options, check_dump_version_and_help_exit_0)
{
    static const struct {
        const char *line, *out;
    } rows[] = {
        {BASE "--check", "ajpforward: valid\n"},
        {BASE "--check --json", "{\n  \"mistakes\": [],\n  \"valid\": true\n}\n"},
        {BASE "--dump", "listen:\n  -\n    url: ajp://127.0.0.1:0\n"},
        {"--version", "ajpforward " AJP_VERSION "\n"},
        {"--help", "Usage: ajpforward --listen URL"},
        {"-h", "Usage: ajpforward --listen URL"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct settings *s;
        cr_expect_eq(parse(&forward, rows[i].line, &s), 0, "%s", rows[i].line);
        cr_expect_eq(strncmp(captured_out.text, rows[i].out, strlen(rows[i].out)), 0, "%s: %s",
                     rows[i].line, captured_out.text);
        cr_expect_str_empty(captured_err.text);
    }
}

Test(options, dump_gives_itself_again)
{
    struct settings *s;
    static char first[sizeof captured_out.text];
    cr_assert_eq(parse(&forward,
                       "--listen ajp://[::]:1 --secret-file @S --allow-attribute X_* --worker "
                       "a=ajp://h:1 --sticky-force --max-memory 10M --reply-timeout 0 --dump",
                       &s),
                 0, "%s", captured_err.text);
    strcpy(first, captured_out.text);
    cr_expect_null(strstr(first, "s3cret"), "secrets are not printed");
    write_file(config_path, first);
    cr_assert_eq(parse(&forward, "--config @C --dump", &s), 0, "%s", captured_err.text);
    cr_expect_str_eq(captured_out.text, first);
}

Test(options, dump_of_attribute_policies_gives_itself_again)
{
    static const char policies[] =
        "    attributes: [\"A_*\", \"B\"]\n    deny_attributes: [\"C\"]\n"
        "    rename_attributes: [\"D=E\"]\n"
        "    add_attributes: [\"F=g \\\"h\\\" = \\\\\", \"I=\"]\n";
    struct settings *s;
    char text[1024];
    static char first[sizeof captured_out.text];
    snprintf(text, sizeof text,
             "listen:\n  - url: ajp://127.0.0.1:1\n%sworkers:\n  - name: a\n    url: ajp://h:1\n%s",
             policies, policies);
    write_file(config_path, text);
    cr_assert_eq(parse(&forward, "--config @C --dump", &s), 0, "%s", captured_err.text);
    strcpy(first, captured_out.text);
    const char *at = strstr(first, policies);
    cr_assert_not_null(at, "%s", first);
    cr_expect_not_null(strstr(at + 1, policies));
    write_file(config_path, first);
    cr_assert_eq(parse(&forward, "--config @C --dump", &s), 0, "%s", captured_err.text);
    cr_expect_str_eq(captured_out.text, first);
}

Test(options, networks_are_printed_as_they_are_meant)
{
    struct settings *s;
    write_file(config_path,
               "listen:\n  - url: ajp://127.0.0.1:1\n    allow_from: [10.0.0.0/8, 192.0.2.1, '::1',"
               " '2001:db8::/32', 0.0.0.0/0, '::/0']\nworkers: [{name: a, url: 'ajp://h:1'}]\n");
    cr_assert_eq(parse(&forward, "--config @C --dump", &s), 0, "%s", captured_err.text);
    cr_expect_not_null(strstr(captured_out.text,
                              "    allow_from: [\"10.0.0.0/8\", \"192.0.2.1/32\", \"::1/128\","
                              " \"2001:db8::/32\", \"0.0.0.0/0\", \"::/0\"]\n"),
                       "%s", captured_out.text);
}

Test(options, dump_of_routes_gives_itself_again)
{
    static const char routes[] =
        "routes:\n  -\n    paths: [\"/a/*\", \"!*.b\"]\n    workers: [\"a\"]\n"
        "  -\n    host: \"*.h.example\"\n    paths: [\"/a/*\"]\n"
        "    workers: [\"a=1000\"]\n    reply_timeout: 5m\n    sticky: false\n    force: true\n"
        "    retry_on_503: true\n  -\n    hosts: [\"h.example\", \"*.x\"]\n    paths: "
        "[\"/b?*c*\"]\n    workers: [\"a\"]\n"
        "    reply_timeout: 0\n";
    struct settings *s;
    char text[1024];
    static char first[sizeof captured_out.text];
    snprintf(text, sizeof text,
             "listen:\n  - url: ajp://127.0.0.1:1\nworkers:\n  - name: a\n    url: ajp://h:1\n%s",
             routes);
    write_file(config_path, text);
    cr_assert_eq(parse(&forward, "--config @C --dump", &s), 0, "%s", captured_err.text);
    strcpy(first, captured_out.text);
    cr_expect_not_null(strstr(first, routes), "%s", first);
    write_file(config_path, first);
    cr_assert_eq(parse(&forward, "--config @C --dump", &s), 0, "%s", captured_err.text);
    cr_expect_str_eq(captured_out.text, first);
}

Test(options, a_secret_that_everyone_can_read_is_told_of)
{
    struct settings *s;
    chmod(secret_path, 0644);
    cr_assert_eq(parse(&forward, BASE "--secret-file @S --check", &s), 0);
    cr_expect_not_null(strstr(captured_err.text, "secret_file_mode"), "%s", captured_err.text);
    cr_expect_null(strstr(captured_err.text, "s3cret"));
    chmod(secret_path, 0640);
    cr_assert_eq(parse(&forward, BASE "--secret-file @S --check", &s), 0);
    cr_expect_str_empty(captured_err.text);
}

Test(options, help_names_every_option)
{
    struct settings *s;
    parse(&bridge, "--help", &s);
    for (size_t i = 0; i < table_top.count; i++)
        if (table_top.rows[i].option)
            cr_expect_not_null(strstr(captured_out.text, table_top.rows[i].option));
}

#define LISTEN "listen:\n  - url: ajp://127.0.0.1:1\n"
#define WORKER "workers:\n  - name: a\n    url: ajp://127.0.0.1:2\n"

Test(config, whole_file)
{
    struct settings *s;
    char text[1024];
    snprintf(text, sizeof text,
             "# comment\nthreads: 2\nlisten:\n  - url: ajp://10.0.0.1:8019\n    secret_file: %s\n"
             "    secret_next_env: TEST_SECRET\n    trust_identity: no\n"
             "    attributes: [AJP_X, \"my.*\"]\n    attribute_reaction: drop\n"
             "    packet_size: 65536\nworkers:\n  - {name: a, url: 'ajp://h:1', weight: 5,"
             " activation: drain, domain: d, redirect: b, distance: 2}\n"
             "  - {name: b, url: 'ajp://h:2'}\ntimeouts: {connect: 1500ms, reply: 0}\n"
             "session: {cookie: SID, sticky: off, separator: '!', stateless: [/a*, '*.b'],"
             " order: [cookie, path], more_cookies: [T, U]}\n",
             secret_path);
    write_file(config_path, text);
    cr_assert_eq(parse(&forward, "--config @C --threads 4", &s), -1, "%s", captured_err.text);
    cr_expect_eq(s->threads, 4, "the command line goes before the file");
    const struct listener_settings *l = &s->listeners[0];
    cr_expect_str_eq(l->secret.ptr, "s3cret");
    cr_expect_str_eq(l->secret_next.ptr, "from-env");
    cr_expect(!l->trust_identity);
    cr_assert_eq(l->attributes.allow.count, 2);
    cr_expect_str_eq(l->attributes.allow.at[0].name.ptr, "AJP_X");
    cr_expect(!l->attributes.allow.at[0].prefix);
    cr_expect_str_eq(l->attributes.allow.at[1].name.ptr, "my.");
    cr_expect(l->attributes.allow.at[1].prefix);
    cr_expect_eq(l->reaction, REACTION_DROP);
    cr_expect_eq(l->packet_size, 65536);
    cr_assert_eq(s->worker_count, 2);
    cr_expect_eq(s->workers[0].weight, 5);
    cr_expect_eq(s->workers[0].activation, ACTIVATION_DRAIN);
    cr_expect_str_eq(s->workers[0].redirect.ptr, "b");
    cr_expect_eq(s->workers[1].proto, PROTO_AJP);
    cr_expect_eq(s->timeouts.connect, 1500);
    cr_expect_eq(s->timeouts.reply, 0);
    cr_expect_str_eq(s->session.cookie.ptr, "SID");
    cr_expect(!s->session.sticky);
    cr_expect_eq(s->session.separator, '!');
    cr_expect_eq(s->session.order.count, 2);
    cr_expect_eq(s->session.order.at[0], SOURCE_COOKIE);
    cr_assert_eq(s->session.more_cookies.count, 2);
    cr_expect_str_eq(s->session.more_cookies.at[1].ptr, "U");
    cr_assert_eq(s->session.stateless.count, 2);
    cr_expect_str_eq(s->session.stateless.at[1].ptr, "*.b");
    settings_free(s);
}

Test(config, options_replace_listeners_and_workers_of_the_file)
{
    struct settings *s;
    write_file(config_path, LISTEN WORKER "  - name: b\n    url: ajp://127.0.0.1:3\n");
    cr_assert_eq(parse(&forward, "--worker c=ajp://h:9 --config @C", &s), -1);
    cr_expect_eq(s->listeners[0].port, 1);
    cr_assert_eq(s->worker_count, 1);
    cr_expect_str_eq(s->workers[0].name.ptr, "c");
    settings_free(s);
}

Test(config, what_is_wrong_is_told_with_its_place)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", ":1:1: expected a listener"},
        {LISTEN, ": expected a worker"},
        {"thread: 1\n", ":1:1: unknown key \"thread\", did you mean \"threads\"?\n"},
        {LISTEN "timeouts:\n  conect: 1s\n",
         ":4:3: timeouts: unknown key \"conect\", did you mean \"connect\"?\n"},
        {LISTEN "workers:\n  - nam: a\n",
         ":4:5: workers: unknown key \"nam\", did you mean \"name\"?\n"},
        {"threads: x\n", ":1:10: threads: expected a number from 1 to 256, got \"x\""},
        {"\n\ntimeouts:\n  reply: fast\n", ":4:10: timeouts.reply: expected a duration"},
        {"threads: [1]\n", ":1:10: threads: expected one value, got a list\n"},
        {"threads: 1\nthreads: 2\n",
         ":2:1: threads: expected each key once, this one is on line 1 too\n"},
        {"threads: *x\n", ":1:10: expected quotes around a value that begins with *"},
        {"- a\n", ":1:1: expected keys, as in listen: and workers:\n"},
        {"workers:\n  name: a\n", ":2:3: workers: expected a list: each entry begins with a dash"},
        {"threads: \"1\n", ":1:10: expected a second quote"},
        {"listen:\n  - url: 1\n    x: [\n", ": "},
        {"\tx: 1\n", ":1:1: expected spaces, got a tab"},
        {LISTEN "workers:\n  - name: a\n", ":4:5: workers: expected url"},
        {LISTEN "workers:\n  - url: ajp://h:1\n", ":4:5: workers: expected name"},
        {LISTEN WORKER "session: {separator: ab}\n", ":6:22: session.separator: expected one of"},
        {LISTEN WORKER "session: {stateless: [/a, b]}\n", ": session.stateless: expected a path"},
        {LISTEN WORKER "session: {stateless: [\"*\"]}\n", ": session.stateless: expected a path"},
        {LISTEN WORKER "session: {stateless: [/a*b]}\n", ": session.stateless: expected a path"},
        {LISTEN WORKER "session: {order: [path, path]}\n", ": session.order: expected query, path"},
        {LISTEN WORKER "session: {order: [header]}\n", ":6:19: session.order: expected query, pa"},
        {LISTEN WORKER "session: {more_cookies: ['a b']}\n",
         ": session.more_cookies: expected nam"},
        {LISTEN WORKER "    aliases: [a]\n", ":6:14: workers.aliases: expected routes that lead"},
        {LISTEN WORKER "    aliases: [x, x]\n", ": workers.aliases: expected routes that lead"},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [z]}]\n",
         ":6:33: routes.workers: expected the"},
        {LISTEN WORKER "routes: [{paths: [/x]}]\n", ":6:10: routes: expected workers"},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [a, a]}]\n",
         ": routes.workers: expected each worker once, got \"a\" again"},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [a=1, a=2]}]\n",
         ": routes.workers: expected each worker once, got \"a\" again"},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [b=1]}]\n",
         ": routes.workers: expected the names of workers, got \"b\""},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [a=0]}]\n",
         ": routes.workers: expected the name of a worker, or NAME=WEIGHT from 1 to 1000, got"},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [a=1001]}]\n", "from 1 to 1000, got"},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [a=99999999999]}]\n", "from 1 to 1000"},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [a=]}]\n", "from 1 to 1000, got"},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [a=1x]}]\n", "from 1 to 1000, got"},
        {LISTEN WORKER "routes: [{paths: [/x], workers: [=1]}]\n", "from 1 to 1000, got"},
        {LISTEN WORKER "routes: [{workers: [a]}]\n", ":6:10: routes: expected paths"},
        {LISTEN WORKER "routes: [{paths: ['!/x'], workers: [a]}]\n", ": routes: expected paths"},
        {LISTEN WORKER "routes: [{paths: [x], workers: [a]}]\n", ": routes.paths: expected a path"},
        {LISTEN WORKER "routes: [{paths: ['?x'], workers: [a]}]\n", ": routes.paths: expected a p"},
        {LISTEN WORKER "routes: [{hosts: [a, 'b:1/'], paths: [/x], workers: [a]}]\n",
         ": routes.hosts: expected host names"},
        {LISTEN WORKER "routes: [{host: a, hosts: [b], paths: [/x], workers: [a]}]\n",
         ": routes.hosts: expected host or hosts, not both"},
        {LISTEN WORKER "routes: [{hosts: [a, a], paths: [/x], workers: [a]}]\n",
         ": routes.paths: expected each path once"},
        {LISTEN WORKER "routes: [{paths: ['/*x*', '/*x*'], workers: [a]}]\n",
         ": routes.paths: expected each path once"},
        {LISTEN WORKER "route_order: stars\n", ":6:14: route_order: expected one of"},
        {LISTEN WORKER "routes: [{paths: [/a//b], workers: [a]}]\n",
         ": routes.paths: expected a p"},
        {LISTEN WORKER "routes: [{paths: ['/%20'], workers: [a]}]\n",
         ": routes.paths: expected a p"},
        {LISTEN WORKER "routes: [{path: [/], workers: [a]}]\n", ": routes: unknown key \"path\""},
        {LISTEN WORKER "routes: [{host: 'a:1/', paths: [/x], workers: [a]}]\n",
         ":6:17: routes.host: exp"},
        {LISTEN WORKER
         "routes:\n  - {paths: [/x], workers: [a]}\n  - {paths: [/x], workers: [a]}\n",
         ":8:13: routes.paths: expected each path once"},
        {LISTEN WORKER "health: {path: x}\n", ": health.path: expected a path as in /health"},
        {LISTEN WORKER "    redirect: z\n", ":6:15: workers.redirect: expected the name of a"},
        {LISTEN WORKER "    weight: 0\n", ":6:13: workers.weight: expected a number from 1"},
        {LISTEN WORKER "    min_idle: 5\n    max_idle: 3\n",
         ":6:15: workers.min_idle: expected at"},
        {LISTEN WORKER "    min_idle: 5\n    max_connections: 3\n",
         ": workers.min_idle: expected at"},
        {LISTEN "    packet_size: 100\n" WORKER, ":3:18: listen.packet_size: expected"},
        {LISTEN "    attributes: [\"a b\"]\n" WORKER, ":3:18: listen.attributes: expected"},
        {LISTEN "    allow_from: [10.0.0.1/8]\n" WORKER,
         ":3:18: listen.allow_from: expected an ad"},
        {LISTEN "    allow_from: [10.0.0.0/33]\n" WORKER,
         ": listen.allow_from: expected an address"},
        {LISTEN "    allow_from: [localhost]\n" WORKER, ": listen.allow_from: expected an address"},
        {LISTEN "    trust_identity_from: ['::1/129']\n" WORKER,
         ": listen.trust_identity_from: ex"},
        {LISTEN "    rename_attributes: [A]\n" WORKER,
         ":3:25: listen.rename_attributes: expected OLD="},
        {LISTEN "    rename_attributes: [A=secret]\n" WORKER,
         ": listen.rename_attributes: expected a"},
        {LISTEN "    add_attributes: [=x]\n" WORKER,
         ": listen.add_attributes: expected NAME=VALUE"},
        {LISTEN WORKER "    add_attributes: [javax.servlet.include.path_info=x]\n",
         ":6:22: workers.add_"},
        {LISTEN WORKER "    add_attributes: [remote_user=x]\n",
         ": workers.add_attributes: expected a name"},
        {LISTEN WORKER "    deny_attributes: ['x y']\n",
         ": workers.deny_attributes: expected an att"},
        {LISTEN "    secret_env: TEST_UNSET\n" WORKER, ":3:17: listen.secret_env: expected"},
        {LISTEN "    secret_next_env: TEST_SECRET\n" WORKER, ":2:5: listen: expected secret_file"},
        {"listen:\n  - url: ajp://1.1.1.1:1\n" WORKER, ":2:10: listen.url: expected a secret"},
        {LISTEN WORKER "  - name: a\n    url: ajp://h:1\n", ":6:11: workers.name: expected a name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct settings *s;
        write_file(config_path, rows[i].text);
        cr_expect_eq(parse(&forward, "--config @C --check", &s), 2, "%s", rows[i].text);
        cr_expect_eq(strncmp(captured_err.text, config_path, strlen(config_path)), 0);
        cr_expect_not_null(strstr(captured_err.text, rows[i].message), "%s: %s", rows[i].text,
                           captured_err.text);
    }
}

Test(config, no_secret_off_loopback_takes_an_explicit_word)
{
    struct settings *s;
    write_file(config_path,
               "listen:\n  - url: ajp://0.0.0.0:1\n    allow_no_secret: true\n" WORKER);
    cr_assert_eq(parse(&forward, "--config @C", &s), -1, "%s", captured_err.text);
    cr_expect(!s->listeners[0].trust_identity);
    settings_free(s);
}

Test(url, forms)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool ok;
    } rows[] = {
        {"ajp://127.0.0.1:8009", "127.0.0.1", 8009, true},
        {"http://[::1]:80", "::1", 80, true},
        {"ajp://my-host_1.example:65535", "my-host_1.example", 65535, true},
        {"ajp://h:0", "h", 0, true},
        {"ajp://h:65536", NULL, 0, false},
        {"ajp://h:99999999999999999999", NULL, 0, false},
        {"ajp://h", NULL, 0, false},
        {"ajp://h:", NULL, 0, false},
        {"ajp://:1", NULL, 0, false},
        {"ajp://[]:1", NULL, 0, false},
        {"ajp://[::1:1", NULL, 0, false},
        {"ajp://::1:1", NULL, 0, false},
        {"ajp://h:1/path", NULL, 0, false},
        {"ajp://h:1x", NULL, 0, false},
        {"ajp://h h:1", NULL, 0, false},
        {"https://h:1", "h", 1, true},
        {"ajps://[::1]:1", "::1", 1, true},
        {"ftp://h:1", NULL, 0, false},
        {"AJP://h:1", NULL, 0, false},
        {"8009", NULL, 0, false},
        {"", NULL, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url url;
        char why[512] = "";
        bool ok = url_parse(rows[i].text, 3, true, &url, why, sizeof why);
        cr_expect_eq(ok, rows[i].ok, "%s", rows[i].text);
        if (!ok) {
            cr_expect_eq(strncmp(why, "expected http://", 16), 0, "%s: %s", rows[i].text, why);
            continue;
        }
        cr_expect_eq(url.port, rows[i].port, "%s", rows[i].text);
        cr_expect(url.host.len == strlen(rows[i].host) &&
                      memcmp(url.host.ptr, rows[i].host, url.host.len) == 0,
                  "%s", rows[i].text);
    }
}
