/* SPDX-License-Identifier: Apache-2.0 */
/* The effective settings of a daemon: plain data, built once, never changed, owned as one tree.
 * Every layer may include this header; it knows none of them. */
#ifndef ENGINE_CONFIG_SETTINGS_H
#define ENGINE_CONFIG_SETTINGS_H

#include "base/log.h"

enum {
    WORKERS_MAX = 64, /* struct pick keeps one bit a worker */
    LISTENERS_MAX = 64,
    ROUTES_MAX = 256, /* as they are written */
    WEIGHT_MAX = 1000,
};

enum proto { PROTO_HTTP, PROTO_AJP };
enum activation {
    ACTIVATION_ACTIVE,
    ACTIVATION_DRAIN,   /* only requests whose route names it */
    ACTIVATION_STOP,    /* none */
    ACTIVATION_STANDBY, /* only when no active worker can be used */
    ACTIVATION_SPARE,   /* stands in, one for one, for active workers that cannot be used */
};
/* By what a worker counts as loaded, beside its weight. */
enum method {
    METHOD_BUSYNESS, /* requests at it now */
    METHOD_REQUESTS, /* requests lately */
    METHOD_SESSIONS, /* requests without a session lately */
    METHOD_TRAFFIC,  /* bytes lately */
    METHOD_LATENCY,  /* requests at it now, times how long they take lately */
    METHOD_HASH,     /* none: the client's address decides */
};
enum retry_methods {
    RETRY_METHODS_SAFE,       /* GET, HEAD, OPTIONS */
    RETRY_METHODS_IDEMPOTENT, /* and PUT, DELETE, TRACE */
};
enum profile {
    PROFILE_DEFAULT,
    PROFILE_TRANSPARENT, /* what one side says of trust and of its connection the other one hears */
};
enum reaction { REACTION_DENY, REACTION_DROP }; /* to a request attribute that is not allowed */

/* To what servers read in different ways. */
enum odd { ODD_REJECT, ODD_PASS };
/* What becomes of a field whose name holds '_': to CGI-like applications X_Y is X-Y. */
enum underscores { UNDERSCORES_DROP, UNDERSCORES_PASS, UNDERSCORES_REJECT };

/* To a client that has sent its last byte, and waits. */
enum client_fin {
    CLIENT_FIN_DROP_QUEUED, /* who still waits for a connection to a worker is not sent */
    CLIENT_FIN_ANSWER,
    CLIENT_FIN_ABORT, /* as if it had broken off */
};

enum client_verify { CLIENT_VERIFY_NONE, CLIENT_VERIFY_OPTIONAL, CLIENT_VERIFY_REQUIRE };

struct tls_context;

/* Every text is NUL terminated too; "absent" is the null string. */

struct text_list {
    const ajp_str *at;
    size_t count;
};

struct attribute_rule {
    ajp_str name;
    bool prefix; /* every name that begins with it */
};

struct rule_list {
    const struct attribute_rule *at;
    size_t count;
};

struct attribute_pair {
    ajp_str name, value; /* to rename: the old name and the new one */
};

struct pair_list {
    const struct attribute_pair *at;
    size_t count;
};

/* What becomes of request attributes at a listener, and then at a worker. */
struct attribute_policy {
    struct rule_list allow; /* listener: on top of the usual ones. Worker: with those, no others */
    struct rule_list deny;
    struct pair_list rename, add;
    bool edits; /* there is something but allow at a listener: requests have to be looked at */
};

struct network {
    uint8_t bytes[16]; /* IPv4 as IPv6 has it */
    uint8_t bits;      /* that count */
};

struct network_list {
    const struct network *at;
    size_t count;
};

struct listener_settings {
    enum proto proto;
    bool secure;  /* https, ajps: over TLS */
    ajp_str host; /* no brackets */
    uint16_t port;
    ajp_str secret, secret_next;    /* both are accepted; null: none is asked for */
    bool allow_no_secret;           /* off loopback without a secret */
    bool trust_identity;            /* remote_user, auth_type and certificate are believed */
    struct network_list allow_from; /* who may connect; none: all */
    struct network_list trust_identity_from; /* whose identity is believed; none: all */
    struct attribute_policy attributes;
    enum reaction reaction;
    enum profile profile;
    uint32_t packet_size; /* AJP: 8192..65536 */
    ajp_str certificate;  /* files; key null: in the certificate's */
    ajp_str key, client_ca;
    struct text_list more_certificates; /* files with chain and key, chosen by name (SNI) */
    enum client_verify client_verify;
    struct tls_context *tls; /* what they make; NULL: plain */
};

