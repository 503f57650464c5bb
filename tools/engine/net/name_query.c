/* SPDX-License-Identifier: Apache-2.0 */
/* The thread and who asked share what belongs to the query; the last of them frees it. */
#include "net/name_query.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLICE_MS = 50 };

struct name_query {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct addrinfo hints, *addresses;
    char port[8];
    void (*found)(void *ctx); /* NULL too when nobody asks any more */
    void *ctx;
    unsigned users; /* 2, 1 */
    int rc;
    bool over;
    char host[];
};

static _Atomic bool given_up;

bool name_is_looked_up(const char *host)
{
    struct in6_addr any;

    return inet_pton(AF_INET, host, &any) != 1 && inet_pton(AF_INET6, host, &any) != 1;
}

static void free_query(struct name_query *q)
{
    if (q->addresses != NULL)
        freeaddrinfo(q->addresses);
    pthread_cond_destroy(&q->ended);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

/* The lock is held, and given up. */
static void leave(struct name_query *q)
{
    bool last = --q->users == 0;

    pthread_mutex_unlock(&q->lock);
    if (last)
        free_query(q);
}

static void *look_up(void *ctx)
{
    struct name_query *q = ctx;
    struct addrinfo *addresses = NULL;
    int rc = getaddrinfo(q->host, q->port[0] != '\0' ? q->port : NULL, &q->hints, &addresses);

    pthread_mutex_lock(&q->lock);
    q->rc = rc;
    q->addresses = rc == 0 ? addresses : NULL;
    q->over = true;
    pthread_cond_broadcast(&q->ended);
    if (q->found != NULL)
        q->found(q->ctx);
    leave(q);
    return NULL;
}

/* Signals are for the others. */
static int start_thread(struct name_query *q)
{
    sigset_t every, before;
    pthread_attr_t how;
    pthread_t thread;
    int rc;

    pthread_attr_init(&how);
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    rc = pthread_create(&thread, &how, look_up, q);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&how);
    return rc;
}

struct name_query *name_query_start(const char *host, const char *port,
                                    const struct addrinfo *hints, void (*found)(void *ctx),
                                    void *ctx)
{
    size_t host_size = strlen(host) + 1;
    struct name_query *q = calloc(1, sizeof(*q) + host_size);
    pthread_condattr_t clock;

    if (q == NULL)
        return NULL;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&q->ended, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&q->lock, NULL);
    memcpy(q->host, host, host_size);
    if (port != NULL)
        strncpy(q->port, port, sizeof(q->port) - 1);
    q->hints = *hints;
    q->found = found;
    q->ctx = ctx;
    q->users = 2;
    if (start_thread(q) == 0)
        return q;
    free_query(q);
    return NULL;
}

static uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool name_query_wait(struct name_query *q, uint64_t deadline_ms)
{
    bool over;

    pthread_mutex_lock(&q->lock);
    for (uint64_t now = clock_ms(); !q->over && now < deadline_ms && !atomic_load(&given_up);
         now = clock_ms()) {
        uint64_t until = now + SLICE_MS < deadline_ms ? now + SLICE_MS : deadline_ms;
        struct timespec at = {.tv_sec = (time_t)(until / 1000),
                              .tv_nsec = (long)(until % 1000) * 1000000};

        pthread_cond_timedwait(&q->ended, &q->lock, &at);
    }
    over = q->over;
    pthread_mutex_unlock(&q->lock);
    return over;
}

int name_query_result(struct name_query *q, const struct addrinfo **addresses)
{
    int rc;

    pthread_mutex_lock(&q->lock);
    rc = q->over ? q->rc : EAI_AGAIN;
    *addresses = q->addresses;
    pthread_mutex_unlock(&q->lock);
    return rc;
}

void name_query_leave(struct name_query *q)
{
    if (q == NULL)
        return;
    pthread_mutex_lock(&q->lock);
    q->found = NULL;
    leave(q);
}

void name_queries_give_up(void)
{
    atomic_store(&given_up, true);
}
