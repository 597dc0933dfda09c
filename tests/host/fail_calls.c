/* SPDX-License-Identifier: MIT
 *
 * See fail_calls.h.
 */
#include "tests/host/fail_calls.h"
#include "lib/string.h"
#include "lib/uapi/remap.h"
#include "mm/op/access.h"
#include "mm/op/fork.h"
#include "mm/op/stack.h"
#include "mm/phys/buddy.h"
#include "mm/phys/kspace.h"
#include "mm/phys/page_stack.h"

struct scene S;

void scene_begin(void)
{
    memset(&S, 0, sizeof(S));
    S.file = t_file(64);
    S.mm = t_mm();
    S.mm->brk_start = H;
    S.mm->brk = H;
    CHECK_EQ(mm_brk(S.mm, H + 6 * P, false), H + 6 * P);
    for (u32 i = 0; i < 6; i++)
        host_write_u32(S.mm, H + i * P, 300 + i);
    t_anon(S.mm, A, 16, RW);
    for (u32 i = 0; i < 8; i++)
        host_write_u32(S.mm, A + i * P, i);
    CHECK_EQ(mm_fork(S.mm, &S.child), 0);
    t_shared(S.mm, B, 32, S.file, 0);
    for (u32 i = 0; i < 8; i++) /* eight addresses show file page 40 */
        CHECK_EQ(mm_remap(S.mm, B + i * P, P, 0, 40, i < 4 ? 0 : MAP_NONBLOCK), 0);
    host_write_u32(S.mm, B + 20 * P, 99);
    t_map(S.mm, C, 16, RW, MAP_PRIVATE, S.file, 8);
    for (u32 i = 0; i < 4; i++)
        host_write_u32(S.mm, C + i * P, 100 + i);
    t_shared(S.mm, D, 1200, S.file, 0);
    t_anon(S.mm, E, 8, RW);
    for (u32 i = 0; i < 4; i++)
        host_write_u32(S.mm, E + i * P, 200 + i);
    CHECK_EQ(mm_mprotect(S.mm, E, 8 * P, PROT_NONE), 0);
    t_map(S.mm, F, 4, RW, MAP_PRIVATE | MAP_GROWSDOWN, NULL, 0);
    host_write_u32(S.mm, F, 7);
    page_drain();
}

void scene_end(void)
{
    if (S.made)
        t_end(S.made);
    if (S.made_object)
        object_put(S.made_object);
    if (S.made_range)
        kspace_free(S.made_range, 4);
    t_end(S.mm);
    t_end(S.child);
    object_put(S.file);
}

/* ---- the calls: 0 or a negative errno ---- */

static int map(vaddr_t addr, u64 n, u32 flags, struct vm_object *o)
{
    struct mmap_args a = {.addr = addr,
                          .len = n * P,
                          .prot = RW,
                          .flags = flags | (o ? 0 : MAP_ANONYMOUS),
                          .object = o,
                          .max_prot = RWX};
    vaddr_t out;

    return mm_mmap(S.mm, &a, &out);
}

static int mmap_private(void)
{
    return map(0, 5, MAP_PRIVATE, NULL);
}

static int mmap_shared_anonymous(void)
{
    return map(0, 5, MAP_SHARED, NULL);
}

static int mmap_fixed_inside(void)
{
    return map(A + 3 * P, 5, MAP_PRIVATE | MAP_FIXED, S.file);
}

static int mmap_fixed_over_many(void)
{
    return map(A + 3 * P, 0x500, MAP_SHARED | MAP_FIXED, NULL);
}

static int mmap_populate(void)
{
    return map(G, 20, MAP_SHARED | MAP_FIXED | MAP_POPULATE, NULL);
}

static int munmap_inside(void)
{
    return mm_munmap(S.mm, A + 2 * P, 3 * P);
}

static int munmap_away(void)
{
    return mm_munmap(S.mm, B + 2 * P, 3 * P);
}

static int munmap_many(void)
{
    return mm_munmap(S.mm, A + 2 * P, 0x500 * P);
}

static int mprotect_inside(void)
{
    return mm_mprotect(S.mm, A + 2 * P, 3 * P, PROT_NONE);
}

