/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and lookups shared by decoder and writer; index 0 is a null view. */
#ifndef AJP_HEADER_NAMES_H
#define AJP_HEADER_NAMES_H
#include <ajp/names.h>

extern const ajp_str req_header_names[AJP_REQ_HEADER_COUNT];
extern const ajp_str res_header_names[AJP_RES_HEADER_COUNT];

/* A length word with this high byte, in the place of a name, is a header code. */
enum { HEADER_CODE = 0xa000 };

/* ASCII comparison without case. */
bool same_name(ajp_str a, ajp_str b);

#endif
