/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers. Nothing is changed by a GET, and a browser on this machine can
 * not be made to change anything: it takes a header that only a program sends. */
#include "admin/admin.h"

#include "admin/access.h"
#include "admin/address.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { BODY_MAX = 4096 };

struct admin {
    struct MHD_Daemon *daemon;
    const struct admin_host *host;
    struct local_socket local; /* its path is NULL: not a Unix socket */
    int left;                  /* the socket that it listened on, until it left; -1: it has not */
    char path[];               /* the address */
};

/* One request's body as it comes in. */
struct request {
    size_t len;
    char body[BODY_MAX];
};

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
                              char *text)
{
    struct MHD_Response *r;
    enum MHD_Result rc;

    if (text == NULL)
        return MHD_NO;
    r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (r == NULL)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", "no-store");
    rc = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return rc;
}

static enum MHD_Result answer_json(struct MHD_Connection *c, unsigned status, const char *key,
                                   const char *value)
{
    json_t *o = json_pack("{s:s}", key, value);
    char *text = json_dumps(o, JSON_INDENT(2));

    json_decref(o);
    return answer(c, status, "application/json", text);
}

/* --- changes --- */

static bool activation_of(const char *name, enum activation *out)
{
    static const enum activation all[] = {ACTIVATION_ACTIVE, ACTIVATION_DRAIN, ACTIVATION_STOP,
                                          ACTIVATION_STANDBY, ACTIVATION_SPARE};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(activation_name(all[i]), name) == 0) {
            *out = all[i];
            return true;
        }
    return false;
}

/* Whatever of it is told; NULL: it can be done. */
static const char *problem_of(const json_t *o, enum activation *next)
{
    const json_t *state = json_object_get(o, "activation"), *weight = json_object_get(o, "weight");
    const char *expected = "expected {\"activation\": \"active|drain|stop|standby|spare\"} "
                           "or {\"weight\": 1 to 1000}";

    if (state == NULL && weight == NULL)
        return expected;
    if (state != NULL && (!json_is_string(state) || !activation_of(json_string_value(state), next)))
        return expected;
    if (weight != NULL && (!json_is_integer(weight) || json_integer_value(weight) < 1 ||
                           json_integer_value(weight) > 1000))
        return expected;
    return NULL;
}

/* After what problem_of found well. False: there is no worker of that name. */
static bool set_worker(struct generation *g, const char *name, const json_t *o,
                       enum activation next)
{
    struct worker *w = balancer_find(g->balancer, ajp_str_of(name, strlen(name)));
    const json_t *weight = json_object_get(o, "weight");

    if (w == NULL)
        return false;
    if (json_object_get(o, "activation") != NULL)
        worker_set_activation(w, next, uv_hrtime() / 1000000);
    if (weight != NULL)
        worker_set_weight(w, (uint32_t)json_integer_value(weight));
    log_event(LEVEL_INFO, "activation", "worker=%s activation=%s weight=%u by=admin",
              w->settings->name.ptr, activation_name((enum activation)atomic_load(&w->activation)),
              worker_weight(w));
    return true;
}

static enum MHD_Result put_worker(struct admin *a, struct MHD_Connection *c, const char *name,
                                  const struct request *q)
{
    json_t *o = json_loadb(q->body, q->len, 0, NULL);
    const char *state = json_string_value(json_object_get(o, "activation"));
    enum activation next = ACTIVATION_ACTIVE;
    const char *problem = problem_of(o, &next);
    struct generation *g = NULL;
    enum MHD_Result rc;
    bool found = false;

    if (problem == NULL && (g = a->host->begin_change(a->host->ctx)) != NULL) {
        found = set_worker(g, name, o, next);
        a->host->end_change(a->host->ctx);
    }
    if (problem != NULL)
        rc = answer_json(c, 400, "error", problem);
    else if (g == NULL)
        rc = answer_json(c, 409, "error", "a binary upgrade is under way");
    else if (!found)
        rc = answer_json(c, 404, "error", "no worker of that name");
    else
        rc = state != NULL ? answer_json(c, 200, "activation", state)
                           : answer_json(c, 200, "result", "done");
    json_decref(o);
    return rc;
}