struct worker_settings {
    ajp_str name;             /* its JVM route */
    struct text_list aliases; /* further routes that lead to it */
    enum proto proto;
    bool secure; /* over TLS */
    ajp_str host;
    uint16_t port;
    ajp_str secret;
    struct attribute_policy attributes;
    bool each_address;           /* of host: a worker of its own */
    ajp_str origin, origin_host; /* what it was made from for its address; null: nothing */
    bool not_found;              /* it stands for all addresses of a name that nobody knows yet */
    uint32_t weight;             /* 1..WEIGHT_MAX */
    enum activation activation;
    ajp_str domain;   /* replication group */
    ajp_str redirect; /* name of the preferred successor */
    uint32_t distance;
    uint32_t max_connections;
    uint32_t min_idle, max_idle; /* connections in the pools of all threads; max 0: any number */
    uint32_t max_requests;       /* of one connection; 0: any number */
    uint32_t packet_size;
    ajp_str ca;               /* file with whom to trust; null: the system's */
    ajp_str server_name;      /* that its certificate must hold */
    ajp_str certificate, key; /* ours, for workers that ask for one */
    bool verify;
    struct tls_context *tls; /* what they make; NULL: plain */
};

/* Which workers a part of the paths belongs to, as it is written. */
struct route_settings {
    ajp_str host;             /* name, or "*.name"; null: any, or those of hosts */
    struct text_list hosts;   /* likewise, several */
    struct text_list paths;   /* patterns with stars and '?'; "!pattern": not these */
    struct text_list workers; /* names, each with "=WEIGHT" or not */
    /* Where an entry says nothing of these, what holds for all paths is filled in. */
    uint32_t reply_timeout; /* as timeouts.reply */
    bool sticky, sticky_force;
    bool retry_on_503;
};

/* A path that begins with before and ends with after; without a star it is before. */
struct path_pattern {
    ajp_str before, after;
    bool star;    /* or a '?' */
    ajp_str glob; /* the whole, where the path between them counts; null: it does not */
};

/* Which pattern of a host decides where several match: that with most letters, exact ones first; or
 * as in mod_jk that with most slashes, then the longest, stars among its length. */
enum route_order { ROUTE_ORDER_LETTERS, ROUTE_ORDER_SLASHES };

/* One pattern of a route, as it is looked for. They are sorted: the first that matches counts. */
struct route {
    ajp_str host;    /* null: any */
    bool subdomains; /* host begins with its dot, and stands for what ends in it */
    struct path_pattern path;
    const struct path_pattern *except; /* of its route: these paths belong to nobody */
    size_t except_count;
    uint32_t place;     /* among the patterns as they are written */
    uint64_t outside;   /* workers that it does not have, a bit per index */
    uint32_t weighting; /* which of the settings' it has, from 1; 0: none, the workers' weights */
    uint32_t reply_timeout; /* these as in its struct route_settings */
    bool sticky, sticky_force;
    bool retry_on_503;
};

/* The weights of one route's workers by index; 0: the worker's own. */
struct weighting {
    uint16_t at[WORKERS_MAX];
};

/* Milliseconds; 0 is never. */
struct timeouts {
    uint32_t request_head; /* from its first byte to its last */
    uint32_t body;         /* for the next byte of a request's body */
    uint32_t keep_alive;   /* idle client connection */
    uint32_t tls_handshake;
    uint32_t connect;      /* to a worker */
    uint32_t cping;        /* until the CPong */
    uint32_t cping_idle;   /* CPing before reuse when idle for longer */
    uint32_t cping_silent; /* CPing within a request when silent for longer; 0: none */
    uint32_t reply;        /* between packets of a worker's reply */
    uint32_t write_stall;  /* a peer that does not read */
    uint32_t queue;        /* for a connection, when the worker has all it may have */
    uint32_t pool_idle;    /* pooled worker connection */
    uint32_t drain;        /* after SIGTERM */
};

struct limits {
    uint32_t max_connections;    /* of clients */
    uint32_t request_line;       /* bytes */
    uint32_t header_count;       /* of a request */
    uint32_t reply_header_count; /* 0: any number */
    uint32_t header_bytes;       /* all of a head */
    uint32_t one_header_bytes;   /* name and value */
    uint64_t max_body;
    uint64_t max_memory;   /* bytes in buffers, from which the slowest readers go; 0: any */
    uint32_t queue;        /* requests that wait for a connection to one worker */
    uint32_t max_attempts; /* workers tried for one request */
};

/* What HTTP clients may say; each but underscores is an enum odd. */
struct http_settings {
    uint32_t encoded_slash; /* %2f, %5c in a path; routes ask too */
    uint32_t underscores;   /* enum underscores */
    uint32_t non_ascii;     /* in a target; routes ask too */
    uint32_t bare_lf;       /* for CRLF in a head */
    uint32_t host_mismatch; /* the target names another host than Host does */
};

