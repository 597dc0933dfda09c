/* SPDX-License-Identifier: MIT
 *
 * Numbers about one VMA, for /proc/PID/smaps.
 */
#pragma once

#include "lib/types.h"

struct vma;

struct vma_counts {
    u64 rss;       /* translated pages */
    u64 anon;      /* of these private memory */
    u64 shared;    /* of these shown by more than one translation */
    u64 away;      /* addresses that are not at home */
    u64 pss_bytes; /* each page divided by its translations */
};

/* M held in any mode. */
void vma_report(struct vma *v, struct vma_counts *c);
