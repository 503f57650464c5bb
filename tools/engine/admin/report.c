/* SPDX-License-Identifier: Apache-2.0 */
/* The state of all workers, as JSON and as Prometheus reads it. */
#include "admin/admin.h"

#include "balance/sessions.h"
#include "core/refusal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static uint64_t value_sessions(const struct worker *w)
{
    return sessions_count(w->sessions, now_ms());
}

/* How long its health has been what it is. */
static uint64_t value_since(const struct worker *w)
{
    uint64_t now = now_ms(), since = atomic_load(&w->since_ms);

    return now > since ? now - since : 0;
}

/* By the wall clock. */
static const char *since_text(const struct worker *w, char *out, size_t cap)
{
    uint64_t ago = value_since(w);
    struct timespec now;
    struct tm parts;
    uint64_t at;
    time_t second;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    at = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 - ago;
    second = (time_t)(at / 1000);
    gmtime_r(&second, &parts);
    n = strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + n, cap - n, ".%03uZ", (unsigned)(at % 1000));
    return out;
}

static json_t *worker_json(const struct worker *w)
{
    enum activation activation = (enum activation)atomic_load(&w->activation);
    char reason[REASON_MAX], since[40];

    worker_reason(w, reason);
    return json_pack(
        "{s:s, s:s, s:i, s:s, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I}", "name",
        w->settings->name.ptr, "host", w->settings->host.ptr, "port", (int)w->settings->port,
        "activation", activation_name(activation), "weight", (int)worker_weight(w), "health",
        health_name(worker_health(w)), "reason", reason, "since",
        since_text(w, since, sizeof(since)), "busy", (int)atomic_load(&w->tally.busy),
        "connections", (int)atomic_load(&w->room->connections), "waiting",
        (int)atomic_load(&w->room->waiting), "elected", (json_int_t)atomic_load(&w->elected),
        "served", (json_int_t)atomic_load(&w->served), "errors",
        (json_int_t)atomic_load(&w->errors), "retries", (json_int_t)atomic_load(&w->retries),
        "sessions", (json_int_t)value_sessions(w));
}

char *admin_status_json(const struct admin_host *host, struct generation *g)
{
    json_t *workers = json_array();
    json_t *all;
    char *text;

    for (size_t i = 0; i < g->balancer->count; i++)
        json_array_append_new(workers, worker_json(&g->balancer->workers[i]));
    all = json_pack("{s:s, s:o}", "program", host->program, "workers", workers);
    text = json_dumps(all, JSON_INDENT(2));
    json_decref(all);
    return text;
}

/* One metric of all workers. */
struct metric {
    const char *name, *type, *help;
    uint64_t (*value)(const struct worker *w);
};

static uint64_t value_up(const struct worker *w)
{
    return worker_health(w) != HEALTH_DOWN;
}

static uint64_t value_silent(const struct worker *w)
{
    return worker_health(w) == HEALTH_SILENT;
}

static uint64_t value_since_seconds(const struct worker *w)
{
    return value_since(w) / 1000;
}

static uint64_t value_busy(const struct worker *w)
{
    return atomic_load(&w->tally.busy);
}

static uint64_t value_connections(const struct worker *w)
{
    return atomic_load(&w->room->connections);
}

static uint64_t value_waiting(const struct worker *w)
{
    return atomic_load(&w->room->waiting);
}

static uint64_t value_elected(const struct worker *w)
{
    return atomic_load(&w->elected);
}

static uint64_t value_errors(const struct worker *w)
{
    return atomic_load(&w->errors);
}

static uint64_t value_retries(const struct worker *w)
{
    return atomic_load(&w->retries);
}

static const struct metric metrics[] = {
    {"ajp_worker_up", "gauge", "1 unless the worker is down", value_up},
    {"ajp_worker_silent", "gauge", "1 while it does not answer, and its sessions wait",
     value_silent},
    {"ajp_worker_health_seconds", "gauge", "since its health has changed", value_since_seconds},
    {"ajp_worker_busy", "gauge", "requests at the worker now", value_busy},
    {"ajp_worker_connections", "gauge", "open connections to it", value_connections},
    {"ajp_worker_waiting", "gauge", "requests that wait for a connection, or for its answer",
     value_waiting},
    {"ajp_worker_requests_total", "counter", "attempts begun", value_elected},
    {"ajp_worker_sessions", "gauge", "sessions seen there lately, about", value_sessions},
    {"ajp_worker_errors_total", "counter", "attempts that failed", value_errors},
    {"ajp_worker_retries_total", "counter", "attempts that failed and were made again",
     value_retries},
};

/* Of the whole daemon, not of one worker. */
static void put_log_metric(FILE *f)
{
    fprintf(f,
            "# HELP ajp_log_lost_lines_total lines that the log's reader was too slow for, or that "
            "could not be written\n# TYPE ajp_log_lost_lines_total counter\n"
            "ajp_log_lost_lines_total{log=\"events\"} %" PRIu64 "\n"
            "ajp_log_lost_lines_total{log=\"access\"} %" PRIu64 "\n",
            log_lost_events(), log_lost_access());
}

static void put_refusals(FILE *f)
{
    fprintf(f, "# HELP ajp_requests_refused_total requests that were refused here, by reason\n"
               "# TYPE ajp_requests_refused_total counter\n");
    for (enum refusal why = 0; why < REFUSED_COUNT; why++)
        fprintf(f, "ajp_requests_refused_total{reason=\"%s\"} %" PRIu64 "\n", refusal_name(why),
                refusal_value(why));
}

char *admin_metrics(const struct admin_host *host, struct generation *g)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    (void)host;
    if (f == NULL)
        return NULL;
    for (size_t m = 0; m < sizeof(metrics) / sizeof(metrics[0]); m++) {
        fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", metrics[m].name, metrics[m].help,
                metrics[m].name, metrics[m].type);
        for (size_t i = 0; i < g->balancer->count; i++) {
            const struct worker *w = &g->balancer->workers[i];

            fprintf(f, "%s{worker=\"%s\"} %" PRIu64 "\n", metrics[m].name, w->settings->name.ptr,
                    metrics[m].value(w));
        }
    }
    put_log_metric(f);
    put_refusals(f);
    fclose(f);
    return text;
}
