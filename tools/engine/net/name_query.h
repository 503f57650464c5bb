/* SPDX-License-Identifier: Apache-2.0 */
/* One look-up of a host name, in a thread of its own: a resolver may take half a minute, cannot be
 * stopped, and must hold up neither requests nor the end of the program nor other look-ups. */
#ifndef ENGINE_NET_NAME_QUERY_H
#define ENGINE_NET_NAME_QUERY_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

struct name_query;

/* For who waits for several that must not keep one another waiting: longer than a resolver takes to
 * go from a server that is down to the next one. */
enum { NAME_PATIENCE_MS = 10000 };

/* Not an address but a name, which is looked up somewhere. */
bool name_is_looked_up(const char *host);

/* As getaddrinfo has it. found, which may be NULL, is called once, from another thread; nothing of
 * this may be called from there. NULL: out of memory, or of threads. */
struct name_query *name_query_start(const char *host, const char *port,
                                    const struct addrinfo *hints, void (*found)(void *ctx),
                                    void *ctx);
/* Blocks until it is over; deadline_ms is the monotonic clock's. False: it is not. */
bool name_query_wait(struct name_query *query, uint64_t deadline_ms);
/* 0 and the addresses, the query's, or getaddrinfo's error; EAI_AGAIN while it is not over. */
int name_query_result(struct name_query *query, const struct addrinfo **addresses);
/* Its found is not called any more. NULL is fine. */
void name_query_leave(struct name_query *query);

/* From now on nobody waits: the program ends. */
void name_queries_give_up(void);

#endif
