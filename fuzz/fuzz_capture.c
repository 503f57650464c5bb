/* SPDX-License-Identifier: Apache-2.0 */
/* Whole capture files (and hex text) through every view of `ajpcat decode`: nothing but printable
 * ASCII and line ends comes out of those for people, exchanges come in order. */
#include "check.h"

#include "filter.h"
#include "reader.h"
#include "view.h"

#include <sys/mman.h>
#include <unistd.h>

static const struct view_kind *const kinds[] = {&view_lines, &view_trees, &view_dumps,
                                                &view_jsons, &view_har,   &view_https};

struct state {
    struct view view;
    const struct view_kind *kind;
    struct filter_node *filter;
};

static bool show(void *user, const struct exchange *e)
{
    struct state *s = user;
    (void)filter_accepts(s->filter, e);
    CHECK(e->problem_count == 0 || e->problems);
    CHECK(!e->complete || e->kind == EXCHANGE_CPING || e->end_ns || e->frame);
    s->kind->show(&s->view, e);
    if (s->kind == &view_lines || s->kind == &view_trees || s->kind == &view_dumps ||
        s->kind == &view_https) {
        for (size_t i = 0; i < s->view.out.len; i++)
            CHECK(s->view.out.at[i] == '\n' ||
                  (s->view.out.at[i] >= ' ' && s->view.out.at[i] < 127));
    }
    text_clear(&s->view.out);
    return true;
}

static void message(void *user, struct exchange *e, const struct packet *p, const ajp_message *m)
{
    struct state *s = user;
    CHECK(p->intact <= p->len);
    s->kind->message(&s->view, e, p, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    size_t column;
    const char *why;
    int fd = memfd_create("capture", MFD_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct state s = {.kind = kinds[i]};
        struct reader r = {.command = "fuzz",
                           .user = &s,
                           .show = show,
                           .message = kinds[i]->message ? message : NULL,
                           .keep_heads = kinds[i]->heads,
                           .body = kinds[i]->body,
                           .quiet = true};
        s.filter = filter_parse("status >= 500 and uri ~ '^/a' or time > 1ms", &column, &why);
        CHECK(s.filter);
        (void)reader_run(&r, path);
        filter_free(s.filter);
        text_free(&s.view.out);
    }
    close(fd);
    return 0;
}
