/* SPDX-License-Identifier: MIT
 *
 * What the memory calls refuse, with the errno of Linux: tables of arguments. R-22 .. R-30 of
 * the requirements, and the table of remap_file_pages. A refused call changes nothing.
 */
#include "tests/host/mmtest.h"

static struct mm *mm;
static struct vm_object *file;

#define PRIV  (BASE)               /* 16 private pages */
#define SHARE (BASE + (1ul << 20)) /* 16 shared pages of the file, then a hole */
#define RO    (BASE + (2ul << 20)) /* 16 shared pages that may never be written */

static void begin(void)
{
    vaddr_t out;

    mm = t_mm();
    file = t_file(32);
    t_anon(mm, PRIV, 16, RW);
    t_shared(mm, SHARE, 16, file, 0);
    CHECK_EQ(mm_mmap(mm,
                     &(struct mmap_args){.addr = RO,
                                         .len = 16 * P,
                                         .prot = PROT_READ,
                                         .flags = MAP_SHARED | MAP_FIXED,
                                         .object = file,
                                         .max_prot = PROT_READ},
                     &out),
             0);
}

static void end(void)
{
    t_check(mm);
    t_end(mm);
    object_put(file);
    host_caps |= 1ul << CAP_IPC_LOCK;
}

/* ---- mmap ---- */

static const struct {
    vaddr_t addr;
    u64 len;
    u32 flags;
    bool object;
    u64 offset;
    int err;
} mmap_cases[] = {
    {0, 0, MAP_PRIVATE, false, 0, -EINVAL},
    {0, 1ul << 47, MAP_PRIVATE, false, 0, -ENOMEM},
    {0, ~0ul, MAP_PRIVATE, false, 0, -ENOMEM},
    {0, ~0ul - P + 2, MAP_PRIVATE, false, 0, -ENOMEM},
    {0, 2 * P, MAP_SHARED, true, 0x7ffffffffffff000ul, -EOVERFLOW},
    {0, P, MAP_SHARED, true, 0xfffffffffffff000ul, -EOVERFLOW},
    {0, P, MAP_SHARED, true, 0x8000000000000000ul, -EOVERFLOW},
    {0, P, 0, false, 0, -EINVAL},
    {0, P, MAP_TYPE, false, 0, -EINVAL},
    {0, P, MAP_SHARED_VALIDATE | 0x800000, true, 0, -EOPNOTSUPP},
    {0, P, MAP_SHARED_VALIDATE | MAP_SYNC, true, 0, -EOPNOTSUPP},
    {0, 1ul << 40, MAP_PRIVATE | MAP_HUGETLB, false, 0, -ENOMEM},
    {0, P, MAP_PRIVATE | MAP_HUGETLB, false, 0, 0},
    {0, P, MAP_SHARED | MAP_GROWSDOWN, false, 0, -EINVAL},
    {PRIV + 1, P, MAP_PRIVATE | MAP_FIXED, false, 0, -EINVAL},
    {0xffff800000000000ul, P, MAP_PRIVATE | MAP_FIXED, false, 0, -ENOMEM},
    {USER_END, P, MAP_PRIVATE | MAP_FIXED, false, 0, -ENOMEM},
    {USER_END - P, 2 * P, MAP_PRIVATE | MAP_FIXED, false, 0, -ENOMEM},
    {0, P, MAP_PRIVATE | MAP_FIXED, false, 0, -EPERM},
    {MMAP_MIN_ADDR - P, P, MAP_PRIVATE | MAP_FIXED, false, 0, -EPERM},
    {PRIV + 15 * P, 2 * P, MAP_PRIVATE | MAP_FIXED_NOREPLACE, false, 0, -EEXIST},
    {PRIV - P, 2 * P, MAP_PRIVATE | MAP_FIXED_NOREPLACE, false, 0, -EEXIST},
    {PRIV - P, P, MAP_PRIVATE | MAP_FIXED_NOREPLACE, false, 0, 0},
    {PRIV + 16 * P, P, MAP_PRIVATE | MAP_FIXED_NOREPLACE, false, 0, 0},
    {USER_END - P, P, MAP_PRIVATE | MAP_FIXED, false, 0, 0},
    {0, P, MAP_SHARED | 0x800000, true, 0, 0},
    {0, P, MAP_SHARED_VALIDATE, true, 0, 0},
    {0, P, MAP_SHARED_VALIDATE | MAP_ABOVE4G, true, 0, -EOPNOTSUPP},
    {PRIV - P, P, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, true, 0, -EOPNOTSUPP},
    {0, P, MAP_SHARED_VALIDATE, false, 0, -EINVAL},
    {0, P, MAP_DROPPABLE, true, 0, -EINVAL},
    {0, P, MAP_DROPPABLE, false, 0, 0},
    {0, P, MAP_DROPPABLE | MAP_LOCKED, false, 0, -EINVAL},
    {0, P, MAP_DROPPABLE | MAP_GROWSDOWN, false, 0, -EINVAL},
    {~0ul, P, MAP_PRIVATE | MAP_FIXED, false, 0, -EPERM}, /* -1 */
    {0xffff800000000000ul, P, MAP_PRIVATE, false, 0, 0},  /* a hint only */
    {0, 1, MAP_PRIVATE, false, 0, 0},
};

