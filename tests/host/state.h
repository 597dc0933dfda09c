/* SPDX-License-Identifier: MIT
 *
 * A full dump of the memory system as lines of text, for comparing before and after.
 */
#pragma once

#include "lib/types.h"

struct mm;
struct vm_object;

#define STATE_LINES 12000u

struct state_line {
    char text[72];
};

struct state {
    u32 n;
    struct state_line line[STATE_LINES];
};

/* What may differ after a failure of some calls. */
#define STATE_NO_TABLES 1u /* tables made on the way stay until the range is unmapped */
#define STATE_NO_WRITE  2u /* fork: writable entries may have become read-only */
#define STATE_NO_FILL   4u /* holes of objects may be filled with zero pages */
#define STATE_NO_PTES   8u /* populating: some translations may have been made */

#define STATE_GROWN 16u /* a growable area has grown, as on Linux: nothing is compared */

/* Dumps all address spaces and the objects in o[0..n). */
void state_take(struct state *s, struct vm_object *const *o, unsigned n, u32 leave_out);

/* Fails the test at the first line that differs; `what` names the call. */
void state_compare(const struct state *before, const struct state *after,
                   const char *what, u64 nth);
