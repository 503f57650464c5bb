/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of every setting. docs/man/ajp-config.5.scd tells the same to users. */
#include "config/table.h"

#include <stddef.h>

static const char *const activations[] = {"active", "drain", "stop", "standby", "spare", NULL};
static const char *const methods[] = {"busyness", "requests", "sessions", "traffic",
                                      "latency",  "hash",     NULL};
static const char *const profiles[] = {"default", "transparent", NULL};
static const char *const reactions[] = {"deny", "drop", NULL};
static const char *const verifications[] = {"none", "optional", "require", NULL};
static const char *const retry_methods[] = {"safe", "idempotent", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};

enum { HOUR = 3600 * 1000 };

#define TOP(member)      offsetof(struct settings, member)
#define LISTENER(member) offsetof(struct listener_settings, member)
#define WORKER(member)   offsetof(struct worker_settings, member)

static const struct setting_row top_rows[] = {
    {NULL, "threads", KIND_NUMBER, TOP(threads), 1, 256, NULL, "--threads",
     "event loops; default: one per core"},
    {NULL, "packet_size", KIND_NUMBER, TOP(packet_size), 8192, 65536, NULL, "--packet-size",
     "AJP packet size, the same as on the workers"},
    {NULL, "admin", KIND_TEXT, TOP(admin), 0, 0, NULL, "--admin",
     "admin server: unix:PATH or 127.0.0.1:PORT"},
    {NULL, "server_header", KIND_TEXT, TOP(server_header), 0, 0, NULL, "--server-header",
     "Server header of every reply"},
    {"log", "level", KIND_CHOICE, TOP(log_level), 0, 0, levels, "--log-level",
     "error, warn, info or debug"},
    {"log", "format", KIND_CHOICE, TOP(log_format), 0, 0, formats, "--log-format", "text or json"},
    {"access_log", "file", KIND_TEXT, TOP(access_log), 0, 0, NULL, "--access-log",
     "a line per request; - is standard output"},
    {"access_log", "format", KIND_CHOICE, TOP(access_log_format), 0, 0, formats,
     "--access-log-format", "text or json"},
    {"session", "cookie", KIND_NAME, TOP(session.cookie), 0, 0, NULL, "--session-cookie",
     "cookie that holds the session id"},
    {"session", "param", KIND_NAME, TOP(session.param), 0, 0, NULL, "--session-param",
     "path parameter that holds it"},
    {"session", "query", KIND_NAME, TOP(session.query), 0, 0, NULL, "--session-query",
     "query parameter that holds it"},
    {"session", "separator", KIND_MARK, TOP(session.separator), 0, 0, NULL, NULL,
     "between the session id and its route"},
    {"session", "stateless", KIND_PATTERNS, 0, 0, 0, NULL, NULL,
     "paths that belong to no session: /exact, /prefix* or *suffix"},
    {"session", "sticky", KIND_BOOL, TOP(session.sticky), 0, 0, NULL, "--sticky",
     "a session stays on its worker"},
    {"session", "force", KIND_BOOL, TOP(session.sticky_force), 0, 0, NULL, "--sticky-force",
     "503 rather than another worker"},
    {"session", "idle", KIND_DURATION, TOP(session.idle), 100, 24 * HOUR, NULL, "--session-idle",
     "a session unseen for so long counts as over"},
    {"session", "drain_deadline", KIND_DURATION, TOP(session.drain_deadline), 0, 24 * HOUR, NULL,
     "--drain-deadline", "until a drained worker is stopped all the same"},
    {"balance", "method", KIND_CHOICE, TOP(balance.method), 0, 0, methods, "--balance",
     "busyness, requests, sessions, traffic, latency or hash"},
    {"balance", "slow_start", KIND_DURATION, TOP(balance.slow_start), 0, HOUR, NULL, "--slow-start",
     "until a worker that came back has its whole weight"},
    {"health", "path", KIND_PATH, TOP(health.path), 0, 0, NULL, "--health-path",
     "page that the prober asks workers for"},
    {"health", "status", KIND_NUMBER, TOP(health.status), 0, 599, NULL, NULL,
     "status that it must have; 0: 200 to 399"},
    {"health", "body", KIND_TEXT, TOP(health.body), 0, 0, NULL, NULL,
     "text that its first 4 KiB must hold"},
    {"health", "interval", KIND_DURATION, TOP(health.interval), 100, HOUR, NULL,
     "--health-interval", "between probes"},
    {"health", "timeout", KIND_DURATION, TOP(health.timeout), 10, HOUR, NULL, "--health-timeout",
     "for one probe"},
    {"health", "resolve", KIND_DURATION, TOP(health.resolve), 0, 24 * HOUR, NULL, NULL,
     "between look-ups of host names; 0: only while a worker is down"},
    {"health", "fall", KIND_NUMBER, TOP(health.fall), 1, 100, NULL, NULL,
     "failures until a worker is down"},
    {"health", "rise", KIND_NUMBER, TOP(health.rise), 1, 100, NULL, NULL,
     "answers until it is tried again"},
    {"health", "eject_after", KIND_NUMBER, TOP(health.eject_after), 0, 100000, NULL, NULL,
     "5xx replies and failures in a row until a worker is ejected; 0: never"},
    {"health", "eject_time", KIND_DURATION, TOP(health.eject_time), 100, HOUR, NULL, NULL,
     "without new sessions, once ejected"},
    {"retry", "methods", KIND_CHOICE, TOP(retry.methods), 0, 0, retry_methods, NULL,
     "sent again when unanswered: safe or idempotent"},
    {"retry", "fresh", KIND_BOOL, TOP(retry.fresh), 0, 0, NULL, NULL,
     "also when a new connection died without a word"},
    {"retry", "on_503", KIND_BOOL, TOP(retry.on_503), 0, 0, NULL, NULL,
     "also when the app answered 503"},
    {"retry", "budget", KIND_NUMBER, TOP(retry.budget), 0, 100, NULL, NULL,
     "percent of the requests of ten seconds"},
    {"retry", "replay_buffer", KIND_SIZE, TOP(retry.replay_buffer), 0, 1 << 20, NULL, NULL,
     "bytes of a request body kept for it"},
    {"timeouts", "request_head", KIND_DURATION, TOP(timeouts.request_head), 0, HOUR, NULL,
     "--request-head-timeout", "for a whole request head"},
    {"timeouts", "body", KIND_DURATION, TOP(timeouts.body), 0, HOUR, NULL, "--body-timeout",
     "for the next part of a request body"},
    {"timeouts", "keep_alive", KIND_DURATION, TOP(timeouts.keep_alive), 0, 24 * HOUR, NULL,
     "--keep-alive-timeout", "idle client connections"},
    {"timeouts", "tls_handshake", KIND_DURATION, TOP(timeouts.tls_handshake), 1, HOUR, NULL,
     "--tls-handshake-timeout", "for a TLS handshake"},
    {"timeouts", "connect", KIND_DURATION, TOP(timeouts.connect), 1, HOUR, NULL,
     "--connect-timeout", "to a worker"},
    {"timeouts", "cping", KIND_DURATION, TOP(timeouts.cping), 1, HOUR, NULL, "--cping-timeout",
     "until a worker answers CPing"},
    {"timeouts", "cping_idle", KIND_DURATION, TOP(timeouts.cping_idle), 0, HOUR, NULL,
     "--cping-idle", "CPing before reuse of a connection idle for longer"},
    {"timeouts", "reply", KIND_DURATION, TOP(timeouts.reply), 0, 24 * HOUR, NULL, "--reply-timeout",
     "between packets of a reply"},
    {"timeouts", "write_stall", KIND_DURATION, TOP(timeouts.write_stall), 0, HOUR, NULL,
     "--write-timeout", "for a peer that does not read"},
    {"timeouts", "queue", KIND_DURATION, TOP(timeouts.queue), 0, HOUR, NULL, "--queue-timeout",
     "for a connection to a worker that has all it may have"},
    {"timeouts", "pool_idle", KIND_DURATION, TOP(timeouts.pool_idle), 0, 24 * HOUR, NULL,
     "--pool-idle", "pooled worker connections are closed after"},
    {"timeouts", "drain", KIND_DURATION, TOP(timeouts.drain), 0, 24 * HOUR, NULL, "--drain-timeout",
     "for running requests after SIGTERM"},
    {"limits", "max_connections", KIND_NUMBER, TOP(limits.max_connections), 1, 1000000, NULL,
     "--max-connections", "of clients"},
    {"limits", "request_line", KIND_NUMBER, TOP(limits.request_line), 64, 65536, NULL, NULL,
     "bytes of an HTTP request line"},
    {"limits", "header_count", KIND_NUMBER, TOP(limits.header_count), 1, 128, NULL, NULL,
     "headers of a request"},
    {"limits", "header_bytes", KIND_NUMBER, TOP(limits.header_bytes), 256, 65536, NULL, NULL,
     "bytes of all headers"},
    {"limits", "one_header_bytes", KIND_NUMBER, TOP(limits.one_header_bytes), 64, 65536, NULL, NULL,
     "bytes of one header"},
    {"limits", "max_body", KIND_SIZE, TOP(limits.max_body), 0, UINT64_C(1) << 50, NULL,
     "--max-body", "bytes of a request body, as in 10M"},
    {"limits", "queue", KIND_NUMBER, TOP(limits.queue), 0, 1000000, NULL, NULL,
     "requests that wait for a connection to one worker"},
    {"limits", "max_attempts", KIND_NUMBER, TOP(limits.max_attempts), 1, 16, NULL, NULL,
     "workers tried for one request"},
    {"tls", "ktls", KIND_BOOL, TOP(ktls), 0, 0, NULL, "--ktls",
     "the kernel encrypts, where it can"},
};