TEST(mmap_table)
{
    for (size_t i = 0; i < ARRAY_SIZE(mmap_cases); i++) {
        vaddr_t out = 1;
        u64 before;
        int err;

        begin();
        before = t_picture(mm);
        err = mm_mmap(mm,
                      &(struct mmap_args){.addr = mmap_cases[i].addr,
                                          .len = mmap_cases[i].len,
                                          .prot = RW,
                                          .flags = mmap_cases[i].flags,
                                          .object = mmap_cases[i].object ? file : NULL,
                                          .from_file = mmap_cases[i].object,
                                          .offset = mmap_cases[i].offset,
                                          .max_prot = RWX},
                      &out);
        if (err != mmap_cases[i].err)
            FAIL("mmap case %zu: %d, not %d", i, err, mmap_cases[i].err);
        CHECK(!err || (t_picture(mm) == before && out == 1));
        CHECK(err || (out % P == 0 && UNDER(&mm->lock, vma_at(mm, out))));
        end();
    }
}

TEST(mmap_limits)
{
    struct mmap_args a = {.addr = PRIV,
                          .len = 8 * P,
                          .prot = RW,
                          .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                          .max_prot = RWX};
    vaddr_t out;
    u64 before;

    begin();
    host_write_u32(mm, PRIV, 4);
    mm->limits.as = (mm->total_vm + 4) * P;
    CHECK_EQ(mm_mmap(mm, &a, &out), 0); /* replaces as much as it takes */
    host_write_u32(mm, PRIV, 4);
    a.addr = PRIV + 12 * P;
    before = t_picture(mm);
    mm->limits.as = (mm->total_vm + 3) * P;
    CHECK_EQ(mm_mmap(mm, &a, &out), -ENOMEM); /* 4 pages more */
    CHECK_EQ(t_picture(mm), before);
    mm->limits.as = ~0ull;
    mm->limits.data = (mm->data_vm + 7) * P;
    a.addr = BASE + (9ul << 20);
    CHECK_EQ(mm_mmap(mm, &a, &out), -ENOMEM);
    a.prot = PROT_READ; /* not data */
    CHECK_EQ(mm_mmap(mm, &a, &out), 0);
    mm->limits.data = ~0ull;
    a.prot = RW;
    host_caps &= ~(1ul << CAP_IPC_LOCK);
    mm->limits.memlock = 7 * P;
    a.flags |= MAP_LOCKED;
    before = t_picture(mm);
    CHECK_EQ(mm_mmap(mm, &a, &out), -EAGAIN);
    CHECK_EQ(t_picture(mm), before);
    mm->limits.memlock = 8 * P;
    CHECK_EQ(mm_mmap(mm, &a, &out), 0);
    CHECK_EQ(mm->locked_vm, 8);
    end();
}

/* ---- munmap, mprotect, msync, mincore, madvise, mlock ---- */

TEST(munmap_table)
{
    u64 before;

    begin();
    before = t_picture(mm);
    CHECK_EQ(mm_munmap(mm, PRIV + 1, P), -EINVAL);
    CHECK_EQ(mm_munmap(mm, PRIV, 0), -EINVAL);
    CHECK_EQ(mm_munmap(mm, PRIV, ~0ul), -EINVAL);
    CHECK_EQ(mm_munmap(mm, PRIV, USER_END), -EINVAL);
    CHECK_EQ(mm_munmap(mm, USER_END + P, P), -EINVAL);
    CHECK_EQ(mm_munmap(mm, 0xffff800000000000ul, P), -EINVAL);
    CHECK_EQ(mm_munmap(mm, BASE + (50ul << 20), P), 0); /* nothing there */
    CHECK_EQ(t_picture(mm), before);
    CHECK_EQ(mm_munmap(mm, PRIV + 2 * P, 1), 0);
    CHECK_EQ(t_vmas(mm), 4);
    CHECK_EQ(mm_munmap(mm, 0, USER_END), 0);
    CHECK_EQ(t_vmas(mm), 0);
    CHECK_EQ(mm->tables, 1);
    end();
}

