/* SPDX-License-Identifier: Apache-2.0 */
/* Connections lie in an epoll set of our own, edge-triggered: the kernel looks at each event once
 * rather than twice, and nothing is armed and disarmed. Libuv does the rest; it is embedded by its
 * descriptor and runs only when that stirs or a timer of it is due. */
#include "net/loop.h"

#include "net/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_EXTRA = 56 * 1024, BLOCKS_KEPT = 512, SCRATCH_MIN = 256 * 1024 };

enum { STALL_MS = 1000, GRACE_MS = 1000, EVENTS = 256 };
enum { WATCH_FETCH = 384 /* bytes of what a watch is part of */ };

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
static void run_again(struct loop *l)
{
    struct list due;

    if (list_empty(&l->again))
        return;
    due = l->again; /* the whole chain */
    due.next->prev = &due;
    due.prev->next = &due;
    list_init(&l->again);
    while (!list_empty(&due)) {
        struct again *a = CONTAINER_OF(due.next, struct again, node);

        list_remove(&a->node);
        a->run(a);
    }
}

void loop_again(struct loop *l, struct again *a)
{
    if (list_empty(&a->node))
        list_add(l->again.prev, &a->node);
}

int loop_watch(struct loop *l, struct watch *w, int fd)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = w};

    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

/* Closing alone would not do: a child process may hold the descriptor for a moment. */
void loop_unwatch(struct loop *l, int fd)
{
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void loop_turn(struct loop *l, bool wait)
{
    struct epoll_event ready[EVENTS];
    bool uv_stirs = false;
    int timeout = wait && list_empty(&l->again) ? uv_backend_timeout(&l->uv) : 0;
    int n = call_epoll_wait(l->epoll, ready, EVENTS, timeout);

    uv_update_time(&l->uv);
    for (int i = 0; i < n; i++) {
        struct watch *w = ready[i].data.ptr;

        if (i + 1 < n)
            fetch_ahead(ready[i + 1].data.ptr, WATCH_FETCH);
        if (w != NULL)
            w->changed(w, ready[i].events);
        else
            uv_stirs = true;
    }
    run_again(l);
    if (uv_stirs || uv_backend_timeout(&l->uv) == 0)
        uv_run(&l->uv, UV_RUN_NOWAIT);
}

void loop_run(struct loop *l)
{
    l->stopped = false;
    while (!l->stopped)
        loop_turn(l, true);
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

/* The epoll set, with libuv's own descriptor in it as the one without a watch. */
static int open_epoll(struct loop *l)
{
    struct epoll_event e = {.events = EPOLLIN};
    int rc;

    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll >= 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, uv_backend_fd(&l->uv), &e) == 0)
        return 0;
    rc = -errno;
    if (l->epoll >= 0)
        close(l->epoll);
    return rc;
}

int loop_init(struct loop *l, uint32_t packet_size)
{
    int rc;

    l->scratch_size = SCRATCH_MIN + packet_size;
    l->scratch = malloc(l->scratch_size);
    if (l->scratch == NULL)
        return UV_ENOMEM;
    rc = uv_loop_init(&l->uv);
    if (rc == 0) {
        rc = open_epoll(l);
        if (rc != 0)
            uv_loop_close(&l->uv);
    }
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
    l->stopped = false;
    uv_timer_init(&l->uv, &l->tick);
    l->tick.data = l;
    uv_timer_start(&l->tick, on_tick, DEADLINE_TICK_MS, DEADLINE_TICK_MS);
    return 0;
}

int loop_close(struct loop *l)
{
    int rc;

    uv_close((uv_handle_t *)&l->tick, NULL);
    do {
        uv_run(&l->uv, UV_RUN_DEFAULT);
        run_again(l);
    } while (!list_empty(&l->again));
    close(l->epoll);
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
