/* SPDX-License-Identifier: Apache-2.0 */
/* Loads files, says plainly what is wrong with them, and sets the policy: TLS 1.2 and 1.3,
 * forward secrecy, no renegotiation, no compression, tickets that no other listener takes. */
#include "net/tls_context.h"

#include "base/log.h"
#include "net/tls_files.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HANDSHAKE_MS = 5000, TICKET_LIFETIME_S = 3600 };

static const char ciphers_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* Where a message goes. */
struct blame {
    const char **key;
    char *why;
    size_t cap;
};

static bool expected(const struct blame *b, const char *key, const char *what, const char *file,
                     const char *got)
{
    char shown[256];

    *b->key = key;
    snprintf(b->why, b->cap, "expected %s, got %s: %s", what,
             log_str(shown, sizeof(shown), ajp_str_of(file, strlen(file))), got);
    ERR_clear_error();
    return false;
}

static const char *openssl_says(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    return reason != NULL ? reason : "OpenSSL does not say why";
}

static const char *or_openssl(const char *reason)
{
    return reason != NULL ? reason : openssl_says();
}

static bool file_opens(const struct blame *b, const char *key, const char *what, const char *path)
{
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return expected(b, key, what, path, strerror(errno));
    fclose(f);
    return true;
}

/* A daemon has nobody to ask. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return 0;
}

static bool key_is_private(const struct blame *b, const char *path)
{
    struct stat st;
    char shown[256];
    unsigned mode;

    if (stat(path, &st) != 0)
        return true; /* opening it says why */
    mode = st.st_mode & 0777u;
    if ((mode & 07u) != 0) {
        char text[64];

        snprintf(text, sizeof(text), "its mode is 0%o, chmod 600 it", mode);
        return expected(b, "key", "a key that others cannot read", path, text);
    }
    if ((mode & 070u) != 0)
        log_event(LEVEL_WARN, "key_mode", "file=%s mode=0%o hint=\"chmod 600 it\"",
                  log_str(shown, sizeof(shown), ajp_str_of(path, strlen(path))), mode);
    return true;
}

static void warn_of_dates(SSL_CTX *ssl, const struct tls_options *o)
{
    const X509 *x = SSL_CTX_get0_certificate(ssl);
    const char *what = NULL;

    if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
        what = "has expired";
    else if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
        what = "is not valid yet";
    if (what != NULL)
        log_event(LEVEL_WARN, "certificate", "of=%s reason=\"the certificate %s\"", o->name, what);
}

static bool load_own(SSL_CTX *ssl, const struct tls_options *o, const struct blame *b)
{
    static const char chain[] = "a PEM file with a certificate and its chain";
    static const char secret[] = "a PEM file with the certificate's key, without a passphrase";
    const char *key = o->key != NULL ? o->key : o->certificate;

    if (!file_opens(b, "certificate", chain, o->certificate))
        return false;
    if (SSL_CTX_use_certificate_chain_file(ssl, o->certificate) != 1)
        return expected(b, "certificate", chain, o->certificate,
                        or_openssl(tls_certificate_trouble(o->certificate)));
    if (!file_opens(b, "key", secret, key))
        return false;
    SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
    if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ssl) != 1)
        return expected(b, o->key != NULL ? "key" : "certificate", secret, key,
                        or_openssl(tls_key_trouble(o->certificate, key)));
    if (!key_is_private(b, key)) /* not before: a certificate alone is for all to read */
        return false;
    warn_of_dates(ssl, o);
    return true;
}