TEST(mprotect_table)
{
    u64 before;

    begin();
    before = t_picture(mm);
    CHECK_EQ(mm_mprotect(mm, PRIV + 1, P, RW), -EINVAL);
    CHECK_EQ(mm_mprotect(mm, PRIV, P, PROT_SEM | RW), 0);
    CHECK_EQ(mm_mprotect(mm, PRIV, P, 0x10), -EINVAL);
    CHECK_EQ(mm_mprotect(mm, PRIV, 0, 0x10), 0);
    CHECK_EQ(mm_mprotect(mm, PRIV, ~0ul, 0x10), -ENOMEM);
    CHECK_EQ(mm_mprotect(mm, PRIV, P, PROT_GROWSDOWN | PROT_GROWSUP), -EINVAL);
    CHECK_EQ(mm_mprotect(mm, PRIV, P, PROT_GROWSDOWN | PROT_READ), -EINVAL);
    CHECK_EQ(mm_mprotect(mm, PRIV, ~0ul, PROT_READ), -ENOMEM);
    CHECK_EQ(mm_mprotect(mm, PRIV, 0, PROT_READ), 0);
    CHECK_EQ(mm_mprotect(mm, PRIV - P, 2 * P, PROT_READ), -ENOMEM);
    CHECK_EQ(mm_mprotect(mm, RO, P, RW), -EACCES);
    CHECK_EQ(mm_mprotect(mm, RO, P, PROT_READ | PROT_EXEC), -EACCES);
    CHECK_EQ(t_picture(mm), before);
    /* A hole: the part before it is changed. */
    CHECK_EQ(mm_mprotect(mm, PRIV + 15 * P, 3 * P, PROT_READ), -ENOMEM);
    CHECK_EQ(UNDER(&mm->lock, vma_at(mm, PRIV + 15 * P))->flags & VM_PROT, PROT_READ);
    CHECK_EQ(t_vmas(mm), 4);
    CHECK_EQ(mm_mprotect(mm, PRIV, 16 * P, RW), 0); /* and the parts join again */
    CHECK_EQ(t_picture(mm), before);
    end();
}

TEST(msync_table)
{
    begin();
    CHECK_EQ(mm_msync(mm, SHARE, P, MS_SYNC), 0);
    CHECK_EQ(mm_msync(mm, SHARE, P, 0), 0);
    CHECK_EQ(mm_msync(mm, SHARE, 0, MS_ASYNC), 0);
    CHECK_EQ(mm_msync(mm, SHARE + 1, P, MS_SYNC), -EINVAL);
    CHECK_EQ(mm_msync(mm, SHARE, P, MS_SYNC | MS_ASYNC), -EINVAL);
    CHECK_EQ(mm_msync(mm, SHARE, P, 8), -EINVAL);
    CHECK_EQ(mm_msync(mm, SHARE, ~0ul, MS_SYNC), 0);
    CHECK_EQ(mm_msync(mm, SHARE, ~0ul - P, MS_SYNC), -ENOMEM);
    CHECK_EQ(mm_msync(mm, SHARE + 15 * P, 2 * P, MS_SYNC), -ENOMEM);
    CHECK_EQ(mm_msync(mm, SHARE - P, 2 * P, MS_SYNC), -ENOMEM);
    CHECK_EQ(mm_mlock(mm, SHARE, P, 0), 0);
    CHECK_EQ(mm_msync(mm, SHARE, P, MS_SYNC | MS_INVALIDATE), -EBUSY);
    CHECK_EQ(mm_msync(mm, SHARE + P, P, MS_SYNC | MS_INVALIDATE), 0);
    end();
}

