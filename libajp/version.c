/* SPDX-License-Identifier: Apache-2.0 */
/* The library's version, for programs that link it at run time. */
#include <ajp/base.h>

const char *ajp_version(void)
{
    return AJP_VERSION;
}
