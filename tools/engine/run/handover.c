/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is not as it is written here is refused: the program that runs goes on then, and nothing
 * is forgotten. */
#include "run/handover.h"

#include "balance/past.h"
#include "net/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum { VERSION = 1, SIZE_MOST = 4 * 1024 * 1024 };

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

struct handover {
    struct worker_past workers[WORKERS_MAX]; /* whose texts are copies */
    size_t count;
};

/* --- writing --- */

static json_t *change_json(const struct overlay_change *change)
{
    json_t *line, *set;
    bool ok = true;

    if (change->remove)
        return json_pack("{s:s}", "remove", change->name);
    set = json_object();
    for (size_t i = 0; i < change->count; i++)
        ok = json_object_set_new(set, change->keys[i], json_string(change->values[i])) == 0 && ok;
    line = json_pack("{s:s, s:o}", "add", change->name, "set", set);
    if (change->like != NULL)
        ok = json_object_set_new(line, "like", json_string(change->like)) == 0 && ok;
    if (ok)
        return line;
    json_decref(line);
    return NULL;
}

static json_t *worker_json(const struct worker *worker)
{
    struct worker_past p = worker_past(worker);

    return json_pack(
        "{s:s, s:s, s:i, s:[ii], s:[ss], s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "worker", p.name.ptr,
        "host", p.host.ptr, "port", (int)p.port, "weight", (int)p.file_weight, (int)p.weight,
        "activation", activation_name(p.file_activation), activation_name(p.activation), "health",
        health_name(p.health), "refused", (json_int_t)p.refused, "since", (json_int_t)p.since_ms,
        "failed", (json_int_t)p.failed_ms, "recovered", (json_int_t)p.recovered_ms, "ejected",
        (json_int_t)p.ejected_ms, "drain", (json_int_t)p.drain_ms);
}

/* line is freed; NULL: it could not be made. */
static bool put(FILE *f, json_t *line)
{
    bool ok = line != NULL && json_dumpf(line, f, JSON_COMPACT) == 0 && fputc('\n', f) != EOF;

    json_decref(line);
    return ok;
}

/* NULL: out of memory. */
static char *text_of(const struct overlay *overlay, const struct balancer *balancer, size_t *len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);
    bool ok = f != NULL && put(f, json_pack("{s:i}", "version", VERSION));

    for (const struct overlay_change *at = overlay->first; at != NULL; at = at->next)
        ok = ok && put(f, change_json(at));
    for (size_t i = 0; i < balancer->count; i++)
        ok = ok && put(f, worker_json(&balancer->workers[i]));
    if (f != NULL && fclose(f) == 0 && ok)
        return text;
    free(text);
    return NULL;
}

/* A descriptor, or -1 and errno. Some systems insist on files that cannot be executed, others do
 * not know of them. */
