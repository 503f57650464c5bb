/* SPDX-License-Identifier: Apache-2.0 */
/* Known peculiarities of real peers, by number, as a capture shows them. */
#ifndef AJPCAT_QUIRKS_H
#define AJPCAT_QUIRKS_H

#include "exchange.h"

enum { QUIRKS_MAX = 30 };

/* What the quirk is, or NULL when it cannot be seen in a capture. */
const char *quirk_text(unsigned number);

/* Of each number the first frame is kept. */
void quirk_note(struct exchange *e, unsigned number, uint64_t frame);
void quirks_of_request(struct exchange *e, const ajp_request *r, uint64_t frame);
void quirks_of_response(struct exchange *e, const ajp_response *r, uint64_t frame);
/* When the response ended: its length against what was announced. */
void quirks_of_end(struct exchange *e, uint64_t frame);

#endif