static enum MHD_Result reload_with(struct admin *a, struct MHD_Connection *c,
                                   struct overlay_change *change)
{
    char error[512];

    if (a->host->reload(a->host->ctx, change, error, sizeof(error)))
        return answer_json(c, 200, "result", change == NULL ? "reloaded" : "done");
    return answer_json(c, 409, "error", error);
}

/* By its name, not an alias. made: for one of several addresses of a host name. */
static bool exists(struct admin *a, const char *name, bool *made)
{
    struct generation *g = a->host->enter(a->host->ctx);
    const struct worker *w = balancer_find(g->balancer, ajp_str_of(name, strlen(name)));
    bool there = w != NULL && strcmp(w->settings->name.ptr, name) == 0;

    *made = there && w->settings->origin.ptr != NULL && !w->settings->not_found;
    generation_leave(g);
    return there;
}

/* Every key is a setting of workers, as in the file. NULL: no memory, or no such object. */
static struct overlay_change *change_of(json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "name"));
    struct overlay_change *change = name != NULL ? overlay_change_new(false, name) : NULL;
    const char *key;
    json_t *value;
    bool ok = change != NULL;

    json_object_foreach(o, key, value)
    {
        if (ok && strcmp(key, "name") != 0)
            ok = json_is_string(value) && overlay_change_set(change, key, json_string_value(value));
    }
    if (ok)
        return change;
    overlay_change_free(change);
    return NULL;
}

static enum MHD_Result post_worker(struct admin *a, struct MHD_Connection *c,
                                   const struct request *q)
{
    json_t *o = json_loadb(q->body, q->len, 0, NULL);
    struct overlay_change *change = change_of(o);

    bool made;

    json_decref(o);
    if (change == NULL)
        return answer_json(c, 400, "error",
                           "expected {\"name\": ..., \"url\": ..., ...} with texts");
    if (exists(a, change->name, &made)) {
        overlay_change_free(change);
        return answer_json(c, 409, "error", "there is a worker of that name");
    }
    return reload_with(a, c, change);
}

static enum MHD_Result delete_worker(struct admin *a, struct MHD_Connection *c, const char *name)
{
    struct overlay_change *change;
    bool made;

    if (!exists(a, name, &made))
        return answer_json(c, 404, "error", "no worker of that name");
    if (made)
        return answer_json(c, 409, "error", "it is one of the addresses of a host name");
    change = overlay_change_new(true, name);
    return change != NULL ? reload_with(a, c, change) : answer_json(c, 500, "error", "no memory");
}

static enum MHD_Result change(struct admin *a, struct MHD_Connection *c, const char *method,
                              const char *url, const struct request *q)
{
    if (strcmp(method, "POST") == 0 && strcmp(url, "/reload") == 0)
        return reload_with(a, c, NULL);
    if (strcmp(method, "PUT") == 0 && strncmp(url, "/workers/", 9) == 0)
        return put_worker(a, c, url + 9, q);
    if (strcmp(method, "DELETE") == 0 && strncmp(url, "/workers/", 9) == 0)
        return delete_worker(a, c, url + 9);
    if (strcmp(method, "POST") == 0 && strcmp(url, "/workers") == 0)
        return post_worker(a, c, q);
    return answer_json(c, 404, "error",
                       "expected PUT or DELETE /workers/NAME, POST /workers or POST /reload");
}

/* --- looking --- */

static enum MHD_Result look(struct admin *a, struct MHD_Connection *c, const char *url)
{
    struct generation *g = a->host->enter(a->host->ctx);
    enum MHD_Result rc;

    if (strcmp(url, "/status") == 0 || strcmp(url, "/") == 0)
        rc = answer(c, 200, "application/json", admin_status_json(a->host, g));
    else if (strcmp(url, "/metrics") == 0)
        rc = answer(c, 200, "text/plain; version=0.0.4", admin_metrics(a->host, g));
    else
        rc = answer_json(c, 404, "error", "expected /status or /metrics");
    generation_leave(g);
    return rc;
}

/* --- who may --- */

