/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of mod_jk 1.2: workers.properties and uriworkermap.properties. */
#include "config/import_rules.h"

#include <string.h>

#define POOL                                                                                       \
    "pools grow as requests need them, one per worker and thread; max_connections caps them"
#define RETRY                                                                                      \
    "a request is tried on up to limits.max_attempts workers, and only while none can have "       \
    "executed it"
#define HEALTH "the prober finds dead and recovered workers within seconds, without users' requests"
#define STATUS "there is no status worker"
#define JNI    "workers inside the web server's process are not supported"
#define COOKIE "only app servers make session cookies"
#define ACTIVATION                                                                                 \
    "BEWARE, a worker is active, drained or stopped for all paths; to keep it from these alone, "  \
    "leave it out of their route"
#define NO_CPING "0 is no CPing there, which there always is here: for timeouts.cping"

static const struct import_rule rules[] = {
    {"activation", .scope = SCOPE_MEMBER},
    {"balance_workers", .scope = SCOPE_BALANCER, .list = true},
    {"balanced_workers", .scope = SCOPE_BALANCER, .newer = "balance_workers"},
    {"busy_limit", .scope = SCOPE_WORKER},
    {"connection_pool_minsize", .scope = SCOPE_WORKER},
    {"disabled", .scope = SCOPE_MEMBER, .newer = "activation"},
    {"distance", .scope = SCOPE_WORKER},
    {"domain", .scope = SCOPE_WORKER},
    {"fail_on_status", .scope = SCOPE_WORKER, .list = true},
    {"host", .scope = SCOPE_WORKER},
    {"jvm_route", .scope = SCOPE_WORKER, .newer = "route"},
    {"lb_retries", .scope = SCOPE_BALANCER},
    {"lbfactor", .scope = SCOPE_WORKER},
    {"list", .scope = SCOPE_TOP, .list = true},
    {"max_packet_size", .scope = SCOPE_WORKER},
    {"method", .scope = SCOPE_BALANCER},
    {"mount", .scope = SCOPE_ALL, .list = true},
    {"port", .scope = SCOPE_WORKER},
    {"redirect", .scope = SCOPE_WORKER},
    {"reference", .scope = SCOPE_ALL},
    {"route", .scope = SCOPE_WORKER},
    {"secret", .scope = SCOPE_ALL},
    {"session_cookie", .scope = SCOPE_BALANCER},
    {"session_path", .scope = SCOPE_BALANCER},
    {"sticky_session", .scope = SCOPE_BALANCER},
    {"sticky_session_force", .scope = SCOPE_BALANCER},
    {"stopped", .scope = SCOPE_MEMBER, .newer = "activation"},
    {"type", .scope = SCOPE_ALL},

    {"cache_timeout", CARRY_TIME, SCOPE_WORKER, .newer = "connection_pool_timeout",
     .target = TIME_POOL_IDLE, .unit = 1000},
    {"connect_timeout", CARRY_TIME, SCOPE_WORKER, .target = TIME_CPING, .unit = 1,
     .reason = NO_CPING},
    {"connection_acquire_timeout", CARRY_TIME, SCOPE_WORKER, .target = TIME_QUEUE, .unit = 1},
    {"connection_ping_interval", CARRY_TIME, SCOPE_WORKER, .target = TIME_CPING_IDLE, .unit = 1000,
     .reason =
         "0 is no CPing to idle connections there, and they get one before they are used here"},
    {"connection_pool_timeout", CARRY_TIME, SCOPE_WORKER, .target = TIME_POOL_IDLE, .unit = 1000},
    {"ping_timeout", CARRY_TIME, SCOPE_WORKER, .target = TIME_CPING, .unit = 1, .reason = NO_CPING},
    {"prepost_timeout", CARRY_TIME, SCOPE_WORKER, .target = TIME_CPING, .unit = 1,
     .reason = NO_CPING},
    {"reply_timeout", CARRY_TIME, SCOPE_WORKER, .target = TIME_REPLY, .unit = 1},
    {"socket_connect_timeout", CARRY_TIME, SCOPE_WORKER, .target = TIME_CONNECT, .unit = 1,
     .reason = "0 is the system's own limit, of minutes"},
    {"socket_timeout", CARRY_TIME, SCOPE_WORKER, .target = TIME_WRITE_STALL, .unit = 1000,
     .reason = "0 is no limit, which would hold for clients too here"},

    {"bad", CARRY_NOT, .reason = STATUS},
    {"bridge", CARRY_NOT, .reason = JNI},
    {"cachesize", CARRY_NOT, .reason = POOL},
    {"class_path", CARRY_NOT, .reason = JNI},
    {"cmd_line", CARRY_NOT, .reason = JNI},
    {"connection_pool_size", CARRY_NOT, .reason = POOL},
    {"css", CARRY_NOT, .reason = STATUS},
    {"doctype", CARRY_NOT, .reason = STATUS},
    {"error_escalation_time", CARRY_NOT, .reason = HEALTH},
    {"good", CARRY_NOT, .reason = STATUS},
    {"jvm_lib", CARRY_NOT, .reason = JNI},
    {"ld_path", CARRY_NOT, .reason = JNI},
    {"local_worker", CARRY_NOT, .reason = "use distance"},
    {"local_worker_only", CARRY_NOT, .reason = "use activation: standby for the others"},
    {"lock", CARRY_NOT, .reason = "workers are balanced without locks"},
    {"maintain", CARRY_NOT, .reason = HEALTH},
    {"max_reply_timeouts", CARRY_NOT, .reason = HEALTH},
    {"ms", CARRY_NOT, .reason = JNI},
    {"mx", CARRY_NOT, .reason = JNI},
    {"native_lib", CARRY_NOT, .reason = JNI},
    {"ns", CARRY_NOT, .reason = STATUS},
    {"ping_mode", CARRY_NOT,
     .reason = "when to ask is timeouts.cping_idle, for all workers, and its ping_timeout "
               "timeouts.cping"},
    {"prefer_ipv6", CARRY_NOT, .reason = "the system's resolver decides; write the address itself"},
    {"prefix", CARRY_NOT, .reason = STATUS},
    {"read_only", CARRY_NOT, .reason = STATUS},
    {"recover_time", CARRY_NOT, .reason = HEALTH},
    {"recovery_options", CARRY_NOT, .reason = RETRY},
    {"recycle_timeout", CARRY_NOT, .reason = "the web server's process model has no part in it"},
    {"retries", CARRY_NOT, .reason = RETRY},
    {"retry_interval", CARRY_NOT, .reason = RETRY},
    {"secretkey", CARRY_NOT, .reason = "AJP 1.4 does not exist in any app server"},
    {"session_cookie_path", CARRY_NOT, .reason = COOKIE},
    {"set_session_cookie", CARRY_NOT, .reason = COOKIE},
    {"socket_buffer", CARRY_NOT, .reason = "the system sizes socket buffers by itself"},
    {"socket_keepalive", CARRY_NOT, .reason = HEALTH},
    {"source", CARRY_NOT, .reason = "the system chooses the source address"},
    {"stderr", CARRY_NOT, .reason = JNI},
    {"stdout", CARRY_NOT, .reason = JNI},
    {"sysprops", CARRY_NOT, .reason = JNI},
    {"user", CARRY_NOT, .reason = STATUS},
    {"user_case_insensitive", CARRY_NOT, .reason = STATUS},
    {"xmlns", CARRY_NOT, .reason = STATUS},
};

