/* SPDX-License-Identifier: Apache-2.0 */
/* What `get` tells about an exchange when it is over. */
#ifndef AJPCAT_GET_REPORT_H
#define AJPCAT_GET_REPORT_H

#include "fetch.h"

struct get_report {
    const char *url;
    const struct fetch *fetch;
    uint64_t connect_ns;
    bool connects; /* a connection was made for it */
};

/* NULL, or the beginning of the first %{variable} that is not known. */
const char *get_report_check(const char *format);
/* Variables and \n \r \t \\ as curl's -w has them. */
void get_report_format(const struct get_report *r, const char *format, FILE *to);
void get_report_timing(const struct get_report *r, FILE *to);

#endif