static int mprotect_away(void)
{
    return mm_mprotect(S.mm, B + 2 * P, 3 * P, PROT_READ);
}

static int mremap_to(vaddr_t old, u64 n, u64 to_n, u32 flags, vaddr_t to)
{
    vaddr_t out;

    return mm_mremap(S.mm, old, n * P, to_n * P, flags, to, &out);
}

static int mremap_move_private(void)
{
    return mremap_to(A, 16, 2000, MREMAP_MAYMOVE, 0);
}

static int mremap_part_private(void)
{
    return mremap_to(A + P, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, G);
}

static int mremap_move_away(void)
{
    return mremap_to(B, 32, 32, MREMAP_MAYMOVE | MREMAP_FIXED, G + (1ul << 21) - 4 * P);
}

static int mremap_over_others(void)
{
    return mremap_to(B, 32, 32, MREMAP_MAYMOVE | MREMAP_FIXED, D + (1ul << 21) - 4 * P);
}

/* The first half of the target is a hole without tables, the second half is mapped. */
static int mremap_over_part(void)
{
    return mremap_to(B, 32, 32, MREMAP_MAYMOVE | MREMAP_FIXED, D - 16 * P);
}

static int mremap_shrink(void)
{
    return mremap_to(B, 32, 3, 0, 0);
}

static int mremap_duplicate(void)
{
    return mremap_to(B, 0, 32, MREMAP_MAYMOVE, 0);
}

