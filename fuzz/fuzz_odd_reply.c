/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of replies that the decoder refuses: the header to blame lies inside, whatever the lengths
 * say. */
#include "back/odd_reply.h"
#include "check.h"

static void find(const uint8_t *payload, size_t len, size_t fault)
{
    ajp_str name;

    if (odd_reply_find(payload, len, fault, &name) && name.len > 0 &&
        ajp_res_header_code(name) == AJP_RES_LITERAL)
        check_inside(name, payload, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t len = size < 4096 ? size : 4096;
    const ajp_frame f = {data, (uint16_t)len, AJP_TO_SERVER};
    uint8_t *copy = malloc(len ? len : 1); /* to see reads beyond it */
    ajp_message m;

    memcpy(copy, data, len);
    if (ajp_decode(&m, &f, false, &ajp_limits_relay) < 0)
        find(copy, len, m.fault);
    for (size_t fault = 0; fault <= len && len < 256; fault++)
        find(copy, len, fault);
    free(copy);
    return 0;
}
