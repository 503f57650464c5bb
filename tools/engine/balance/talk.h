/* SPDX-License-Identifier: Apache-2.0 */
/* What the prober says to a worker and makes of the answer: CPing, then a GET where one is set.
 * Bytes in, bytes out, no I/O. */
#ifndef ENGINE_BALANCE_TALK_H
#define ENGINE_BALANCE_TALK_H

#include "config/settings.h"

#include <ajp/ajp.h>

enum talk_result { TALK_MORE, TALK_WELL, TALK_ILL };

struct talk {
    const struct worker_settings *worker;
    const struct health_settings *health;
    ajp_session session; /* AJP workers */
    const char *problem; /* with TALK_ILL, constant text */
    uint16_t status;     /* of the reply; 0: not seen yet */
    bool pinged;
    size_t out_len; /* bytes of out that are to be sent now; the caller sets it to 0 */
    size_t in_len, body_len;
    uint8_t out[2048];
    char body[4096]; /* what comes first of the reply's body */
    uint8_t in[AJP_PACKET_MAX];
};

/* The connection stands: fills out, or has seen enough already. */
enum talk_result talk_begin(struct talk *talk, const struct worker_settings *worker,
                            const struct health_settings *health);
/* Where the next bytes are to be read to; never empty. */
uint8_t *talk_space(struct talk *talk, size_t *size);
enum talk_result talk_got(struct talk *talk, size_t n);
/* The worker closed the connection. */
enum talk_result talk_end(struct talk *talk);

#endif