/* When a request may be sent a second time; never when it may have been executed, unless its
 * method says that twice is as good as once. */
struct retry_settings {
    uint32_t methods;       /* enum retry_methods */
    bool fresh;             /* also when a new connection died without a word */
    bool on_503;            /* also when the app answered 503 */
    uint32_t budget;        /* percent of a thread's requests in ten seconds */
    uint64_t replay_buffer; /* bytes of a request's body that are kept for it */
};

/* Where a session id may be. */
enum session_source { SOURCE_QUERY, SOURCE_PATH, SOURCE_COOKIE, SOURCE_COUNT };

struct source_list {
    uint8_t at[SOURCE_COUNT]; /* enum session_source, each once at most */
    uint8_t count;            /* 0: all, as the enum has them */
};

struct session_settings {
    ajp_str cookie; /* JSESSIONID */
    struct text_list more_cookies;
    ajp_str param;              /* jsessionid */
    ajp_str query;              /* query parameter; null: none is looked at */
    struct source_list order;   /* what goes first when several have one */
    char separator;             /* between id and route: '.' */
    struct text_list stateless; /* paths that belong to no session: /exact, /prefix*, *suffix */
    bool sticky;
    bool sticky_force;       /* the route's own worker or 503 */
    uint32_t idle;           /* ms; a session unseen for so long counts as over */
    uint32_t drain_deadline; /* ms until a drained worker is stopped all the same; 0: never */
};

struct balance_settings {
    enum method method;
    uint32_t slow_start; /* ms until a worker that came back has its whole weight; 0: at once */
    uint32_t slow_start_boot; /* likewise of all workers, after the daemon's own start */
};

/* Of a request that runs at a worker which is found down. */
enum on_down {
    ON_DOWN_WAIT,  /* its reply may still come */
    ON_DOWN_ABORT, /* it is tried elsewhere, or answered, at once */
};

/* What the prober asks for, and how many equal answers it wants. */
struct health_settings {
    ajp_str path;       /* of a GET; null: the answer to a CPing is enough */
    ajp_str body;       /* what the beginning of the reply must hold; null: anything */
    uint32_t status;    /* of the reply; 0: 200 to 399 */
    uint32_t interval;  /* ms between probes of a worker that is up */
    uint32_t timeout;   /* ms for one probe */
    uint32_t resolve;   /* ms between look-ups of a worker's host name; 0: only while it is down */
    uint32_t silence;   /* ms without a sign of life until a worker is down; 0: never */
    uint32_t on_down;   /* enum on_down */
    uint32_t fall;      /* failures in a row until a worker is down */
    uint32_t max_fails; /* requests without a reply in a row until it is ejected; 0: any */
    uint32_t eject_after; /* 5xx replies and failures in a row until it is ejected; 0: never */
    uint32_t eject_time;  /* ms without new sessions */
    uint32_t rise;        /* answers in a row until it is tried again */
};

struct settings {
    const struct listener_settings *listeners;
    size_t listener_count;
    const struct worker_settings *workers;
    size_t worker_count; /* at most WORKERS_MAX */
    const struct route *routes;
    size_t route_count; /* 0: every path belongs to all workers */
    enum route_order route_order;
    const struct weighting *weightings;
    size_t weighting_count;
    uint32_t threads;     /* never 0 */
    uint32_t packet_size; /* of listeners and workers without their own */
    struct timeouts timeouts;
    struct limits limits;
    struct http_settings http;
    struct session_settings session;
    struct retry_settings retry;
    struct balance_settings balance;
    struct health_settings health;
    ajp_str admin;       /* "unix:PATH" or a loopback HOST:PORT; null: no admin server */
    ajp_str admin_token; /* of who may change something over TCP; null: nobody */
    uint32_t admin_mode; /* of the Unix socket; 0: 0600, or 0660 with a group */
    ajp_str admin_group; /* likewise; null: the process's */
    ajp_str tap;         /* path of a Unix socket; null: no tap */
    ajp_str access_log;  /* null: off; "-": standard output */
    enum log_format access_log_format;
    enum log_level log_level;
    enum log_format log_format;
    enum client_fin client_fin;
    ajp_str server_header;            /* null: the worker's own goes through */
    bool ktls;                        /* the kernel encrypts, where it can */
    struct settings_block *blocks;    /* private: what settings_free frees */
    struct tls_context *tls_contexts; /* private, likewise */
    bool no_memory;                   /* some of it is missing: not to be used */
};

/* Overwrites secrets, then frees. NULL is fine. */
void settings_free(struct settings *settings);

/* "active", "ajp" and so on. */
const char *activation_name(enum activation activation);
const char *scheme_name(enum proto proto, bool secure);

#endif