static bool load_trust(SSL_CTX *ssl, const struct tls_options *o, const struct blame *b)
{
    static const char what[] = "a PEM file with the certificates of CAs";
    STACK_OF(X509_NAME) * names;

    if (o->ca == NULL)
        return o->server || SSL_CTX_set_default_verify_paths(ssl) == 1;
    if (!file_opens(b, "ca", what, o->ca))
        return false;
    if (SSL_CTX_load_verify_file(ssl, o->ca) != 1)
        return expected(b, "ca", what, o->ca, openssl_says());
    if (!o->server)
        return true;
    names = SSL_load_client_CA_file(o->ca); /* tells clients which certificate to choose */
    if (names == NULL)
        return expected(b, "ca", what, o->ca, openssl_says());
    SSL_CTX_set_client_CA_list(ssl, names);
    return true;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *ctx)
{
    const char *own = ctx;
    size_t len = strlen(own);

    (void)ssl;
    for (unsigned at = 0; at < in_len; at += 1u + in[at])
        if (in[at] == len && in_len - at > len && memcmp(in + at + 1, own, len) == 0) {
            *out = in + at + 1;
            *out_len = in[at];
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL; /* the client would speak something else (ALPACA) */
}

/* A ticket counts only where it came from, and under the client-certificate policy that it
 * came by (RELIABILITY S-34). */
static bool bind_tickets(SSL_CTX *ssl, const struct tls_options *o)
{
    unsigned char id[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char text[2048];
    int n = snprintf(text, sizeof(text), "%s %d %s", o->name, (int)o->verify,
                     o->ca != NULL ? o->ca : "");

    if (n < 0 || !EVP_Digest(text, strlen(text), id, &len, EVP_sha256(), NULL))
        return false;
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ssl, TICKET_LIFETIME_S);
    SSL_CTX_set_num_tickets(ssl, 1);
    return SSL_CTX_set_session_id_context(ssl, id, len) == 1;
}

static void set_server_policy(SSL_CTX *ssl, const struct tls_options *o)
{
    int mode = SSL_VERIFY_NONE;

    if (o->verify != TLS_VERIFY_NONE)
        mode = SSL_VERIFY_PEER;
    if (o->verify == TLS_VERIFY_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ssl, mode, NULL);
    if (o->alpn != NULL)
        SSL_CTX_set_alpn_select_cb(ssl, choose_alpn, (void *)(uintptr_t)o->alpn);
}

/* TLS 1.3 wants a ticket used once: whoever takes it out of the slot has it alone. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_context *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    SSL_SESSION_free(atomic_exchange(&c->session, session));
    return 1; /* ours now */
}

static void set_client_policy(SSL_CTX *ssl, const struct tls_options *o)
{
    SSL_CTX_set_verify(ssl, o->verify == TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, keep_session);
}

/* A socket that is not connected yet is told ENOTCONN where there is kTLS. */
static bool kernel_has_tls(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls") - 1) == 0 ||
                           errno == ENOTCONN);

    if (fd >= 0)
        close(fd);
    return has;
}

static bool set_policy(struct tls_context *c, SSL_CTX *ssl, const struct tls_options *o)
{
    bool ktls = o->ktls && kernel_has_tls();

    if (o->ktls && !ktls)
        log_event(LEVEL_WARN, "ktls", "of=%s reason=\"the kernel has none\" hint=\"modprobe tls\"",
                  o->name);
    SSL_CTX_set_app_data(ssl, c);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    if (ktls)
        SSL_CTX_set_options(ssl, SSL_OP_ENABLE_KTLS);
    else
        SSL_CTX_set_read_ahead(ssl, 1); /* head and body of a record in one read */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (o->server)
        set_server_policy(ssl, o);
    else
        set_client_policy(ssl, o);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl, ciphers_12) == 1 && (!o->server || bind_tickets(ssl, o));
}

static SSL_CTX *make(struct tls_context *c, const struct tls_options *o, const struct blame *b)
{
    SSL_CTX *ssl = SSL_CTX_new(o->server ? TLS_server_method() : TLS_client_method());

    if (ssl != NULL && set_policy(c, ssl, o) && (o->certificate == NULL || load_own(ssl, o, b)) &&
        load_trust(ssl, o, b))
        return ssl;
    SSL_CTX_free(ssl);
    return NULL;
}

static bool holds_name(const SSL_CTX *ssl, const char *name)
{
    return X509_check_host(SSL_CTX_get0_certificate(ssl), name, 0, 0, NULL) == 1;
}

/* The certificate that holds the name which the client asks for; else the first. All have one
 * policy for client certificates, so a name is no way round it. */
