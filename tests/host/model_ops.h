/* SPDX-License-Identifier: MIT
 *
 * What the files of the model's operations share.
 */
#pragma once

#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/fault.h"
#include "mm/table/pagetable.h"
#include "tests/host/harness.h"
#include "tests/host/model.h"
#include "tests/host/port.h"

static inline u64 rnd(u64 n)
{
    return rng_next(&M.rng) % n;
}

static inline bool chance(u64 one_in)
{
    return rnd(one_in) == 0;
}

struct mmm *pick_mm(void);
/* A random range, mostly short, in [*first, *last). In a wide window many are whole tables. */
void pick_range(u32 *first, u32 *last);
/* `n` pages, or, in a wide window sometimes, about as many as some tables have; at least 1,
 * and not beyond the window's end from page `first` on. */
u32 pick_length(u32 first, u32 n);
/* `page`, or, in a wide window sometimes, the first page of a leaf table. */
u32 pick_border(u32 page);
/* A page, mostly a mapped one. */
u32 pick_page(const struct mmm *m);
/* An object that exists; -1: none. */
int pick_object(void);
/* A byte position that never lies inside one of the words. */
u64 pick_bytes(void);

void op_note(const char *fmt, ...) printf_like(1, 2);

/* Arms the allocator before some calls; `injected` afterwards: whether the call failed for
 * that (then it must have changed nothing). */
void inject(void);
bool injected(int err);
#define EXPECT(err, want)                                       \
    do {                                                        \
        int e_ = (err), w_ = (want);                            \
        if (e_ != w_)                                           \
            FAIL("%s returned %d, model %d", __func__, e_, w_); \
    } while (0)

/* Pages [first, last) are all mapped / all free. */
bool all_mapped(const struct mmm *m, u32 first, u32 last);
bool all_free(const struct mmm *m, u32 first, u32 last);
/* Where the kernel puts n pages; false: not inside the window. */
bool find_gap(const struct mmm *m, u32 n, u32 *first);

void op_mmap(void);
void op_munmap(void);
void op_mprotect(void);
void op_mremap(void);
void op_remap(void);
void op_madvise(void);
void op_mlock(void);
void op_mincore(void);
void op_fork(void);
void op_exit(void);
void op_resize(void);
void op_punch(void);
void op_allocate(void);
void op_file_io(void);
void op_touch(void);
void op_mm_access(void);
void op_cpu(void);
void op_remapv(void);
void op_swap(void);
void op_rotate(void);
void op_clone(void);
void op_query(void);
