/* SPDX-License-Identifier: Apache-2.0 */
/* A table from OpenSSL's reasons to what an operator can do, and the log line of it. */
#include "net/tls_trouble.h"

#include "net/tls_context.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct advice {
    long reason;
    const char *to_listener, *to_worker; /* by the side that we are */
};

static const char wants_tls[] = "the client does not speak TLS here: let it, or use a plain URL";
static const char no_tls[] = "the worker does not speak TLS there: check the port, or use ajp://";
static const char old[] = "the other side must speak TLS 1.2 or 1.3";
static const char client_refused[] = "the client does not trust our certificate: give it our CA, "
                                     "or set certificate to one that it knows, with its chain";
static const char worker_refused[] = "the worker does not accept our certificate: set certificate "
                                     "and key to what its client_ca has signed";

static const struct advice advices[] = {
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
     "give the client a certificate that client_ca has signed, or set client_verify: optional",
     NULL},
    {SSL_R_HTTP_REQUEST, wants_tls, no_tls},
    {SSL_R_HTTPS_PROXY_REQUEST, wants_tls, no_tls},
    {SSL_R_WRONG_VERSION_NUMBER, wants_tls, no_tls},
    {SSL_R_PACKET_LENGTH_TOO_LONG, wants_tls, no_tls},
    {SSL_R_UNSUPPORTED_PROTOCOL, old, old},
    {SSL_R_NO_SHARED_CIPHER, old, old},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, old, old},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, client_refused, worker_refused},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, client_refused, worker_refused},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, client_refused, worker_refused},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, client_refused, worker_refused},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, client_refused, worker_refused},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, client_refused, worker_refused},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, client_refused, worker_refused},
};

static const char *advice_on_certificate(bool server, long result)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return server ? "renew the client's certificate" : "renew the worker's certificate";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "check the clocks of both sides";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "set server_name to a name that stands in the worker's certificate";
    default: /* all say that no trusted CA vouches for it */
        return server ? "let a CA in client_ca sign the client's certificate"
                      : "set ca to the CA that signed the worker's certificate";
    }
}

static const char *advice_on(bool server, long reason)
{
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
        if (advices[i].reason == reason)
            return server ? advices[i].to_listener : advices[i].to_worker;
    return NULL;
}

struct tls_trouble tls_trouble_of(SSL *ssl, bool server, int system_error)
{
    unsigned long code = ERR_peek_error();
    struct tls_trouble t = {0};
    long result = SSL_get_verify_result(ssl);
    int reason = ERR_GET_REASON(code);

    if (code == 0) {
        t.cut = true;
        t.reason = system_error != 0 ? strerror(system_error) : "connection closed";
        return t;
    }
    t.reason = ERR_reason_error_string(code);
    if (t.reason == NULL)
        t.reason = "TLS failed";
    if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
        t.cut = reason == SSL_R_UNEXPECTED_EOF_WHILE_READING;
        t.hint = advice_on(server, reason);
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
            t.detail = X509_verify_cert_error_string(result);
            t.hint = advice_on_certificate(server, result);
        }
    }
    if (t.cut)
        t.reason = "connection cut without TLS close_notify";
    ERR_clear_error();
    return t;
}

static void peer_text(int fd, char text[INET6_ADDRSTRLEN])
{
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof(a);

    text[0] = '\0';
    getpeername(fd, (struct sockaddr *)&a, &len);
    if (a.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&a)->sin6_addr, text, INET6_ADDRSTRLEN);
    else if (a.ss_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)&a)->sin_addr, text, INET6_ADDRSTRLEN);
}

/* A listener's URL ends in the port that was asked for, which may have been "any". */
static void name_text(const struct tls_context *c, int fd, char *text, size_t cap)
{
    const char *port = c->server ? strrchr(c->name, ':') : NULL;
    struct sockaddr_in6 a = {0};
    socklen_t len = sizeof(a);

    if (port == NULL || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        snprintf(text, cap, "%s", c->name);
    else /* IPv4 has its port in the same place */
        snprintf(text, cap, "%.*s:%u", (int)(port - c->name), c->name, ntohs(a.sin6_port));
}

void tls_trouble_log(const struct tls_trouble *t, enum log_level level,
                     const struct tls_context *context, int fd)
{
    char peer[INET6_ADDRSTRLEN], name[320];

    if (!log_enabled(level))
        return;
    peer_text(fd, peer);
    name_text(context, fd, name, sizeof(name));
    log_event(level, "tls_failed", "%s=%s peer=%s reason=\"%s%s%s\" hint=\"%s\"",
              context->server ? "listener" : "worker", name, peer, t->reason,
              t->detail != NULL ? ": " : "", t->detail != NULL ? t->detail : "",
              t->hint != NULL ? t->hint : "-");
}