static int choose_certificate(SSL *ssl, int *alert, void *ctx)
{
    const struct tls_context *c = ctx;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    if (name == NULL || holds_name(c->ssl, name))
        return SSL_TLSEXT_ERR_OK;
    for (size_t i = 0; i < c->more_count; i++)
        if (holds_name(c->more[i], name)) {
            SSL_set_SSL_CTX(ssl, c->more[i]);
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

static bool make_more(struct tls_context *c, const struct tls_options *o, const struct blame *b)
{
    struct tls_options other = *o;

    c->more = calloc(o->more_count, sizeof(SSL_CTX *));
    if (c->more == NULL)
        return false;
    for (size_t i = 0; i < o->more_count; i++) {
        other.certificate = o->more[i].ptr;
        other.key = NULL;
        c->more[i] = make(c, &other, b);
        if (c->more[i] == NULL) {
            *b->key = "more";
            return false;
        }
        c->more_count++;
    }
    SSL_CTX_set_tlsext_servername_callback(c->ssl, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(c->ssl, c);
    return true;
}

static bool fill(struct tls_context *c, const struct tls_options *o, const struct blame *b)
{
    ASN1_OCTET_STRING *address = o->server_name != NULL ? a2i_IPADDRESS(o->server_name) : NULL;

    c->address = address != NULL;
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error(); /* a name is no address: that is no error */
    c->server = o->server;
    c->handshake_ms = o->handshake_ms != 0 ? o->handshake_ms : HANDSHAKE_MS;
    c->name = strdup(o->name);
    c->server_name = o->server_name != NULL ? strdup(o->server_name) : NULL;
    if (c->name == NULL || (o->server_name != NULL && c->server_name == NULL))
        return false;
    c->ssl = make(c, o, b);
    return c->ssl != NULL && (o->more_count == 0 || make_more(c, o, b));
}

struct tls_context *tls_context_new(const struct tls_options *options, const char **key, char *why,
                                    size_t why_cap)
{
    struct tls_context *c = calloc(1, sizeof(*c));
    const struct blame b = {.key = key, .why = why, .cap = why_cap};

    *key = NULL;
    snprintf(why, why_cap, "OpenSSL cannot be set up");

    if (c == NULL)
        return NULL;
    c->users = 1;
    if (!fill(c, options, &b)) {
        tls_context_leave(c);
        ERR_clear_error();
        return NULL;
    }
    return c;
}

struct tls_context *tls_context_enter(struct tls_context *context)
{
    atomic_fetch_add(&context->users, 1);
    return context;
}

void tls_context_leave(struct tls_context *context)
{
    if (context == NULL || atomic_fetch_sub(&context->users, 1) > 1)
        return;
    SSL_SESSION_free(atomic_exchange(&context->session, NULL));
    SSL_CTX_free(context->ssl);
    for (size_t i = 0; i < context->more_count; i++)
        SSL_CTX_free(context->more[i]);
    free(context->more);
    free(context->name);
    free(context->server_name);
    free(context);
}

/* Whom the worker must prove to be, and what it may take up from last time. */
static bool set_expectations(struct tls_context *c, SSL *ssl)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    SSL_SESSION *session;

    SSL_set_connect_state(ssl);
    if (c->server_name != NULL && c->address &&
        X509_VERIFY_PARAM_set1_ip_asc(param, c->server_name) != 1)
        return false;
    if (c->server_name != NULL && !c->address &&
        (X509_VERIFY_PARAM_set1_host(param, c->server_name, 0) != 1 ||
         SSL_set_tlsext_host_name(ssl, c->server_name) != 1))
        return false;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    session = atomic_exchange(&c->session, NULL);
    if (session != NULL) {
        SSL_set_session(ssl, session);
        SSL_SESSION_free(session);
    }
    return true;
}

SSL *tls_context_connection(struct tls_context *context, int fd)
{
    SSL *ssl = SSL_new(context->ssl);

    if (ssl == NULL)
        return NULL;
    if (SSL_set_fd(ssl, fd) != 1 || (!context->server && !set_expectations(context, ssl))) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    if (context->server)
        SSL_set_accept_state(ssl);
    return ssl;
}
