/* SPDX-License-Identifier: Apache-2.0 */
/* A balancer over workers named a, b, c ... that nothing listens behind. */
#ifndef TESTS_ENGINE_BALANCE_FIXTURE_H
#define TESTS_ENGINE_BALANCE_FIXTURE_H

#include "balance/address.h"
#include "balance/balancer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

static struct worker_settings fixture_workers[WORKERS_MAX];
static struct settings fixture_settings;

static inline ajp_str str(const char *text)
{
    return text ? ajp_str_of(text, strlen(text)) : AJP_NULL;
}

/* A system fresh from debootstrap has no /etc/hosts, and so no name but addresses. */
static inline bool fixture_knows_localhost(void)
{
    struct addrinfo *found = NULL;
    if (getaddrinfo("localhost", NULL, NULL, &found) != 0)
        return false;
    freeaddrinfo(found);
    return true;
}

/* Defaults: call it, change fixture_workers and fixture_settings, then fixture_balancer. */
static inline void fixture_reset(size_t count)
{
    static const char names[] = "a\0b\0c\0d\0e\0f\0g\0h";
    memset(fixture_workers, 0, sizeof fixture_workers);
    fixture_settings = (struct settings){
        .workers = fixture_workers,
        .worker_count = count,
        .session = {.cookie = str("JSESSIONID"),
                    .param = str("jsessionid"),
                    .separator = '.',
                    .sticky = true,
                    .idle = 7000},
        .health = {.interval = 300, .timeout = 100, .silence = 1000, .fall = 2, .rise = 1},
    };
    for (size_t i = 0; i < count; i++) {
        fixture_workers[i].name = ajp_str_of(names + 2 * i, 1);
        fixture_workers[i].proto = PROTO_AJP;
        fixture_workers[i].host = str("127.0.0.1");
        fixture_workers[i].port = 1;
        fixture_workers[i].weight = 1;
    }
}

/* A look-up's answer: 127.0.0.N for each digit of numbers. Valid until the next. */
static inline const struct addrinfo *fixture_found(const char *numbers, uint16_t port)
{
    static struct addrinfo list[16];
    static struct sockaddr_in in[16];
    size_t count = strlen(numbers);
    for (size_t i = 0; i < count; i++) {
        in[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons(port),
                                     .sin_addr.s_addr =
                                         htonl(0x7f000000u + (uint32_t)(numbers[i] - '0'))};
        list[i] = (struct addrinfo){.ai_family = AF_INET,
                                    .ai_addr = (struct sockaddr *)&in[i],
                                    .ai_addrlen = sizeof in[i],
                                    .ai_next = i + 1 < count ? &list[i + 1] : NULL};
    }
    return list;
}

static inline struct balancer *fixture_balancer(void)
{
    char error[256];
    struct balancer *balancer = balancer_new(&fixture_settings, error, sizeof error);
    cr_assert_not_null(balancer, "%s", error);
    return balancer;
}

#endif
