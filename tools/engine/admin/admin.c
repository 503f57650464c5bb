/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers. Nothing is changed by a GET, and a browser on this machine can
 * not be made to change anything: it takes a header that only a program sends. */
#include "admin/admin.h"

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
    char *unlink_path; /* NULL: not a Unix socket */
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
                                          ACTIVATION_STANDBY};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(activation_name(all[i]), name) == 0) {
            *out = all[i];
            return true;
        }
    return false;
}

static enum MHD_Result put_worker(struct admin *a, struct MHD_Connection *c, const char *name,
                                  const struct request *q)
{
    struct generation *g = a->host->enter(a->host->ctx);
    struct worker *w = balancer_find(g->balancer, ajp_str_of(name, strlen(name)));
    json_t *o = json_loadb(q->body, q->len, 0, NULL);
    const char *state = json_string_value(json_object_get(o, "activation"));
    enum activation next;
    enum MHD_Result rc;

    if (w == NULL) {
        rc = answer_json(c, 404, "error", "no worker of that name");
    } else if (state == NULL || !activation_of(state, &next)) {
        rc = answer_json(c, 400, "error",
                         "expected {\"activation\": \"active|drain|stop|standby\"}");
    } else {
        worker_set_activation(w, next, uv_hrtime() / 1000000);
        log_event(LEVEL_INFO, "activation", "worker=%s activation=%s by=admin",
                  w->settings->name.ptr, state);
        rc = answer_json(c, 200, "activation", state);
    }
    json_decref(o);
    generation_leave(g);
    return rc;
}

static enum MHD_Result post_reload(struct admin *a, struct MHD_Connection *c)
{
    char error[512];

    if (a->host->reload(a->host->ctx, error, sizeof(error)))
        return answer_json(c, 200, "result", "reloaded");
    return answer_json(c, 409, "error", error);
}

static enum MHD_Result change(struct admin *a, struct MHD_Connection *c, const char *method,
                              const char *url, const struct request *q)
{
    if (MHD_lookup_connection_value(c, MHD_HEADER_KIND, "X-Ajp-Admin") == NULL)
        return answer_json(c, 403, "error", "expected a header X-Ajp-Admin");
    if (strcmp(method, "POST") == 0 && strcmp(url, "/reload") == 0)
        return post_reload(a, c);
    if (strcmp(method, "PUT") == 0 && strncmp(url, "/workers/", 9) == 0)
        return put_worker(a, c, url + 9, q);
    return answer_json(c, 404, "error", "expected PUT /workers/NAME or POST /reload");
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

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **mine)
{
    struct request *q = *mine;

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
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
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

struct admin *admin_start(const char *address, const struct admin_host *host, char *error,
                          size_t error_cap)
{
    int fd = admin_listen(address, error, error_cap);
    struct admin *a;

    if (fd < 0)
        return NULL;
    a = calloc(1, sizeof(*a));
    if (a != NULL) {
        a->host = host;
        if (strncmp(address, "unix:", 5) == 0)
            a->unlink_path = strdup(address + 5);
        a->daemon =
            MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC, 0, NULL,
                             NULL, on_request, a, MHD_OPTION_LISTEN_SOCKET, fd,
                             MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_CONNECTION_LIMIT, 32u,
                             MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_END);
    }
    if (a == NULL || a->daemon == NULL) {
        snprintf(error, error_cap, "the admin server cannot be started");
        close(fd);
        if (a != NULL)
            free(a->unlink_path);
        free(a);
        return NULL;
    }
    return a;
}

void admin_stop(struct admin *a, bool handed_down)
{
    int fd;

    if (a == NULL)
        return;
    fd = MHD_quiesce_daemon(a->daemon); /* else it would be shut down, for a successor too */
    MHD_stop_daemon(a->daemon);
    if (fd >= 0)
        close(fd);
    if (a->unlink_path != NULL && !handed_down)
        unlink(a->unlink_path);
    free(a->unlink_path);
    free(a);
}
