/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a PEM file that OpenSSL does not take, in words. */
#ifndef ENGINE_NET_TLS_FILES_H
#define ENGINE_NET_TLS_FILES_H

/* Right after OpenSSL has refused key as the key of the certificate in the file certificate, which
 * may be the same one; NULL: its own reason has to do. */
const char *tls_key_trouble(const char *certificate, const char *key);
/* The same of the file with the certificate itself. */
const char *tls_certificate_trouble(const char *certificate);

#endif