static const struct import_rule map_rules[] = {
    {"active", CARRY_NOT, .reason = ACTIVATION},
    {"disabled", CARRY_NOT, .reason = ACTIVATION},
    {"fail_on_status", .reason = NULL},
    {"reply_timeout", .reason = NULL},
    {"session_cookie", .reason = NULL},
    {"session_cookie_path", CARRY_NOT, .reason = COOKIE},
    {"session_path", CARRY_NOT, .reason = "one setting for all paths: session.param"},
    {"set_session_cookie", CARRY_NOT, .number = true, .reason = COOKIE},
    {"stateless", CARRY_NOT, .number = true,
     .reason = "its requests count as others do when workers are chosen; sessions stay where they "
               "are, as there"},
    {"sticky_ignore", .reason = NULL},
    {"stopped", .reason = NULL},
    {"use_server_errors", CARRY_NOT, .number = true,
     .reason = "the app's own error pages go to the client"},
};

static const struct import_rule *find(const struct import_rule *table, size_t count,
                                      const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].key, key) == 0)
            return &table[i];
    return NULL;
}

const struct import_rule *import_rule_of(const char *key)
{
    return find(rules, sizeof rules / sizeof *rules, key);
}

const struct import_rule *import_map_rule_of(const char *key)
{
    return find(map_rules, sizeof map_rules / sizeof *map_rules, key);
}