static const struct setting_row listener_rows[] = {
    {NULL, "url", KIND_LISTEN_URL, 0, 0, 0, NULL, NULL, "where to listen"},
    {NULL, "secret_file", KIND_SECRET_FILE, LISTENER(secret), 0, 0, NULL, NULL,
     "file with the secret that clients must send"},
    {NULL, "secret_env", KIND_SECRET_ENV, LISTENER(secret), 0, 0, NULL, NULL,
     "environment variable with it"},
    {NULL, "secret_next_file", KIND_SECRET_FILE, LISTENER(secret_next), 0, 0, NULL, NULL,
     "file with a second secret, accepted too"},
    {NULL, "secret_next_env", KIND_SECRET_ENV, LISTENER(secret_next), 0, 0, NULL, NULL,
     "environment variable with it"},
    {NULL, "allow_no_secret", KIND_BOOL, LISTENER(allow_no_secret), 0, 0, NULL, NULL,
     "AJP off loopback without a secret"},
    {NULL, "trust_identity", KIND_BOOL, LISTENER(trust_identity), 0, 0, NULL, NULL,
     "believe remote user, authentication type and certificate"},
    {NULL, "attributes", KIND_RULES, 0, 0, 0, NULL, NULL,
     "request attributes let through, by name or prefix*"},
    {NULL, "profile", KIND_CHOICE, LISTENER(profile), 0, 0, profiles, NULL,
     "default, or transparent: secrets and ends of connections go through"},
    {NULL, "attribute_reaction", KIND_CHOICE, LISTENER(reaction), 0, 0, reactions, NULL,
     "to other attributes: deny or drop"},
    {NULL, "packet_size", KIND_NUMBER, LISTENER(packet_size), 8192, 65536, NULL, NULL,
     "AJP packet size of this listener"},
    {NULL, "certificate", KIND_TEXT, LISTENER(certificate), 0, 0, NULL, NULL,
     "PEM file with the certificate and its chain"},
    {NULL, "key", KIND_TEXT, LISTENER(key), 0, 0, NULL, NULL, "PEM file with its key"},
    {NULL, "client_ca", KIND_TEXT, LISTENER(client_ca), 0, 0, NULL, NULL,
     "PEM file with the CAs of client certificates"},
    {NULL, "client_verify", KIND_CHOICE, LISTENER(client_verify), 0, 0, verifications, NULL,
     "client certificates: none, optional or require"},
};

