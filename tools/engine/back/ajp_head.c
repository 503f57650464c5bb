/* SPDX-License-Identifier: Apache-2.0 */
/* A Forward Request on its way to a worker: relayed where it came in as AJP, else built. */
#include "back/ajp_head.h"

#include "back/extra.h"
#include "map/http_to_ajp.h"

/* As it is, but for its attributes. */
static ajp_status relay_with(struct link *l, uint8_t *room, const struct extra_attrs *with)
{
    const ajp_request *raw = l->x->head.raw;
    const struct extra_attrs extra = *with;
    uint32_t max = l->worker->settings->packet_size;
    size_t len;
    ajp_status st;
    ajp_iov iov[AJP_PATCH_IOV];
    uint8_t head[4];
    int n;

    if (raw->canonical && extra.len == 0 && extra.drop == 0 &&
        raw->payload_len + (uint32_t)AJP_HEADER_SIZE <= max) {
        out_send(&l->out, &l->stream, raw->payload - AJP_HEADER_SIZE,
                 raw->payload_len + (size_t)AJP_HEADER_SIZE);
        return AJP_OK;
    }
    if (raw->canonical) {
        st = ajp_patch_iov(raw, extra.drop, extra.bytes, extra.len, max, head, iov, &n);
        if (st != AJP_OK)
            return st;
        for (int i = 0; i < n; i++)
            out_borrow(&l->out, &l->stream, iov[i].base, iov[i].len);
        out_flush(&l->out, &l->stream);
        return AJP_OK;
    }
    st = ajp_reencode_request(raw, extra.drop, extra.bytes, extra.len, room, max, &len);
    if (st == AJP_OK) {
        out_borrow(&l->out, &l->stream, room, len);
        out_flush(&l->out, &l->stream);
    }
    return st;
}

/* The AJP request it came in by goes on. */
static ajp_status relay_request(struct link *l, uint8_t *room)
{
    const struct exchange *x = l->x;
    uint8_t small[EXTRA_SMALL];
    struct extra_attrs extra = {.bytes = small, .cap = sizeof(small)};
    struct buf *more = NULL; /* a policy may write every attribute anew */
    ajp_status st;

    if (x->front_attributes != NULL || extra_policy(l->worker) != NULL) {
        more = buf_take(&l->shard->loop.bufs);
        if (more == NULL)
            return AJP_ERR_ARG; /* for want of memory */
        extra.bytes = more->data;
        extra.cap = l->shard->loop.bufs.block;
    }
    st = extra_of(x, l->worker, &extra);
    if (st == AJP_OK)
        st = relay_with(l, room, &extra);
    buf_give(&l->shard->loop.bufs, more);
    return st;
}

static ajp_status build_request(struct link *l, uint8_t *room)
{
    const struct exchange *x = l->x;
    struct ajp_extra extra = {.secret = l->worker->settings->secret,
                              .activation = extra_activation(l->worker),
                              .front = x->front_attributes,
                              .back = extra_policy(l->worker)};
    ajp_str largest;
    ajp_status st;
    size_t len;

    st = map_http_to_ajp(&x->head, &extra, room, l->worker->settings->packet_size, &len, &largest);
    if (st != AJP_OK)
        return st;
    out_send(&l->out, &l->stream, room, len);
    return AJP_OK;
}

int64_t ajp_head_length(const struct head *h)
{
    return h->raw == NULL && map_is_bodiless(h) ? 0 : h->content_length;
}

ajp_status ajp_head_send(struct link *l, uint8_t *room)
{
    return l->x->head.raw != NULL ? relay_request(l, room) : build_request(l, room);
}

/* What takes most of a head. */
struct largest {
    ajp_str name;
    size_t size;
};

static void larger_of(struct largest *most, ajp_str name, size_t size)
{
    if (size > most->size)
        *most = (struct largest){name, size};
}

static void blame_packet(struct largest *most, const ajp_request *raw)
{
    ajp_fields fields = raw->headers;
    ajp_attrs attrs = raw->attrs;
    ajp_field f;
    ajp_attr_view a;

    larger_of(most, AJP_STR("path"), raw->uri.len);
    while (ajp_field_next(&fields, &f))
        larger_of(most, f.name, f.name.len + f.value.len);
    while (ajp_attr_next(&attrs, &a))
        larger_of(most, a.code == AJP_ATTR_NAMED ? a.name : ajp_attr_name(a.code),
                  a.name.len + a.value.len);
}

static void blame_head(struct largest *most, const struct head *h)
{
    larger_of(most, AJP_STR("path"), h->path.len);
    larger_of(most, AJP_STR("query"), h->query.len);
    for (uint16_t i = 0; i < h->field_count; i++)
        larger_of(most, h->fields[i].name, h->fields[i].name.len + h->fields[i].value.len);
}

void ajp_head_blame(const struct link *l)
{
    const struct head *h = &l->x->head;
    struct largest most = {{NULL, 0}, 0};
    char name[64];

    if (h->raw != NULL)
        blame_packet(&most, h->raw);
    else
        blame_head(&most, h);
    log_event(LEVEL_WARN, "head_too_large", "worker=%s packet_size=%u largest=\"%s\" bytes=%zu",
              l->worker->settings->name.ptr, l->worker->settings->packet_size,
              log_str(name, sizeof(name), most.name), most.size);
}
