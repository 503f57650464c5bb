/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of every request. In libc they are cancellation points, which take some fifty
 * instructions as soon as a process has a second thread; nobody cancels a thread of ours.
 * Sanitizers only see what goes through libc. */
#ifndef ENGINE_NET_CALL_H
#define ENGINE_NET_CALL_H

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define CALL_THROUGH_LIBC 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
#define CALL_THROUGH_LIBC 1
#endif
#endif

static inline ssize_t call_recv(int fd, void *to, size_t cap, int flags)
{
#if defined SYS_recvfrom && !defined CALL_THROUGH_LIBC
    return syscall(SYS_recvfrom, fd, to, cap, flags, NULL, NULL);
#else
    return recv(fd, to, cap, flags);
#endif
}

static inline ssize_t call_send(int fd, const void *from, size_t n, int flags)
{
#if defined SYS_sendto && !defined CALL_THROUGH_LIBC
    return syscall(SYS_sendto, fd, from, n, flags, NULL, 0);
#else
    return send(fd, from, n, flags);
#endif
}

static inline ssize_t call_sendmsg(int fd, const struct msghdr *m, int flags)
{
#if defined SYS_sendmsg && !defined CALL_THROUGH_LIBC
    return syscall(SYS_sendmsg, fd, m, flags);
#else
    return sendmsg(fd, m, flags);
#endif
}

static inline int call_epoll_wait(int epoll, struct epoll_event *to, int most, int timeout)
{
#if defined SYS_epoll_wait && !defined CALL_THROUGH_LIBC
    return (int)syscall(SYS_epoll_wait, epoll, to, most, timeout);
#else
    return epoll_wait(epoll, to, most, timeout);
#endif
}

#endif