TEST(mincore_table)
{
    u8 vec[16];

    begin();
    CHECK_EQ(mm_mincore(mm, SHARE + 15 * P, 2, vec), -ENOMEM);
    CHECK_EQ(mm_mincore(mm, PRIV, 16, vec), 0);
    CHECK_EQ(vec[0], 0);
    host_read_u32(mm, PRIV + P);
    CHECK_EQ(mm_mincore(mm, PRIV, 2, vec), 0);
    CHECK(vec[0] == 0 && vec[1] == 1);
    /* What the address shows counts, mapped or not, home or away. */
    object_punch(file, 5 * P, 6 * P);
    CHECK_EQ(mm_remap(mm, SHARE, P, 0, 5, MAP_NONBLOCK), 0);
    CHECK_EQ(mm_remap(mm, SHARE + P, P, 0, 40, MAP_NONBLOCK), 0);
    CHECK_EQ(mm_mincore(mm, SHARE, 6, vec), 0);
    CHECK(vec[0] == 0 && vec[1] == 0 && vec[2] == 1 && vec[5] == 0);
    end();
}

TEST(madvise_table)
{
    begin();
    CHECK_EQ(mm_madvise(mm, PRIV + 1, P, MADV_DONTNEED), -EINVAL);
    CHECK_EQ(mm_madvise(mm, PRIV, P, 5), -EINVAL);
    CHECK_EQ(mm_madvise(mm, PRIV, P, 12345), -EINVAL);
    CHECK_EQ(mm_madvise(mm, PRIV, ~0ul, MADV_DONTNEED), -EINVAL);
    CHECK_EQ(mm_madvise(mm, PRIV, 0, MADV_DONTNEED), 0);
    CHECK_EQ(mm_madvise(mm, SHARE, P, MADV_FREE), -EINVAL);
    CHECK_EQ(mm_madvise(mm, SHARE, P, MADV_WIPEONFORK), -EINVAL);
    CHECK_EQ(mm_madvise(mm, PRIV, P, MADV_REMOVE), -EINVAL);
    CHECK_EQ(mm_madvise(mm, RO, P, MADV_REMOVE), -EACCES);
    CHECK_EQ(mm_madvise(mm, RO, P, MADV_POPULATE_WRITE), -EINVAL);
    CHECK_EQ(mm_mlock(mm, PRIV + 4 * P, P, 0), 0);
    CHECK_EQ(mm_madvise(mm, PRIV + 4 * P, P, MADV_DONTNEED), -EINVAL);
    CHECK_EQ(mm_madvise(mm, PRIV + 4 * P, P, MADV_DONTNEED_LOCKED), 0);
    CHECK_EQ(mm_munlock(mm, PRIV + 4 * P, P), 0);
    /* A hole: both sides are advised, and the answer is ENOMEM. */
    t_anon(mm, PRIV + 20 * P, 4, RW);
    host_write_u32(mm, PRIV + 15 * P, 1);
    host_write_u32(mm, PRIV + 20 * P, 1);
    CHECK_EQ(mm_madvise(mm, PRIV, 24 * P, MADV_DONTNEED), -ENOMEM);
    CHECK_EQ(host_read_u32(mm, PRIV + 15 * P), 0);
    CHECK_EQ(host_read_u32(mm, PRIV + 20 * P), 0);
    end();
}

TEST(mlock_table)
{
    begin();
    CHECK_EQ(mm_mlock(mm, PRIV, ~0ul, 0), 0);        /* rounds up to 2^64: nothing */
    CHECK_EQ(mm_mlock(mm, PRIV, -PRIV, 0), -EINVAL); /* ends at 0 */
    CHECK_EQ(mm_mlock(mm, PRIV, P, 2), -EINVAL);
    CHECK_EQ(mm_mlock(mm, PRIV, 0, 0), 0);
    CHECK_EQ(mm_mlock(mm, BASE - P, P, 0), -ENOMEM);
    CHECK_EQ(mm_mlock(mm, PRIV + 100, P, 0), 0); /* touches two pages */
    CHECK_EQ(mm->locked_vm, 2);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 2);
    CHECK_EQ(mm_mlock(mm, PRIV, 4 * P, 0), 0); /* locks do not nest */
    CHECK_EQ(mm->locked_vm, 4);
    CHECK_EQ(mm_munlock(mm, PRIV + P, P), 0);
    CHECK_EQ(mm->locked_vm, 3);
    CHECK_EQ(mm_munlockall(mm), 0);
    CHECK_EQ(mm->locked_vm, 0);
    CHECK_EQ(mm_mlockall(mm, 0), -EINVAL);
    CHECK_EQ(mm_mlockall(mm, MCL_ONFAULT), -EINVAL);
    CHECK_EQ(mm_mlockall(mm, 64), -EINVAL);
    CHECK_EQ(mm_mlockall(mm, MCL_CURRENT), 0);
    CHECK_EQ(mm->locked_vm, 48);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 16);
    CHECK_EQ(mm_munlockall(mm), 0);
    host_caps &= ~(1ul << CAP_IPC_LOCK);
    mm->limits.memlock = 3 * P;
    CHECK_EQ(mm_mlock(mm, PRIV, 4 * P, 0), -ENOMEM);
    CHECK_EQ(mm->locked_vm, 0);
    CHECK_EQ(mm_mlock(mm, PRIV, 3 * P, 0), 0);
    CHECK_EQ(mm_mlock(mm, PRIV, 3 * P, 0), 0);
    CHECK_EQ(mm_mlock(mm, PRIV + 3 * P, P, 0), -ENOMEM);
    mm->limits.memlock = 0;
    CHECK_EQ(mm_mlock(mm, PRIV, P, 0), -EPERM);
    end();
}

