/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors may be shared with other programs (a terminal with its shell), so they stay blocking:
 * the thread blocks, with no lock held. */
#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PIECE = 16384, /* of one write to a file */
    NOTICE = 512,
};

struct spool {
    struct spool *next; /* of all */
    struct spool_events *events;
    pthread_mutex_t lock;
    pthread_cond_t moved; /* something was put, or written, or is to end */
    pthread_t thread;
    int fd;
    bool whole_pipe; /* no write is longer than PIPE_BUF: other programs write there too */
    bool waiting;    /* the thread has nothing to do */
    bool reopen, stop;
    size_t before_reopen;     /* bytes */
    uint64_t lost;            /* lines, since the last that was put */
    size_t at, len, room;     /* a ring */
    char *ring, piece[PIECE]; /* piece: of the thread alone */
    unsigned users;           /* under all_lock */
    char path[];
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct spool *all;

static uint64_t lines_in(const char *text, size_t len)
{
    uint64_t lines = 0;
    for (const char *end = text + len; (text = memchr(text, '\n', (size_t)(end - text))); text++)
        lines++;
    return lines;
}

static void lose(struct spool *spool, uint64_t lines)
{
    atomic_fetch_add_explicit(&spool->events->lost, lines, memory_order_relaxed);
}

/* --- the ring; the lock is held --- */

static void ring_put(struct spool *spool, const char *text, size_t len)
{
    size_t end = (spool->at + spool->len) % spool->room;
    size_t first = len < spool->room - end ? len : spool->room - end;
    memcpy(spool->ring + end, text, first);
    memcpy(spool->ring, text + first, len - first);
    spool->len += len;
}

/* What was lost is told where it is missing. After that half of the room must be free again, or
 * every few lines there would be a gap. */
static bool resume(struct spool *spool, size_t len)
{
    char notice[NOTICE];
    if (spool->len > spool->room / 2 || len + NOTICE > spool->room - spool->len)
        return false;
    size_t told = spool->events->resumed(notice, sizeof notice, spool->lost);
    spool->lost = 0;
    ring_put(spool, notice, told);
    return true;
}

static void ring_drop(struct spool *spool, size_t len)
{
    spool->at = (spool->at + len) % spool->room;
    spool->len -= len;
    if (spool->len == 0)
        spool->at = 0; /* memory that was never needed is never touched */
    if (spool->reopen)
        spool->before_reopen -= len;
}

/* Lines for one write, copied into piece. */
static size_t next_piece(struct spool *spool)
{
    size_t len = spool->reopen ? spool->before_reopen : spool->len;
    size_t most = spool->whole_pipe ? PIPE_BUF : PIECE;
    if (len > PIECE)
        len = PIECE;
    size_t first = len < spool->room - spool->at ? len : spool->room - spool->at;
    memcpy(spool->piece, spool->ring + spool->at, first);
    memcpy(spool->piece + first, spool->ring, len - first);
    if (len <= most && spool->piece[len - 1] == '\n')
        return len;
    const char *end = memrchr(spool->piece, '\n', most < len ? most : len);
    if (!end)
        end = memchr(spool->piece, '\n', len);
    return end ? (size_t)(end - spool->piece) + 1 : len;
}

/* --- the thread --- */

static int open_path(const char *path)
{
    if (strcmp(path, SPOOL_STDOUT) == 0)
        return STDOUT_FILENO;
    if (strcmp(path, SPOOL_STDERR) == 0)
        return STDERR_FILENO;
    /* To open a FIFO for writing alone would wait for its reader, and fail when that goes. */
    struct stat st;
    int fd = -1;
    if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
        fd = open(path, O_RDWR | O_CLOEXEC);
    return fd >= 0 ? fd : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

static void close_fd(int fd)
{
    if (fd != STDOUT_FILENO && fd != STDERR_FILENO)
        close(fd);
}

static void take_fd(struct spool *spool, int fd)
{
    struct stat st;
    spool->whole_pipe = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode);
    spool->fd = fd;
}

static void write_piece(struct spool *spool, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(spool->fd, spool->piece + done, len - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN) { /* another program has made it so */
            struct pollfd ready = {.fd = spool->fd, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            int error = errno;
            uint64_t lines = lines_in(spool->piece + done, len - done);
            lose(spool, lines);
            spool->events->failed(spool->path, "write", lines, error);
            return;
        }
    }
}

static void open_anew(struct spool *spool)
{
    int fd = open_path(spool->path);
    if (fd < 0) {
        spool->events->failed(spool->path, "reopen", 0, errno);
        return;
    }
    close_fd(spool->fd);
    take_fd(spool, fd);
}

static void *run(void *ctx)
{
    struct spool *spool = ctx;
    pthread_setname_np(pthread_self(), "log");
    pthread_mutex_lock(&spool->lock);
    while (!spool->stop) {
        if (spool->reopen && spool->before_reopen == 0) {
            spool->reopen = false;
            pthread_mutex_unlock(&spool->lock);
            open_anew(spool);
            pthread_mutex_lock(&spool->lock);
        } else if (spool->len > 0) {
            size_t len = next_piece(spool);
            pthread_mutex_unlock(&spool->lock);
            write_piece(spool, len);
            pthread_mutex_lock(&spool->lock);
            ring_drop(spool, len);
        } else if (spool->lost > 0) {
            resume(spool, 0);
        } else {
            spool->waiting = true;
            pthread_cond_broadcast(&spool->moved); /* who closes it may wait for that */
            while (spool->waiting)
                pthread_cond_wait(&spool->moved, &spool->lock);
        }
    }
    pthread_mutex_unlock(&spool->lock);
    return NULL;
}

/* The lock is held. */
static void wake(struct spool *spool)
{
    if (!spool->waiting)
        return;
    spool->waiting = false;
    pthread_cond_broadcast(&spool->moved);
}

/* Signals are for the others. */
static int start_thread(struct spool *spool)
{
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int rc = pthread_create(&spool->thread, NULL, run, spool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* --- for everybody --- */

static void free_spool(struct spool *spool)
{
    pthread_cond_destroy(&spool->moved);
    pthread_mutex_destroy(&spool->lock);
    free(spool->ring);
    free(spool);
}

static struct spool *new_spool(const char *path, size_t room, struct spool_events *events)
{
    size_t path_len = strlen(path) + 1;
    struct spool *spool = calloc(1, sizeof *spool + path_len);
    if (!spool)
        return NULL;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&spool->moved, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&spool->lock, NULL);
    memcpy(spool->path, path, path_len);
    spool->events = events;
    spool->room = room;
    spool->ring = malloc(room);
    int error = ENOMEM, fd = -1;
    if (spool->ring && (fd = open_path(path)) < 0)
        error = errno;
    if (fd >= 0) {
        take_fd(spool, fd);
        error = start_thread(spool);
    }
    if (error == 0)
        return spool;
    if (fd >= 0)
        close_fd(fd);
    free_spool(spool);
    errno = error;
    return NULL;
}

struct spool *spool_open(const char *path, size_t room, struct spool_events *events)
{
    pthread_mutex_lock(&all_lock);
    struct spool *spool = all;
    while (spool && strcmp(spool->path, path) != 0)
        spool = spool->next;
    if (!spool && (spool = new_spool(path, room, events))) {
        spool->next = all;
        all = spool;
    }
    if (spool)
        spool->users++;
    pthread_mutex_unlock(&all_lock);
    return spool;
}

void spool_put(struct spool *spool, const char *lines, size_t len)
{
    if (len == 0)
        return;
    pthread_mutex_lock(&spool->lock);
    bool fits = spool->lost > 0 ? resume(spool, len) : len <= spool->room - spool->len;
    if (fits) {
        ring_put(spool, lines, len);
        wake(spool);
    } else {
        uint64_t gone = lines_in(lines, len);
        spool->lost += gone;
        lose(spool, gone);
    }
    pthread_mutex_unlock(&spool->lock);
}

void spool_reopen(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    spool->reopen = true;
    spool->before_reopen = spool->len;
    wake(spool);
    pthread_mutex_unlock(&spool->lock);
}

static struct timespec after(unsigned ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

/* False: the thread is stuck, and keeps what is its. */
static bool end_thread(struct spool *spool, unsigned patience_ms)
{
    struct timespec until = after(patience_ms);
    int rc = 0;
    pthread_mutex_lock(&spool->lock);
    while (!spool->waiting && rc == 0)
        rc = pthread_cond_timedwait(&spool->moved, &spool->lock, &until);
    bool done = spool->waiting;
    spool->stop = true;
    wake(spool);
    pthread_mutex_unlock(&spool->lock);
    if (done)
        pthread_join(spool->thread, NULL);
    else
        pthread_detach(spool->thread);
    return done;
}

static struct spool **place_of(const struct spool *spool)
{
    struct spool **at = &all;
    while (*at != spool)
        at = &(*at)->next;
    return at;
}

void spool_close(struct spool *spool, unsigned patience_ms)
{
    pthread_mutex_lock(&all_lock);
    bool last = --spool->users == 0;
    /* One that is stuck stays among all: its memory is not forgotten. */
    if (last && end_thread(spool, patience_ms)) {
        *place_of(spool) = spool->next;
        close_fd(spool->fd);
        free_spool(spool);
    }
    pthread_mutex_unlock(&all_lock);
}
