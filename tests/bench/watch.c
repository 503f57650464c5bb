/* SPDX-License-Identifier: Apache-2.0 */
/* What processes have used (from /proc, all threads), and a histogram of latencies. */
#include "load.h"
#include "sock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* CPU time of one thread: the kernel's own count in nanoseconds */
static uint64_t thread_cpu(const char *dir, const char *tid)
{
    char path[400];
    unsigned long long ns = 0;
    snprintf(path, sizeof path, "%s/%s/schedstat", dir, tid);
    FILE *f = fopen(path, "re");
    if (f) {
        if (fscanf(f, "%llu", &ns) != 1)
            ns = 0;
        fclose(f);
    }
    return ns;
}

static void thread_switches(const char *dir, const char *tid, struct usage *u)
{
    char path[400], line[256];
    unsigned long long n;
    snprintf(path, sizeof path, "%s/%s/status", dir, tid);
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1)
            u->waits += n;
        else if (sscanf(line, "nonvoluntary_ctxt_switches: %llu", &n) == 1)
            u->preempted += n;
    }
    fclose(f);
}

/* The fallback where schedstat is not built in: user and system ticks of the process */
static uint64_t process_ticks(long pid)
{
    char path[64], line[1024];
    unsigned long user, system;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    char *after = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    fclose(f);
    if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                         &system) != 2)
        return 0;
    return (user + system) * 1000000000ull / (unsigned long)sysconf(_SC_CLK_TCK);
}

static void process_add(long pid, struct usage *u)
{
    char dir[64];
    uint64_t ns = 0;
    snprintf(dir, sizeof dir, "/proc/%ld/task", pid);
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        ns += thread_cpu(dir, e->d_name);
        thread_switches(dir, e->d_name, u);
    }
    closedir(d);
    u->cpu_ns += ns ? ns : process_ticks(pid);
}

struct usage watch_read(const char *pids)
{
    struct usage u = {0, 0, 0};
    while (pids && *pids) {
        char *next;
        process_add(strtol(pids, &next, 10), &u);
        pids = *next == ',' ? next + 1 : NULL;
    }
    return u;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    uint64_t us = ns / 125; /* eighths of a microsecond */
    unsigned log = us < 8 ? 0 : (unsigned)(60 - __builtin_clzll(us));
    unsigned slot = log * 8 + (unsigned)(us >> log);
    h->count[slot < 511 ? slot : 511]++;
}

double histogram_us(const struct histogram *h, double share)
{
    uint64_t all = 0, seen = 0;
    for (int i = 0; i < 512; i++)
        all += h->count[i];
    for (int i = 0; i < 512; i++) {
        seen += h->count[i];
        if (all && (double)seen >= share * (double)all) {
            int log = i < 16 ? 0 : i / 8 - 1;
            return (double)((uint64_t)(i - log * 8) << log) / 8;
        }
    }
    return 0;
}
