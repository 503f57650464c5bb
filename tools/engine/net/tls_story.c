/* SPDX-License-Identifier: Apache-2.0 */
/* Asks OpenSSL once per connection what app servers are told at every request. */
#include "net/tls_story.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { SESSION_ID_TEXT = 2 * SSL_MAX_SSL_SESSION_ID_LENGTH };

static void take_session_id(struct tls_story *story, SSL *ssl)
{
    static const char digits[] = "0123456789abcdef";
    const SSL_SESSION *session = SSL_get_session(ssl);
    unsigned len = 0;
    const unsigned char *id = session != NULL ? SSL_SESSION_get_id(session, &len) : NULL;

    for (unsigned i = 0; i < len; i++) {
        story->text[2 * i] = digits[id[i] >> 4];
        story->text[2 * i + 1] = digits[id[i] & 15];
    }
    if (len > 0)
        story->facts.session_id = ajp_str_of(story->text, 2 * (size_t)len);
}

/* The client's certificate as PEM text; NULL: it showed none. */
static BIO *certificate_text(SSL *ssl)
{
    X509 *x = SSL_get0_peer_certificate(ssl);
    BIO *text = x != NULL ? BIO_new(BIO_s_mem()) : NULL;

    if (text != NULL && PEM_write_bio_X509(text, x) != 1) {
        BIO_free(text);
        text = NULL;
        ERR_clear_error();
    }
    return text;
}

struct tls_story *tls_story_of(SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const char *version = SSL_get_version(ssl), *name = SSL_CIPHER_get_name(cipher);
    BIO *text = certificate_text(ssl);
    char *pem = NULL;
    size_t len = text != NULL ? (size_t)BIO_get_mem_data(text, &pem) : 0;
    struct tls_story *story = calloc(1, sizeof(*story) + SESSION_ID_TEXT + len);

    if (story != NULL) {
        story->facts.cipher = ajp_str_of(name, strlen(name));
        story->facts.key_size = (uint16_t)SSL_CIPHER_get_bits(cipher, NULL);
        story->facts.protocol = ajp_str_of(version, strlen(version));
        take_session_id(story, ssl);
    }
    if (story != NULL && len > 0) {
        memcpy(story->text + SESSION_ID_TEXT, pem, len);
        story->facts.client_cert_pem = ajp_str_of(story->text + SESSION_ID_TEXT, len);
    }
    BIO_free(text);
    return story;
}