/* ---- mremap ---- */

static const struct {
    vaddr_t old;
    u64 old_len, new_len;
    u32 flags;
    vaddr_t to;
    int err;
} mremap_cases[] = {
    {PRIV, 0, P, MREMAP_MAYMOVE, 0, -EINVAL}, /* duplicates are for shared memory */
    {SHARE, 0, P, MREMAP_MAYMOVE, 0, 0},
    {SHARE, 0, P, MREMAP_MAYMOVE | MREMAP_FIXED, SHARE, -EFAULT},
    {PRIV, P, 0, MREMAP_MAYMOVE, 0, -EINVAL},
    {PRIV, P, ~0ul, MREMAP_MAYMOVE, 0, -EINVAL},
    {PRIV, P, P, 8, 0, -EINVAL},
    {PRIV, P, P, MREMAP_FIXED, BASE + (9ul << 20), -EINVAL},
    {PRIV, P, 2 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, -EINVAL},
    {PRIV, P, P, MREMAP_DONTUNMAP, 0, -EINVAL},
    {PRIV + 1, P, P, 0, 0, -EINVAL},
    {PRIV, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, PRIV + 2 * P, -EINVAL},
    {PRIV + 2 * P, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, PRIV, -EINVAL},
    {PRIV, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, BASE + (9ul << 20) + 1, -EINVAL},
    {PRIV, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, USER_END, -EINVAL},
    {PRIV, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, 0, -EPERM},
    {BASE + (9ul << 20), P, P, 0, 0, -EFAULT},
    {PRIV + 8 * P, 9 * P, 9 * P, 0, 0, 0}, /* nothing to do, whatever is there */
    {PRIV + 8 * P, 9 * P, 8 * P, 0, 0, 0}, /* the tail is a hole */
    {PRIV + 8 * P, 9 * P, 10 * P, MREMAP_MAYMOVE, 0, -EFAULT},
    {PRIV + 8 * P, 9 * P, 9 * P, MREMAP_MAYMOVE | MREMAP_FIXED, BASE + (9ul << 20), 0},
    {PRIV + 8 * P, 9 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, BASE + (9ul << 20), 0},
    {PRIV + 8 * P, 9 * P, 9 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, -EFAULT},
    {PRIV, P, 2 * P, 0, 0, -ENOMEM}, /* the way is blocked by its own next page */
    {PRIV, 16 * P, 20 * P, 0, 0, 0},
    {PRIV, 16 * P, 1, 0, 0, 0},
    {PRIV, 16 * P, 1ul << 20, MREMAP_MAYMOVE, 0, 0},
};

TEST(mremap_table)
{
    for (size_t i = 0; i < ARRAY_SIZE(mremap_cases); i++) {
        vaddr_t out = 1;
        u64 before;
        int err;

        begin();
        before = t_picture(mm);
        err = mm_mremap(mm, mremap_cases[i].old, mremap_cases[i].old_len,
                        mremap_cases[i].new_len, mremap_cases[i].flags,
                        mremap_cases[i].to, &out);
        if (err != mremap_cases[i].err)
            FAIL("mremap case %zu: %d, not %d", i, err, mremap_cases[i].err);
        CHECK(!err || (t_picture(mm) == before && out == 1));
        end();
    }
}

/* ---- remap_file_pages: the table of the specification ---- */

