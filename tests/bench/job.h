/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs on one packet: what each costs in time and instructions, beside a floor. */
#ifndef BENCH_JOB_H
#define BENCH_JOB_H
#include <ajp/ajp.h>

struct packet {
    const char *label;
    uint8_t bytes[AJP_PACKET_MAX];
    size_t len;
    char http[8192]; /* the same as an HTTP/1 head */
    size_t http_len;
};

/* What it returns is used up, so that no compiler leaves the work out. */
typedef size_t work_fn(const struct packet *p);

struct job;

/* Reads the command line: --check makes a missed aim a failure, --count makes every job run a
 * few times for valgrind, which counts, and --instructions FILE takes what it counted. */
bool job_options(int argc, char **argv);

/* One more job on the next packet, by what of its bytes it is to be judged. */
const struct job *job(const char *what, work_fn *work, size_t bytes);

/* Measures the jobs given since the last time and prints them; floor, one of them, may be NULL. */
void job_measure(const struct packet *k, const struct job *floor);

/* An aim: a ratio to the floor, in the same run. To be told before the next job is given. */
void job_aim(const char *what, const struct job *j, const struct job *floor, double most);

/* The program's exit status. */
int job_result(void);

/* For results that are no packet's. */
extern volatile size_t sink;

#endif
