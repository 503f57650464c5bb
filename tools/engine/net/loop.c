/* SPDX-License-Identifier: Apache-2.0 */
/* One repeating timer turns the wheel; libuv passes its time to epoll_wait, so it
 * costs no system call of its own. */
#include "net/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BLOCK_EXTRA = 56 * 1024, BLOCKS_KEPT = 512, SCRATCH_MIN = 256 * 1024 };

enum { STALL_MS = 1000, GRACE_MS = 1000 };

/* Who did not run for long (stopped, or without a CPU) must not blame the others: what they sent
 * meanwhile is looked at before any deadline is. */
static void on_tick(uv_timer_t *t)
{
    struct loop *l = t->data;
    uint64_t now = loop_now(l);

    if (now - l->ticked_at > STALL_MS)
        l->grace_until = now + GRACE_MS;
    l->ticked_at = now;
    if (now >= l->grace_until)
        deadline_wheel_turn(&l->wheel, now);
}

/* What runs may ask for another turn: that comes after this one's sockets. */
static void on_idle(uv_idle_t *idle)
{
    struct loop *l = idle->data;
    struct list due;

    list_init(&due);
    while (!list_empty(&l->again)) {
        struct list *n = l->again.prev;

        list_remove(n);
        list_add(&due, n);
    }
    while (!list_empty(&due)) {
        struct again *a = CONTAINER_OF(due.next, struct again, node);

        list_remove(&a->node);
        a->run(a);
    }
    if (list_empty(&l->again))
        uv_idle_stop(idle);
}

void loop_again(struct loop *l, struct again *a)
{
    if (!list_empty(&a->node))
        return;
    list_add(l->again.prev, &a->node);
    uv_idle_start(&l->idle, on_idle);
}

int loop_init(struct loop *l, uint32_t packet_size)
{
    int rc;

    l->scratch_size = SCRATCH_MIN + packet_size;
    l->scratch = malloc(l->scratch_size);
    if (l->scratch == NULL)
        return UV_ENOMEM;
    rc = uv_loop_init(&l->uv);
    if (rc != 0) {
        free(l->scratch);
        return rc;
    }
    deadline_wheel_init(&l->wheel, loop_now(l));
    l->ticked_at = loop_now(l);
    l->grace_until = 0;
    buf_pool_init(&l->bufs, packet_size + BLOCK_EXTRA, BLOCKS_KEPT);
    l->date_at = 0;
    l->record = NULL;
    list_init(&l->again);
    uv_idle_init(&l->uv, &l->idle);
    l->idle.data = l;
    uv_timer_init(&l->uv, &l->tick);
    l->tick.data = l;
    uv_timer_start(&l->tick, on_tick, DEADLINE_TICK_MS, DEADLINE_TICK_MS);
    uv_unref((uv_handle_t *)&l->tick);
    return 0;
}

int loop_close(struct loop *l)
{
    int rc;

    uv_close((uv_handle_t *)&l->tick, NULL);
    uv_close((uv_handle_t *)&l->idle, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    rc = uv_loop_close(&l->uv);
    buf_pool_clear(&l->bufs);
    free(l->scratch);
    free(l->record);
    return rc;
}

const char *loop_date(struct loop *l)
{
    uint64_t second = loop_now(l) / 1000;

    if (l->date_at != second || second == 0) {
        static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        time_t now = time(NULL);
        struct tm tm;

        gmtime_r(&now, &tm);
        /* Not strftime: its names follow the locale, HTTP's do not. */
        snprintf(l->date, sizeof(l->date), "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
                 (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
                 (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                 (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
        l->date_at = second;
    }
    return l->date;
}
