/* SPDX-License-Identifier: Apache-2.0 */
/* The spool: order, what is lost and where that is told, whole lines in a pipe, a bounded end. */
#include "base/spool.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 16384, LINE = 101 };

static uint64_t told;

static size_t resumed(char *line, size_t cap, uint64_t lost)
{
    told += lost;
    return (size_t)snprintf(line, cap, "lost %llu\n", (unsigned long long)lost);
}

static void failed(const char *path, const char *doing, uint64_t lost, int error)
{
    (void)path;
    (void)doing;
    (void)lost;
    (void)error;
}

static struct spool_events events = {.resumed = resumed, .failed = failed};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A FIFO in a folder of its own. */
struct fifo {
    char dir[32], path[48];
    int reader;
    struct spool *spool;
};

static void fifo_begin(struct fifo *f)
{
    strcpy(f->dir, "/tmp/spool-XXXXXX");
    cr_assert_not_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/fifo", f->dir);
    cr_assert_eq(mkfifo(f->path, 0600), 0);
    f->reader = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cr_assert_geq(f->reader, 0);
    cr_assert_geq(fcntl(f->reader, F_SETPIPE_SZ, 4096), 0);
    fcntl(f->reader, F_SETFL, 0);
    f->spool = spool_open(f->path, ROOM, &events);
    cr_assert_not_null(f->spool);
}

static void fifo_end(struct fifo *f)
{
    close(f->reader);
    unlink(f->path);
    rmdir(f->dir);
}

/* "NNNNNN ....\n", LINE bytes. */
static void put_number(struct spool *spool, unsigned number)
{
    char line[LINE + 1];
    snprintf(line, sizeof line, "%06u %093d\n", number, 0);
    spool_put(spool, line, LINE);
}

static void read_line(FILE *in, char *line, size_t cap)
{
    cr_assert_not_null(fgets(line, (int)cap, in));
}

Test(spool, what_is_lost_is_told_where_it_is_missing, .timeout = 20)
{
    enum { COUNT = 1000, LAST = 999999 };
    struct fifo f;
    char line[256];
    unsigned next = 0, number = 0;
    fifo_begin(&f);
    for (unsigned i = 0; i < COUNT; i++)
        put_number(f.spool, i);
    uint64_t lost = atomic_load(&events.lost);
    cr_expect_gt(lost, COUNT - (ROOM + 3 * 4096) / LINE - 1);
    FILE *in = fdopen(f.reader, "r");
    for (read_line(in, line, sizeof line); line[0] != 'l'; read_line(in, line, sizeof line)) {
        cr_assert_eq(sscanf(line, "%6u", &number), 1);
        cr_assert_eq(number, next++, "in order, no gap");
    }
    cr_expect_eq(next + lost, COUNT);
    cr_expect_eq(strtoull(line + strlen("lost "), NULL, 10), lost);
    put_number(f.spool, LAST);
    read_line(in, line, sizeof line);
    cr_expect_eq(strtoul(line, NULL, 10), LAST);
    cr_expect_eq(told, lost);
    spool_close(f.spool, 5000);
    f.reader = dup(f.reader);
    fclose(in);
    fifo_end(&f);
}

/* The other program of this test fills the pipe in between, and never finds itself in a line. */
Test(spool, lines_in_a_pipe_are_not_mixed_with_others, .timeout = 20)
{
    enum { COUNT = 120 };
    struct fifo f;
    char line[256];
    unsigned ours = 0, theirs = 0;
    fifo_begin(&f);
    pid_t other = fork();
    if (other == 0) {
        int out = open(f.path, O_WRONLY);
        for (int i = 0; i < COUNT; i++)
            if (write(out, "other\n", 6) != 6)
                _exit(1);
        _exit(0);
    }
    for (unsigned i = 0; i < COUNT; i++)
        put_number(f.spool, i);
    FILE *in = fdopen(f.reader, "r");
    while (ours + theirs < 2 * COUNT) {
        read_line(in, line, sizeof line);
        if (strcmp(line, "other\n") == 0) {
            theirs++;
            continue;
        }
        cr_assert_eq(strlen(line), LINE);
        cr_assert_eq(strtoul(line, NULL, 10), ours++);
    }
    cr_expect_eq(ours, COUNT);
    spool_close(f.spool, 5000);
    f.reader = dup(f.reader);
    fclose(in);
    fifo_end(&f);
}

Test(spool, the_end_does_not_wait_for_who_never_reads, .timeout = 20)
{
    struct fifo f;
    fifo_begin(&f);
    for (unsigned i = 0; i < 150; i++)
        put_number(f.spool, i);
    uint64_t begin = now_ms();
    spool_close(f.spool, 200);
    cr_expect_geq(now_ms() - begin, 190);
    cr_expect_lt(now_ms() - begin, 5000);
    fifo_end(&f);
}

Test(spool, one_spool_serves_all_who_open_a_path)
{
    char dir[] = "/tmp/spool-XXXXXX", path[64], text[64];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/log", dir);
    struct spool *one = spool_open(path, ROOM, &events), *two = spool_open(path, ROOM, &events);
    cr_expect_eq(one, two);
    spool_put(one, "a\n", 2);
    spool_close(one, 5000);
    spool_put(two, "b\n", 2);
    spool_close(two, 5000);
    int fd = open(path, O_RDONLY);
    cr_expect_eq(read(fd, text, sizeof text), 4);
    cr_expect_eq(memcmp(text, "a\nb\n", 4), 0);
    close(fd);
    unlink(path);
    rmdir(dir);
}

Test(spool, a_line_longer_than_a_pipes_atomic_write_arrives_too, .timeout = 20)
{
    static char line[2 * PIPE_BUF], seen[sizeof line];
    struct fifo f;
    size_t got = 0;
    fifo_begin(&f);
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    spool_put(f.spool, line, sizeof line);
    while (got < sizeof line) {
        ssize_t n = read(f.reader, seen + got, sizeof line - got);
        cr_assert_gt(n, 0);
        got += (size_t)n;
    }
    cr_expect_eq(memcmp(line, seen, sizeof line), 0);
    spool_close(f.spool, 5000);
    fifo_end(&f);
}