static const struct setting_row worker_rows[] = {
    {NULL, "name", KIND_NAME, WORKER(name), 0, 0, NULL, NULL, "its JVM route"},
    {NULL, "url", KIND_WORKER_URL, 0, 0, 0, NULL, NULL, "where it listens"},
    {NULL, "secret_file", KIND_SECRET_FILE, WORKER(secret), 0, 0, NULL, NULL,
     "file with the secret to send"},
    {NULL, "secret_env", KIND_SECRET_ENV, WORKER(secret), 0, 0, NULL, NULL,
     "environment variable with it"},
    {NULL, "weight", KIND_NUMBER, WORKER(weight), 1, 1000, NULL, NULL, "share of the requests"},
    {NULL, "activation", KIND_CHOICE, WORKER(activation), 0, 0, activations, NULL,
     "active, drain, stop, standby or spare"},
    {NULL, "domain", KIND_NAME, WORKER(domain), 0, 0, NULL, NULL, "replication group"},
    {NULL, "redirect", KIND_NAME, WORKER(redirect), 0, 0, NULL, NULL,
     "worker that takes its sessions over first"},
    {NULL, "distance", KIND_NUMBER, WORKER(distance), 0, 1000, NULL, NULL,
     "nearer workers go first"},
    {NULL, "max_connections", KIND_NUMBER, WORKER(max_connections), 0, 65536, NULL, NULL,
     "connections, so requests at a time; 0: no limit"},
    {NULL, "packet_size", KIND_NUMBER, WORKER(packet_size), 8192, 65536, NULL, NULL,
     "AJP packet size of this worker"},
    {NULL, "ca", KIND_TEXT, WORKER(ca), 0, 0, NULL, NULL,
     "PEM file with the CAs of its certificate; default: the system's"},
    {NULL, "server_name", KIND_TEXT, WORKER(server_name), 0, 0, NULL, NULL,
     "name in its certificate; default: the host of its url"},
    {NULL, "certificate", KIND_TEXT, WORKER(certificate), 0, 0, NULL, NULL,
     "PEM file with the certificate to show to it"},
    {NULL, "key", KIND_TEXT, WORKER(key), 0, 0, NULL, NULL, "PEM file with its key"},
    {NULL, "verify", KIND_BOOL, WORKER(verify), 0, 0, NULL, NULL, "check its certificate and name"},
};

#define TABLE(rows)                                                                                \
    {                                                                                              \
        rows, sizeof rows / sizeof *rows                                                           \
    }

const struct setting_table table_top = TABLE(top_rows);
const struct setting_table table_listener = TABLE(listener_rows);
const struct setting_table table_worker = TABLE(worker_rows);

_Static_assert(sizeof top_rows / sizeof *top_rows <= ROWS_MAX, "given[] of the draft");
