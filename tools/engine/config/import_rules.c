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
#define PER    "one setting for all paths"

static const struct import_rule rules[] = {
    {"activation", CARRY_ENTRY, 0, 0, 0},
    {"balance_workers", CARRY_ENTRY, 0, 0, 0},
    {"balanced_workers", CARRY_ENTRY, 0, 0, 0},
    {"busy_limit", CARRY_ENTRY, 0, 0, 0},
    {"disabled", CARRY_ENTRY, 0, 0, 0},
    {"distance", CARRY_ENTRY, 0, 0, 0},
    {"domain", CARRY_ENTRY, 0, 0, 0},
    {"host", CARRY_ENTRY, 0, 0, 0},
    {"jvm_route", CARRY_ENTRY, 0, 0, 0},
    {"lbfactor", CARRY_ENTRY, 0, 0, 0},
    {"list", CARRY_ENTRY, 0, 0, 0},
    {"max_packet_size", CARRY_ENTRY, 0, 0, 0},
    {"method", CARRY_ENTRY, 0, 0, 0},
    {"port", CARRY_ENTRY, 0, 0, 0},
    {"redirect", CARRY_ENTRY, 0, 0, 0},
    {"reference", CARRY_ENTRY, 0, 0, 0},
    {"route", CARRY_ENTRY, 0, 0, 0},
    {"secret", CARRY_ENTRY, 0, 0, 0},
    {"session_cookie", CARRY_ENTRY, 0, 0, 0},
    {"session_path", CARRY_ENTRY, 0, 0, 0},
    {"sticky_session", CARRY_ENTRY, 0, 0, 0},
    {"sticky_session_force", CARRY_ENTRY, 0, 0, 0},
    {"stopped", CARRY_ENTRY, 0, 0, 0},
    {"type", CARRY_ENTRY, 0, 0, 0},

    {"cache_timeout", CARRY_TIME, "pool_idle", 1000, 0},
    {"connect_timeout", CARRY_TIME, "cping", 1, 0},
    {"connection_acquire_timeout", CARRY_TIME, "queue", 1, 0},
    {"connection_ping_interval", CARRY_TIME, "cping_idle", 1000, 0},
    {"connection_pool_timeout", CARRY_TIME, "pool_idle", 1000, 0},
    {"ping_timeout", CARRY_TIME, "cping", 1, 0},
    {"prepost_timeout", CARRY_TIME, "cping", 1, 0},
    {"reply_timeout", CARRY_TIME, "reply", 1, 0},
    {"socket_connect_timeout", CARRY_TIME, "connect", 1, 0},
    {"socket_timeout", CARRY_TIME, "write_stall", 1000, 0},

    {"bad", CARRY_NOT, 0, 0, STATUS},
    {"bridge", CARRY_NOT, 0, 0, JNI},
    {"cachesize", CARRY_NOT, 0, 0, POOL},
    {"class_path", CARRY_NOT, 0, 0, JNI},
    {"cmd_line", CARRY_NOT, 0, 0, JNI},
    {"connection_pool_minsize", CARRY_ENTRY, 0, 0, 0},
    {"connection_pool_size", CARRY_NOT, 0, 0, POOL},
    {"css", CARRY_NOT, 0, 0, STATUS},
    {"doctype", CARRY_NOT, 0, 0, STATUS},
    {"error_escalation_time", CARRY_NOT, 0, 0, HEALTH},
    {"fail_on_status", CARRY_ENTRY, 0, 0, 0},
    {"good", CARRY_NOT, 0, 0, STATUS},
    {"jvm_lib", CARRY_NOT, 0, 0, JNI},
    {"lb_retries", CARRY_ENTRY, 0, 0, 0},
    {"ld_path", CARRY_NOT, 0, 0, JNI},
    {"local_worker", CARRY_NOT, 0, 0, "use distance"},
    {"local_worker_only", CARRY_NOT, 0, 0, "use activation: standby for the others"},
    {"lock", CARRY_NOT, 0, 0, "workers are balanced without locks"},
    {"maintain", CARRY_NOT, 0, 0, HEALTH},
    {"max_reply_timeouts", CARRY_NOT, 0, 0, HEALTH},
    {"mount", CARRY_ENTRY, 0, 0, 0},
    {"ms", CARRY_NOT, 0, 0, JNI},
    {"mx", CARRY_NOT, 0, 0, JNI},
    {"ns", CARRY_NOT, 0, 0, STATUS},
    {"ping_mode", CARRY_NOT, 0, 0,
     "connections are asked with a CPing when idle for longer than timeouts.cping_idle"},
    {"prefer_ipv6", CARRY_NOT, 0, 0, "the system's resolver decides; write the address itself"},
    {"prefix", CARRY_NOT, 0, 0, STATUS},
    {"read_only", CARRY_NOT, 0, 0, STATUS},
    {"recover_time", CARRY_NOT, 0, 0, HEALTH},
    {"recovery_options", CARRY_NOT, 0, 0, RETRY},
    {"recycle_timeout", CARRY_NOT, 0, 0, "the web server's process model has no part in it"},
    {"retries", CARRY_NOT, 0, 0, RETRY},
    {"retry_interval", CARRY_NOT, 0, 0, RETRY},
    {"secretkey", CARRY_NOT, 0, 0, "AJP 1.4 does not exist in any app server"},
    {"session_cookie_path", CARRY_NOT, 0, 0, COOKIE},
    {"set_session_cookie", CARRY_NOT, 0, 0, COOKIE},
    {"socket_buffer", CARRY_NOT, 0, 0, "the system sizes socket buffers by itself"},
    {"socket_keepalive", CARRY_NOT, 0, 0, HEALTH},
    {"source", CARRY_NOT, 0, 0, "the system chooses the source address"},
    {"stderr", CARRY_NOT, 0, 0, JNI},
    {"stdout", CARRY_NOT, 0, 0, JNI},
    {"sysprops", CARRY_NOT, 0, 0, JNI},
    {"user", CARRY_NOT, 0, 0, STATUS},
    {"user_case_insensitive", CARRY_NOT, 0, 0, STATUS},
    {"xmlns", CARRY_NOT, 0, 0, STATUS},
};

static const struct import_rule map_rules[] = {
    {"active", CARRY_NOT, 0, 0, PER},         {"disabled", CARRY_NOT, 0, 0, PER},
    {"fail_on_status", CARRY_NOT, 0, 0, PER}, {"reply_timeout", CARRY_NOT, 0, 0, PER},
    {"session_cookie", CARRY_NOT, 0, 0, PER}, {"session_cookie_path", CARRY_NOT, 0, 0, PER},
    {"session_path", CARRY_NOT, 0, 0, PER},   {"set_session_cookie", CARRY_NOT, 0, 0, PER},
    {"stateless", CARRY_NOT, 0, 0, PER},      {"sticky_ignore", CARRY_NOT, 0, 0, PER},
    {"stopped", CARRY_NOT, 0, 0, PER},        {"use_server_errors", CARRY_NOT, 0, 0, PER},
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
