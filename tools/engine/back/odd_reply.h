/* SPDX-License-Identifier: Apache-2.0 */
/* What is odd about the head of a worker's reply: mended where one value pays for it, else told by
 * the name of the header. */
#ifndef ENGINE_BACK_ODD_REPLY_H
#define ENGINE_BACK_ODD_REPLY_H

#include "back/link.h"
#include "base/rare.h"

/* Put blanks in the place of controls in header values, as Tomcat's own connector does. r lies in
 * the loop's scratch. */
RARE void odd_reply_clean(const struct link *l, const ajp_response *r);

/* The packet at in[0..len) was refused with st: tell which header it was, if it was one. */
RARE void odd_reply_tell(const struct link *l, const uint8_t *in, size_t len, const ajp_message *m,
                         ajp_status st);

/* The name of the header that holds the byte at fault of a payload that was refused; false: none.
 */
bool odd_reply_find(const uint8_t *payload, size_t len, size_t fault, ajp_str *name);

#endif