static int sealed(const char *text, size_t len)
{
    int fd = memfd_create("ajp-upgrade", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("ajp-upgrade", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && write(fd, text, len) == (ssize_t)len && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

int handover_write(const struct overlay *overlay, const struct balancer *balancer, char *error,
                   size_t error_cap)
{
    size_t len = 0;
    char *text = text_of(overlay, balancer, &len);
    int fd = -1;

    if (text == NULL)
        snprintf(error, error_cap, "out of memory");
    else if (len > SIZE_MOST)
        snprintf(error, error_cap, "too many changes were made at run time");
    else if ((fd = sealed(text, len)) < 0)
        snprintf(error, error_cap, "what was set at run time cannot be handed over: %m");
    free(text);
    return fd;
}

/* --- reading --- */

/* NULL: it is no such file. */
static char *read_all(int fd, size_t *len)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat st;
    char *text;

    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0 || st.st_size <= 0 ||
        st.st_size > SIZE_MOST)
        return NULL;
    *len = (size_t)st.st_size;
    text = malloc(*len);
    if (text != NULL && pread(fd, text, *len, 0) == (ssize_t)*len)
        return text;
    free(text);
    return NULL;
}

static bool read_version(json_t *line)
{
    int version;

    return json_unpack_ex(line, NULL, JSON_STRICT, "{s:i}", "version", &version) == 0 &&
           version == VERSION;
}

static struct overlay_change *read_removal(json_t *line)
{
    const char *name;

    if (json_unpack_ex(line, NULL, JSON_STRICT, "{s:s}", "remove", &name) != 0)
        return NULL;
    return overlay_change_new(true, name);
}

static struct overlay_change *read_addition(json_t *line)
{
    const char *name, *like = NULL, *key;
    struct overlay_change *change;
    json_t *set, *value;
    bool ok;

    if (json_unpack_ex(line, NULL, JSON_STRICT, "{s:s, s?s, s:o}", "add", &name, "like", &like,
                       "set", &set) != 0 ||
        !json_is_object(set))
        return NULL;
    change = overlay_change_new(false, name);
    ok = change != NULL && (like == NULL || overlay_change_set(change, "like", like));
    json_object_foreach(set, key, value)
    {
        ok = ok && json_is_string(value) && strcmp(key, "like") != 0 &&
             overlay_change_set(change, key, json_string_value(value));
    }
    if (ok)
        return change;
    overlay_change_free(change);
    return NULL;
}

static bool read_change(struct overlay *overlay, struct overlay_change *change)
{
    if (change != NULL)
        overlay_add(overlay, change);
    return change != NULL;
}

static bool activation_of(const char *name, enum activation *out)
{
    for (*out = ACTIVATION_ACTIVE; *out <= ACTIVATION_SPARE; (*out)++)
        if (strcmp(activation_name(*out), name) == 0)
            return true;
    return false;
}

static bool health_of(const char *name, enum health *out)
{
    for (*out = HEALTH_UP; *out <= HEALTH_PROBE; (*out)++)
        if (strcmp(health_name(*out), name) == 0)
            return true;
    return false;
}

static bool within(json_int_t n, json_int_t least, json_int_t most)
{
    return n >= least && n <= most;
}

static bool read_worker(struct handover *h, json_t *line)
{
    const char *name, *host, *states[2], *health;
    json_int_t port, weights[2], refused, times[5];
    struct worker_past p = {0};

    if (h->count == WORKERS_MAX ||
        json_unpack_ex(line, NULL, JSON_STRICT,
                       "{s:s, s:s, s:I, s:[II], s:[ss], s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
                       "worker", &name, "host", &host, "port", &port, "weight", &weights[0],
                       &weights[1], "activation", &states[0], &states[1], "health", &health,
                       "refused", &refused, "since", &times[0], "failed", &times[1], "recovered",
                       &times[2], "ejected", &times[3], "drain", &times[4]) != 0)
        return false;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        if (times[i] < 0)
            return false;
    if (!within(port, 0, UINT16_MAX) || !within(weights[0], 1, WEIGHT_MAX) ||
        !within(weights[1], 1, WEIGHT_MAX) || !within(refused, 0, UINT32_MAX) ||
        !activation_of(states[0], &p.file_activation) || !activation_of(states[1], &p.activation) ||
        !health_of(health, &p.health))
        return false;
    p.name = ajp_str_of(strdup(name), strlen(name));
    p.host = ajp_str_of(strdup(host), strlen(host));
    p.port = (uint16_t)port;
    p.file_weight = (uint32_t)weights[0];
    p.weight = (uint32_t)weights[1];
    p.refused = (uint32_t)refused;
    p.since_ms = (uint64_t)times[0];
    p.failed_ms = (uint64_t)times[1];
    p.recovered_ms = (uint64_t)times[2];
    p.ejected_ms = (uint64_t)times[3];
    p.drain_ms = (uint64_t)times[4];
    h->workers[h->count++] = p;
    return p.name.ptr != NULL && p.host.ptr != NULL;
}

static bool read_line(struct handover *h, struct overlay *overlay, json_t *line, size_t number)
{
    if (number == 1)
        return read_version(line);
    if (json_object_get(line, "remove") != NULL)
        return read_change(overlay, read_removal(line));
    if (json_object_get(line, "add") != NULL)
        return read_change(overlay, read_addition(line));
    return read_worker(h, line);
}

/* 0, or the line that is wrong. */
static size_t read_lines(struct handover *h, struct overlay *overlay, const char *text, size_t len)
{
    const char *at = text, *stop;

    for (size_t number = 1; at != text + len; number++, at = stop + 1) {
        json_t *line;
        bool ok;

        stop = memchr(at, '\n', (size_t)(text + len - at));
        if (stop == NULL)
            return number;
        line = json_loadb(at, (size_t)(stop - at), JSON_REJECT_DUPLICATES, NULL);
        ok = line != NULL && read_line(h, overlay, line, number);
        json_decref(line);
        if (!ok)
            return number;
    }
    return 0;
}

void handover_free(struct handover *h)
{
    for (size_t i = 0; h != NULL && i < h->count; i++) {
        free((char *)h->workers[i].name.ptr);
        free((char *)h->workers[i].host.ptr);
    }
    free(h);
}

bool handover_read(struct overlay *overlay, struct handover **out, char *error, size_t error_cap)
{
    int fd = inherit_take_state();
    struct handover *h = NULL;
    size_t len = 0, wrong = 1;
    char *text = NULL;

    *out = NULL;
    if (fd < 0)
        return true;
    text = read_all(fd, &len);
    if (text != NULL)
        h = calloc(1, sizeof(*h));
    if (h != NULL)
        wrong = read_lines(h, overlay, text, len);
    close(fd);
    free(text);
    if (wrong == 0) {
        *out = h;
        return true;
    }
    handover_free(h);
    overlay_clear(overlay);
    snprintf(error, error_cap,
             "what was set at run time cannot be taken over: line %zu is not understood", wrong);
    return false;
}

void handover_apply(const struct handover *h, struct balancer *balancer)
{
    balancer_recall(balancer, h->workers, h->count, uv_hrtime() / 1000000);
}