static const char *header_of(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static struct admin_caller caller_of(const struct admin *a, struct MHD_Connection *c)
{
    return (struct admin_caller){.local = a->local.path != NULL,
                                 .host = header_of(c, "Host"),
                                 .origin = header_of(c, "Origin"),
                                 .authorization = header_of(c, "Authorization"),
                                 .header = header_of(c, "X-Ajp-Admin")};
}

/* NULL: he may. */
static const char *refusal(struct admin *a, struct MHD_Connection *c, bool looks, unsigned *status)
{
    struct admin_caller caller = caller_of(a, c);
    const char *why = admin_may_look(&caller, status);
    struct generation *g;

    if (why != NULL || looks)
        return why;
    g = a->host->enter(a->host->ctx); /* a reload may have read another token */
    why = admin_may_change(&caller, g->settings->admin_token, status);
    generation_leave(g);
    return why;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *method,
                              const char *url, const char *why)
{
    char what[16], where[64];

    log_event(LEVEL_WARN, "admin_refused", "method=%s path=%s status=%u reason=\"%s\"",
              log_str(what, sizeof(what), ajp_str_of(method, strlen(method))),
              log_str(where, sizeof(where), ajp_str_of(url, strlen(url))), status, why);
    return answer_json(c, status, "error", why);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **mine)
{
    struct request *q = *mine;
    bool looks = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    const char *why;
    unsigned status = 0;

    (void)version;
    if (q == NULL) {
        *mine = calloc(1, sizeof(*q));
        return *mine != NULL ? MHD_YES : MHD_NO;
    }
    if (*len > 0) {
        if (*len > BODY_MAX - q->len)
            return MHD_NO;
        memcpy(q->body + q->len, data, *len);
        q->len += *len;
        *len = 0;
        return MHD_YES;
    }
    why = refusal(ctx, c, looks, &status);
    if (why != NULL)
        return refuse(c, status, method, url, why);
    if (looks)
        return look(ctx, c, url);
    return change(ctx, c, method, url, q);
}

static void on_done(void *ctx, struct MHD_Connection *c, void **mine,
                    enum MHD_RequestTerminationCode how)
{
    (void)ctx;
    (void)c;
    (void)how;
    free(*mine);
}

static struct local_access access_of(const struct settings *settings)
{
    const char *group = settings->admin_group.ptr;
    struct local_access access = {.mode = settings->admin_mode, .group = (gid_t)-1};

    if (access.mode == 0)
        access.mode = group != NULL ? 0660 : 0600;
    if (group != NULL)
        local_group(group, &access.group); /* it was there when the settings were read */
    return access;
}

static struct MHD_Daemon *serve(struct admin *a, int fd)
{
    const unsigned how = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                         MHD_USE_POLL | MHD_USE_ITC;

    return MHD_start_daemon(how, 0, NULL, NULL, on_request, a, MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_CONNECTION_LIMIT, 32u,
                            MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_END);
}

struct admin *admin_start(const struct settings *settings, const struct admin_host *host,
                          char *error, size_t error_cap)
{
    const struct local_access access = access_of(settings);
    struct admin *a = calloc(1, sizeof(*a) + settings->admin.len + 1);
    int fd;

    if (a == NULL) {
        snprintf(error, error_cap, "out of memory");
        return NULL;
    }
    a->host = host;
    a->left = -1;
    memcpy(a->path, settings->admin.ptr, settings->admin.len);
    fd = admin_listen(a->path, &access, &a->local, error, error_cap);
    if (fd >= 0)
        a->daemon = serve(a, fd);
    if (a->daemon != NULL)
        return a;
    if (fd >= 0) {
        snprintf(error, error_cap, "the admin server cannot be started");
        if (a->local.path != NULL)
            local_remove(&a->local);
        close(fd);
    }
    free(a);
    return NULL;
}

/* Else the socket would be shut down, for a successor too. */
void admin_leave(struct admin *a)
{
    if (a != NULL && a->left < 0)
        a->left = MHD_quiesce_daemon(a->daemon);
}

void admin_stop(struct admin *a, bool handed_down)
{
    if (a == NULL)
        return;
    admin_leave(a);
    MHD_stop_daemon(a->daemon);
    if (a->left >= 0)
        close(a->left);
    if (a->local.path != NULL && !handed_down)
        local_remove(&a->local);
    free(a);
}
