/* SPDX-License-Identifier: MIT
 *
 * The count of commitments and its limit; see mm/vm/commit.h. A check and the counting that
 * follows are two steps: several processors together may pass the limit by what they ask for
 * at the same instant. Each processor counts what it adds and takes away itself; the sum is
 * exact when nobody counts.
 */
#include "mm/vm/commit.h"
#include "lib/uapi/capability.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"
#include "mm/table/mm_types.h"

#define PAGE_KB       (PAGE_SIZE / 1024)
#define ADMIN_RESERVE (8ul << 10) /* KiB at most */
#define USER_RESERVE  (128ul << 10)

u32 mm_overcommit = OVERCOMMIT_GUESS, mm_overcommit_ratio = 50;
u64 mm_overcommit_kbytes, mm_admin_reserve_kbytes, mm_user_reserve_kbytes;

DEFINE_PER_CPU(s64, commit_part);

void commit_init(u64 npages)
{
    u64 part = npages * PAGE_KB / 32;

    mm_admin_reserve_kbytes = MIN(part, ADMIN_RESERVE);
    mm_user_reserve_kbytes = MIN(part, USER_RESERVE);
}

u64 commit_total(void)
{
    return mm_part_sum(commit_part);
}

u64 commit_limit(void)
{
    u64 kbytes = READ_ONCE(mm_overcommit_kbytes);

    if (kbytes)
        return kbytes / PAGE_KB;
    return page_count_total() * READ_ONCE(mm_overcommit_ratio) / 100;
}

/* The strict rule. The last pages are for the administrator, and one program alone leaves
 * room for a shell that ends it. */
static noinline bool fits(const struct mm *mm, u64 npages)
{
    u64 allowed = commit_limit(), keep = 0, now = commit_total();

    if (mm && !caller_may(CAP_SYS_ADMIN))
        keep = READ_ONCE(mm_admin_reserve_kbytes) / PAGE_KB;
    if (mm)
        keep += MIN(mm->total_vm / 32, READ_ONCE(mm_user_reserve_kbytes) / PAGE_KB);
    return allowed > keep && npages < allowed - keep && now < allowed - keep - npages;
}

int commit_check(const struct mm *mm, u64 npages)
{
    switch (READ_ONCE(mm_overcommit)) {
    case OVERCOMMIT_ALWAYS:
        return 0;
    case OVERCOMMIT_NEVER:
        return fits(mm, npages) ? 0 : -ENOMEM;
    default:
        return npages > page_count_total() ? -ENOMEM : 0;
    }
}