static const struct {
    vaddr_t addr;
    u64 size, prot;
    pgoff_t pgoff;
    u32 flags;
    int err;
} remap_cases[] = {
    {SHARE, P, 0, 3, 0, 0},                     /* 1 */
    {SHARE + 7, P, 0, 3, 0, 0},                 /* 2: start rounded down */
    {SHARE, P + 1, 0, 3, 0, 0},                 /* 3: size rounded down */
    {SHARE + 15 * P, 2 * P - 1, 0, 3, 0, 0},    /* 3 */
    {SHARE, 0, 0, 3, 0, -EINVAL},               /* 4 */
    {SHARE, P - 1, 0, 3, 0, -EINVAL},           /* 4 */
    {SHARE, P, 1, 3, 0, -EINVAL},               /* 5 */
    {SHARE, P, 1ul << 32, 3, 0, -EINVAL},       /* 5 */
    {SHARE, ~0ul, 0, 3, 0, -EINVAL},            /* 6 */
    {SHARE, 0 - SHARE, 0, 3, 0, -EINVAL},       /* 6 */
    {SHARE, P, 0, ~0ul, 0, -EINVAL},            /* 7 */
    {SHARE, 2 * P, 0, ~0ul - 1, 0, -EINVAL},    /* 7 */
    {SHARE, P, 0, 1ul << 51, 0, -EINVAL},       /* 8 */
    {SHARE, P, 0, (1ul << 51) - 1, 0, -EINVAL}, /* 8 */
    {SHARE, P, 0, 1ul << 40, 0, -EINVAL},       /* 9: beyond our longest file */
    {SHARE, P, 0, 32, 0, 0},                    /* 10: SIGBUS at the touch */
    {SHARE, P, 0, OBJECT_MAX_PAGES - 1, 0, 0},  /* 10 */
    {SHARE, P, 0, OBJECT_MAX_PAGES, 0, -EINVAL},
    {SHARE, 17 * P, 0, 3, 0, -EINVAL},            /* 12 */
    {SHARE - P, 2 * P, 0, 3, 0, -EINVAL},         /* 13 */
    {PRIV, P, 0, 3, 0, -EINVAL},                  /* 18 */
    {RO, P, 0, 3, 0, 0},                          /* 22: ruling R1 */
    {SHARE, P, 0, 3, ~0u, 0},                     /* 30 */
    {SHARE, P, 0, 3, MAP_PRIVATE | MAP_FIXED, 0}, /* 30 */
    {BASE + (9ul << 20), P, 0, 3, 0, -EINVAL},    /* 32 */
    {0xffff800000000000ul, P, 0, 3, 0, -EINVAL},  /* 33 */
    {0x8000000000000000ul, P, 0, 3, 0, -EINVAL},  /* 33 */
    {0, P, 0, 3, 0, -EINVAL},
    {SHARE, 16 * P, 0, 0, 0, 0}, /* 35: identity */
};

TEST(remap_table)
{
    for (size_t i = 0; i < ARRAY_SIZE(remap_cases); i++) {
        u64 before;
        int err;

        begin();
        before = t_picture(mm);
        err = mm_remap(mm, remap_cases[i].addr, remap_cases[i].size, remap_cases[i].prot,
                       remap_cases[i].pgoff, remap_cases[i].flags);
        if (err != remap_cases[i].err)
            FAIL("remap case %zu: %d, not %d", i, err, remap_cases[i].err);
        CHECK(!err || t_picture(mm) == before);
        CHECK_EQ(t_vmas(mm), 3);
        end();
    }
}

TEST(remap_refuses_mixed_ranges)
{
    begin();
    /* 16: different rights in the range; 17: restored, the parts are one again. */
    CHECK_EQ(mm_remap(mm, SHARE, P, 0, 9, 0), 0);
    CHECK_EQ(mm_mprotect(mm, SHARE + 4 * P, P, PROT_READ), 0);
    CHECK_EQ(mm_remap(mm, SHARE, 16 * P, 0, 8, 0), -EINVAL);
    CHECK_EQ(mm_mprotect(mm, SHARE + 4 * P, P, RW), 0);
    CHECK_EQ(t_vmas(mm), 3);
    CHECK_EQ(host_read_u32(mm, SHARE), 10);
    CHECK_EQ(mm_remap(mm, SHARE, 16 * P, 0, 8, 0), 0);
    for (u32 i = 0; i < 16; i++)
        CHECK_EQ(host_read_u32(mm, SHARE + i * P), 9 + i);
    /* 14: a neighbour that shows the same file but does not continue it. */
    t_shared(mm, SHARE + 16 * P, 4, file, 0);
    CHECK_EQ(mm_remap(mm, SHARE + 15 * P, 2 * P, 0, 3, 0), -EINVAL);
    /* 36: home again leaves no trace. */
    CHECK_EQ(mm_remap(mm, SHARE, 16 * P, 0, 0, 0), 0);
    CHECK(!pt_leaf(mm, SHARE)->away);
    end();
}
