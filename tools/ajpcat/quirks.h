/* SPDX-License-Identifier: Apache-2.0 */
/* Known peculiarities of real peers, by number, as a capture shows them. */
#ifndef AJPCAT_QUIRKS_H
#define AJPCAT_QUIRKS_H

#include "exchange.h"

enum { QUIRKS_MAX = 30 };

/* What the quirk is, or NULL when it cannot be seen in a capture. */
const char *quirk_text(unsigned number);

void quirk_note(struct exchange *e, unsigned number);
void quirks_of_request(struct exchange *e, const ajp_request *r);
void quirks_of_response(struct exchange *e, const ajp_response *r);
/* When the response ended: its length against what was announced. */
void quirks_of_end(struct exchange *e);

#endif
