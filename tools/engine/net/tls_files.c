/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's reasons are about decoders and start lines: so the file's headings are looked at. */
#include "net/tls_files.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct headings {
    bool certificate, key, locked;
};

static struct headings headings_of(const char *path)
{
    struct headings found = {false, false, false};
    char line[256];
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return found;
    setvbuf(f, NULL, _IONBF, 0); /* no copy of a key stays in freed memory */
    while (fgets(line, sizeof(line), f) != NULL) {
        bool begins = strncmp(line, "-----BEGIN ", 11) == 0;

        found.certificate |= begins && strstr(line, "CERTIFICATE-----") != NULL;
        found.key |= begins && strstr(line, "PRIVATE KEY-----") != NULL;
        found.locked |= (begins && strstr(line, "ENCRYPTED PRIVATE KEY") != NULL) ||
                        strstr(line, "Proc-Type: 4,ENCRYPTED") != NULL;
    }
    explicit_bzero(line, sizeof(line));
    fclose(f);
    return found;
}

/* A key of another kind than the certificate's has none assigned. */
static bool is_of_another(unsigned long error)
{
    int reason = ERR_GET_REASON(error);

    if (ERR_GET_LIB(error) == ERR_LIB_SSL)
        return reason == SSL_R_NO_CERTIFICATE_ASSIGNED;
    return ERR_GET_LIB(error) == ERR_LIB_X509 &&
           (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH);
}

const char *tls_key_trouble(const char *certificate, const char *key)
{
    struct headings found = headings_of(key);

    if (is_of_another(ERR_peek_last_error()))
        return "it belongs to another certificate";
    if (found.locked)
        return "it has a passphrase, which 'openssl pkey -in FILE -out NEW' takes off";
    if (!found.key && strcmp(certificate, key) == 0)
        return "there is none in it: name its file as key beside the certificate";
    if (!found.key)
        return found.certificate ? "it holds a certificate, and no key" : "it holds no key";
    return NULL;
}

const char *tls_certificate_trouble(const char *certificate)
{
    struct headings found = headings_of(certificate);

    if (!found.certificate && found.key)
        return "it holds a key, and no certificate: are the two files swapped?";
    return found.certificate ? NULL : "it holds no certificate";
}
