/* SPDX-License-Identifier: MIT
 *
 * What /proc tells about memory: numbers of one VMA for smaps, translations for pagemap and
 * kpagecount, and the arrangement.
 */
#pragma once

#include "lib/types.h"

struct mm;
struct page;
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

/* Translations that show a page: of an object by the reverse map (its lock is taken), of
 * private memory by its references; 0 for all other frames. */
u64 page_translations(struct page *pg);

/* An entry of /proc/PID/pagemap, as Linux has it: the frame below. */
#define PAGEMAP_FRAME     ((1ull << 55) - 1)
#define PAGEMAP_EXCLUSIVE (1ull << 56) /* shown by this translation alone */
#define PAGEMAP_GUARDED   (1ull << 57) /* write-protected by userfaultfd(2) */
#define PAGEMAP_FILE      (1ull << 61) /* a page of an object */
#define PAGEMAP_PRESENT   (1ull << 63)

/* Who reads a pagemap part by part. */
struct pagemap_reader {
    u64 left; /* entries he wants from here on */
    u32 lost; /* times that a change has made a count worthless; 0 first */
};

/* Fills in n entries from address va (whole pages below USER_END). Takes mm->lock. */
void pagemap_read(struct mm *mm, vaddr_t va, size_t n, u64 *out,
                  struct pagemap_reader *r);

/* Addresses that show consecutive file pages, all at home or all away. */
struct arrangement_run {
    vaddr_t start, end;
    pgoff_t first; /* file page at start */
    bool away;
};
typedef bool (*arrangement_fn)(const struct arrangement_run *run, void *arg);

/* Visits the runs of all mappings of objects from `from` on in the order of addresses, longest
 * possible within a VMA, until visit says false. mm->lock is held during the visits. */
void arrangement_report(struct mm *mm, vaddr_t from, arrangement_fn visit, void *arg);
