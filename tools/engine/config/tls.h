/* SPDX-License-Identifier: Apache-2.0 */
/* TLS contexts out of the settings of listeners and workers, so that a wrong file is found while
 * its place can still be named. */
#ifndef ENGINE_CONFIG_TLS_H
#define ENGINE_CONFIG_TLS_H

#include "config/settings.h"

/* Why there is none: the key to blame (NULL: the entry itself) and what was expected. */
struct tls_blame {
    const char *key;
    char why[640];
};

/* They set tls where the URL asks for it; settings owns the context. verify_given: client_verify
 * was set by the user. */
bool tls_for_listener(struct settings *settings, struct listener_settings *listener,
                      bool verify_given, struct tls_blame *blame);
bool tls_for_worker(struct settings *settings, struct worker_settings *worker,
                    struct tls_blame *blame);

/* Is the file with CAs good by itself, where a context could not be made for another reason? NULL:
 * there is none. */
bool tls_ca_is_good(ajp_str ca, bool of_clients, struct tls_blame *blame);

#endif
