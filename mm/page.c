/* SPDX-License-Identifier: MIT
 *
 * References to pages of programs and files.
 */
#include "mm/page.h"
#include "mm/buddy.h"

struct page *zero_page;

void page_put(struct page *pg)
{
    u32 left = __atomic_sub_fetch(&pg->refs, 1, __ATOMIC_ACQ_REL);

    ASSERT(left < 0x7fffffff);
    if (left)
        return;
    ASSERT(pg->type == PAGE_ANON || (pg->type == PAGE_OBJECT && !pg->object));
    page_free(pg, pg->order);
}