static int mremap_keep(void)
{
    return mremap_to(C, 16, 16, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
}

static int remap_many(void)
{
    return mm_remap(S.mm, D, 1200 * P, 0, 3, MAP_NONBLOCK);
}

static int remap_alias(void)
{
    return mm_remap(S.mm, B + 9 * P, P, 0, 40, 0);
}

static int remap_fills(void)
{
    return mm_remap(S.mm, D, 600 * P, 0, 3, 0);
}

static int remap_home(void)
{
    return mm_remap(S.mm, B, 8 * P, 0, 0, 0);
}

static int remapv_atomic(void)
{
    struct remap_vec v[] = {
        {D, 7, 1, 0}, {D + 500 * P, 3, 40, 0}, {D + 1100 * P, 1, 4, 0}};
    ssize_t n = mm_remapv(S.mm, v, 3, RM_ATOMIC | RM_NOPOPULATE);

    return n == 3 ? 0 : (int)n;
}

static int remap_swap(void)
{
    return mm_remap_swap(S.mm, D, D + 600 * P, 500 * P);
}

static int remap_rotate(void)
{
    return mm_remap_rotate(S.mm, D, 1200 * P, 7);
}

static int remap_clone(void)
{
    vaddr_t out;

    return mm_remap_clone(S.mm, B, 32 * P, PROT_READ, &out);
}

static int seal_inside(void)
{
    return mm_seal(S.mm, A + 3 * P, 4 * P);
}

static int fork_all(void)
{
    return mm_fork(S.mm, &S.made);
}

static int madvise_flag(void)
{
    int err = mm_madvise(S.mm, B + 3 * P, 4 * P, MADV_DONTFORK);

    return err == -EAGAIN ? -ENOMEM : err; /* -ENOMEM tells of holes */
}

static int madvise_drop(void)
{
    return mm_madvise(S.mm, A, 16 * P, MADV_DONTNEED);
}

static int mlock_on_fault(void)
{
    return mm_mlock(S.mm, A + 3 * P, 4 * P, MLOCK_ONFAULT);
}

static int munlock_part(void)
{
    return mm_munlock(S.mm, A + 3 * P, 4 * P);
}

static int brk_grow(void)
{
    return mm_brk(S.mm, H + 60 * P, false) == H + 60 * P ? 0 : -ENOMEM;
}

static int brk_shrink(void)
{
    return mm_brk(S.mm, H + P, false) == H + P ? 0 : -ENOMEM;
}

static int make_stack(void)
{
    return mm_make_stack(S.mm, T, 32 * P, false);
}

static int create(void)
{
    S.made = mm_create();
    return S.made ? 0 : -ENOMEM;
}

static int object_new(void)
{
    S.made_object = object_create(P);
    return S.made_object ? 0 : -ENOMEM;
}

static int object_page_far(void)
{
    struct page *pg;
    int err = object_get_page_extend(S.file, 0x1234567, &pg);

    if (!err)
        page_put(pg);
    return err;
}

static int object_fill(void)
{
    int err = object_allocate(S.file, 60 * P, 300 * P);

    return err == -ENOSPC ? -ENOMEM : err;
}

static int kernel_range(void)
{
    S.made_range = kspace_alloc(4);
    return S.made_range ? 0 : -ENOMEM;
}

static int fault(vaddr_t va, u32 kind)
{
    enum fault_result result = fault_handle(S.mm, va, kind);

    CHECK(result == FAULT_OK || result == FAULT_OOM);
    return result == FAULT_OK ? 0 : -ENOMEM;
}

static int fault_anon(void)
{
    return fault(A + 9 * P, FAULT_WRITE);
}

static int fault_copy(void)
{
    return fault(A + P, FAULT_WRITE);
}

static int fault_file_copy(void)
{
    return fault(C + 7 * P, FAULT_WRITE);
}

static int fault_new_table(void)
{
    return fault(D + 40 * P, FAULT_READ);
}

static int fault_hint_log(void)
{
    return fault(B + 4 * P, FAULT_READ);
}

static int fault_stack(void)
{
    return fault(F - 20 * P, FAULT_WRITE);
}

static int access_copy(void)
{
    u32 value = 5;

    return mm_access(S.mm, A + 2 * P, &value, 4, MM_WRITE) == 4 ? 0 : -ENOMEM;
}

const struct call calls[] = {
#define CALL(name, leave_out, least)  \
    {                                 \
#name, name, leave_out, least \
    }
    CALL(mmap_private, 0, 1),
    CALL(mmap_shared_anonymous, 0, 2),
    CALL(mmap_fixed_inside, 0, 2),
    CALL(mmap_fixed_over_many, 0, 2),
    CALL(mmap_populate, 0, 6),
    CALL(munmap_inside, 0, 1),
    CALL(munmap_away, 0, 1),
    CALL(munmap_many, 0, 0),
    CALL(mprotect_inside, 0, 2),
    CALL(mprotect_away, 0, 2),
    CALL(mremap_move_private, 0, 5),
    CALL(mremap_part_private, 0, 5),
    CALL(mremap_move_away, 0, 5),
    CALL(mremap_over_others, STATE_NO_TABLES, 5),
    CALL(mremap_over_part, STATE_NO_TABLES, 5),
    CALL(mremap_shrink, 0, 2),
    CALL(mremap_duplicate, 0, 5),
    CALL(mremap_keep, 0, 5),
    CALL(remap_many, 0, 6),
    CALL(remap_alias, 0, 0),
    CALL(remap_fills, 0, 4),
    CALL(remap_home, 0, 0),
    CALL(remapv_atomic, 0, 6),
    CALL(remap_swap, 0, 6),
    CALL(remap_rotate, 0, 6),
    CALL(remap_clone, 0, 3),
    CALL(seal_inside, 0, 2),
    CALL(fork_all, STATE_NO_WRITE, 10),
    CALL(madvise_flag, 0, 2),
    CALL(madvise_drop, 0, 0),
    CALL(mlock_on_fault, 0, 2),
    CALL(munlock_part, 0, 2),
    CALL(brk_grow, 0, 1),
    CALL(brk_shrink, 0, 2),
    CALL(make_stack, 0, 1),
    CALL(create, 0, 2),
    CALL(object_new, 0, 1),
    CALL(object_page_far, 0, 4),
    CALL(object_fill, 0, 100),
    CALL(kernel_range, 0, 5),
    CALL(fault_anon, 0, 1),
    CALL(fault_copy, 0, 1),
    CALL(fault_file_copy, 0, 1),
    CALL(fault_new_table, 0, 1),
    CALL(fault_hint_log, 0, 1),
    CALL(fault_stack, STATE_GROWN, 1),
    CALL(access_copy, 0, 1),
#undef CALL
};

const unsigned ncalls = ARRAY_SIZE(calls);
