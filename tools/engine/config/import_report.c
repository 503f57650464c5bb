/* SPDX-License-Identifier: Apache-2.0 */
/* What an import has to say beside the file: remarks on lines of mod_jk's files, told at the end,
 * what matters first, and lines of one reason together. */
#include "config/import_state.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const headings[NOTE_KINDS] = {
    [NOTE_ANSWERS] = "Look at these first: requests may be answered otherwise than by mod_jk",
    [NOTE_SHARED] = "Said of one worker or balancer there, of more here",
    [NOTE_VALUE] = "Not quite that value",
    [NOTE_NEEDLESS] = "No such setting here, and why",
    [NOTE_IDLE] = "Without effect in mod_jk too",
};

void import_note(struct import *im, enum import_note_kind kind, const char *path, unsigned line,
                 const char *text, const char *fmt, ...)
{
    char shown[200], place[600], reason[512];
    snprintf(place, sizeof place, "%.300s:%u: %s", path, line,
             properties_shown(shown, sizeof shown, text));
    va_list args;
    va_start(args, fmt);
    vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    for (size_t i = 0; i < im->remark_count; i++)
        if (strcmp(im->remarks[i].place, place) == 0 && strcmp(im->remarks[i].reason, reason) == 0)
            return; /* of mappings that several hosts have */
    struct import_remark *remarks =
        realloc(im->remarks, (im->remark_count + 1) * sizeof *im->remarks);
    if (!remarks)
        return;
    im->remarks = remarks;
    struct import_remark *remark = &remarks[im->remark_count];
    *remark = (struct import_remark){kind, strdup(place), strdup(reason), false};
    im->remark_count += remark->place && remark->reason;
}

/* This one, and those behind it that have the same reason. */
static void print_remarks(struct import_remark *first, const struct import_remark *end, FILE *out)
{
    fprintf(out, "# - %s:\n", first->reason);
    for (struct import_remark *remark = first; remark < end; remark++) {
        if (remark->told || remark->kind != first->kind ||
            strcmp(remark->reason, first->reason) != 0)
            continue;
        fprintf(out, "#     %s\n", remark->place);
        remark->told = true;
    }
}

void import_report_print(struct import *im, FILE *out)
{
    if (im->remark_count == 0)
        return;
    struct import_remark *end = im->remarks + im->remark_count;
    fputs("\n# Not carried over, or not as it was; what matters most stands first.\n", out);
    for (unsigned kind = 0; kind < NOTE_KINDS; kind++) {
        bool headed = false;
        for (struct import_remark *remark = im->remarks; remark < end; remark++) {
            if (remark->told || remark->kind != kind)
                continue;
            if (!headed)
                fprintf(out, "#\n# %s:\n", headings[kind]);
            headed = true;
            print_remarks(remark, end, out);
        }
    }
}

void import_report_free(struct import *im)
{
    for (size_t i = 0; i < im->remark_count; i++) {
        free(im->remarks[i].place);
        free(im->remarks[i].reason);
    }
    free(im->remarks);
    im->remarks = NULL;
    im->remark_count = 0;
}
