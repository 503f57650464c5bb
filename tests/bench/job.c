/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs take turns round by round; instructions are counted by the processor, else by valgrind. */
#include "job.h"
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#endif

enum { ROUNDS = 401, JOBS_MAX = 8, COUNTED_TURNS = 200 };

struct job {
    const char *what;
    work_fn *work;
    size_t bytes, turns;
    double times[ROUNDS];
    double min, median, instructions; /* of one turn; instructions 0 when not known */
};

volatile size_t sink;

static struct job jobs[JOBS_MAX];
static size_t job_count;
static bool counting, checking;
static FILE *counted;
static int missed;

bool job_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0) {
            checking = true;
        } else if (strcmp(argv[i], "--count") == 0) {
            counting = true;
        } else if (strcmp(argv[i], "--instructions") == 0 && i + 1 < argc) {
            counted = fopen(argv[++i], "r");
            if (counted == NULL) {
                perror(argv[i]);
                return false;
            }
        } else {
            return false;
        }
    }
    return true;
}

const struct job *job(const char *what, work_fn *work, size_t bytes)
{
    struct job *j = &jobs[job_count++];
    *j = (struct job){.what = what, .work = work, .bytes = bytes};
    return j;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double run(const struct job *j, const struct packet *k)
{
    const double start = now_ns();
    for (size_t i = 0; i < j->turns; i++) {
        sink += j->work(k);
    }
    return now_ns() - start;
}

/* A counter of our own instructions, or -1 where the kernel gives none. */
static int instructions(void)
{
    struct perf_event_attr a;
    memset(&a, 0, sizeof a);
    a.size = sizeof a;
    a.type = PERF_TYPE_HARDWARE;
    a.config = PERF_COUNT_HW_INSTRUCTIONS;
    a.exclude_kernel = 1;
    return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

static void count_instructions(struct job *j, const struct packet *k)
{
    static int counter = -2;
    uint64_t before = 0, after = 0;
    if (counted != NULL) { /* in the very order of --count */
        j->instructions =
            fscanf(counted, "%lf", &j->instructions) == 1 ? j->instructions / COUNTED_TURNS : 0;
        return;
    }
    counter = counter == -2 ? instructions() : counter;
    if (counter >= 0 && read(counter, &before, sizeof before) == sizeof before) {
        run(j, k);
        if (read(counter, &after, sizeof after) == sizeof after) {
            j->instructions = (double)(after - before) / (double)j->turns;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The jobs take turns round by round, so that a neighbour's load meets all alike. */
static void measure(const struct packet *k)
{
    for (struct job *j = jobs; j < jobs + job_count; j++) {
        j->turns = 64;
        while (run(j, k) < 1e5) { /* rounds of at least 0.1 ms */
            j->turns *= 2;
        }
        count_instructions(j, k);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (struct job *j = jobs; j < jobs + job_count; j++) {
            j->times[round] = run(j, k) / (double)j->turns;
        }
    }
    for (struct job *j = jobs; j < jobs + job_count; j++) {
        qsort(j->times, ROUNDS, sizeof j->times[0], by_value);
        j->min = j->times[0];
        j->median = j->times[ROUNDS / 2];
    }
}

/* Runs each job for valgrind, which writes what it counted to a file of its own. */
static void count_all(const struct packet *k)
{
    for (struct job *j = jobs; j < jobs + job_count; j++) {
        j->turns = COUNTED_TURNS;
#ifdef HAVE_CALLGRIND
        CALLGRIND_ZERO_STATS;
        run(j, k);
        CALLGRIND_DUMP_STATS;
#else
        (void)k;
#endif
    }
}

void job_measure(const struct packet *k, const struct job *floor)
{
    const size_t count = job_count;
    if (counting) {
        count_all(k);
        job_count = 0;
        return;
    }
    measure(k);
    printf("\n%s, %zu bytes\n  %-34s %9s %9s %8s %8s %8s\n", k->label, k->len, "", "min ns",
           "median", "GB/s", "insn/B", "x floor");
    for (const struct job *j = jobs; j < jobs + count; j++) {
        char per_byte[16] = "-", ratio[16] = "-";
        if (j->instructions > 0) {
            snprintf(per_byte, sizeof per_byte, "%.2f", j->instructions / (double)j->bytes);
        }
        if (floor != NULL && j > floor) {
            snprintf(ratio, sizeof ratio, "%.2f", j->min / floor->min);
        }
        printf("  %-34s %9.1f %9.1f %8.2f %8s %8s\n", j->what, j->min, j->median,
               (double)j->bytes / j->min, per_byte, ratio);
    }
    job_count = 0;
}

void job_aim(const char *what, const struct job *j, const struct job *floor, double most)
{
    if (counting) {
        return;
    }
    const double ratio = j->min / floor->min;
    printf("  %-34s %.2f x, aim %.2f x: %s\n", what, ratio, most, ratio <= most ? "met" : "MISSED");
    missed += ratio > most;
}

int job_result(void)
{
    return checking && missed > 0;
}
