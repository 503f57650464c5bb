/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list. A head is a node that links to itself. */
#ifndef ENGINE_BASE_LIST_H
#define ENGINE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

/* The object of type T that holds the member M at p. */
#define CONTAINER_OF(p, T, M) ((T *)(void *)((char *)(p)-offsetof(T, M)))

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Put n right behind at. */
static inline void list_add(struct list *at, struct list *n)
{
    n->next = at->next;
    n->prev = at;
    at->next->prev = n;
    at->next = n;
}

/* Unlink n; n is then a list of its own, so removing it again does nothing. */
static inline void list_remove(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

#endif
