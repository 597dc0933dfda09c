/* SPDX-License-Identifier: MIT
 *
 * struct mm: one address space. Locks: `lock` (M) is exclusive for calls that change VMAs,
 * shared for faults and reports. Inside mm: M -> object -> leaf table -> allocator.
 */
#pragma once

#include "arch/pte.h"
#include "lib/list.h"
#include "lib/mutex.h"
#include "lib/rbtree.h"
#include "lib/types.h"

#define STACK_GUARD_GAP (256 * PAGE_SIZE)

/* vm.mmap_min_addr: below it maps only who has CAP_SYS_RAWIO, and asks for that place. */
#define MMAP_MIN_ADDR 0x10000ul
extern u64 mm_min_addr;

struct vm_object;
struct vma;
struct vm_file;

/* vm.max_map_count: VMAs an address space may have; remapping never makes any. */
#define MM_MAX_MAP_COUNT_DEFAULT 65530u
extern u32 mm_max_map_count;

/* Limits in bytes (RLIM_INFINITY = ~0), copied in by the kernel when they change. */
struct mm_limits {
    u64 as, data, stack, memlock;
    bool memlock_unlimited; /* CAP_IPC_LOCK */
    bool admin;             /* CAP_SYS_ADMIN: may use the last of the commit limit */
    bool rawio;             /* CAP_SYS_RAWIO: may map below mm_min_addr */
};

#define MM_AUXV_WORDS 48

/* Where exec put the parts of a program, for those who report it; copied as one by fork. */
struct mm_program {
    vaddr_t start_code, end_code, start_data, end_data, start_stack;
    vaddr_t arg_start, arg_end, env_start, env_end;
    u64 auxv[MM_AUXV_WORDS]; /* as the program got it, zeros behind it */
    struct vm_file *exe;     /* its file, referenced; NULL: none */
};

/* What a resident page is: private memory, a page of a file in a private or in a shared
 * mapping. */
enum resident { RESIDENT_ANON, RESIDENT_FILE, RESIDENT_SHMEM, RESIDENT_KINDS };

struct mm {
    struct mutex lock;   /* M */
    u32 refs;            /* atomic */
    u64 id;              /* [c] no other address space ever has it */
    u32 nvmas;           /* [M] */
    struct rb_root vmas; /* [M] */
    struct vma *recent;  /* [M] last hit of vma_find under the exclusive lock or a hint */
    pte_t *root;         /* [c] root page table */
    paddr_t root_pa;     /* [c] */
    u64 cpus;            /* atomic: CPUs that have it loaded */
    struct list all;     /* list of all address spaces, for checks */

    /* pages; atomic where faults change them */
    u64 total_vm, locked_vm, data_vm, stack_vm;
    union {
        u64 resident[RESIDENT_KINDS]; /* written by mm_add_resident() only */
        struct {
            u64 rss_anon, rss_file, rss_shmem;
        };
    };
    u64 tables;
    u64 aways; /* leaf tables with an array of away entries; atomic */
    u64 hiwater_rss, hiwater_vm;

    vaddr_t mmap_base;      /* top of the area mmap searches downwards */
    vaddr_t brk_start, brk; /* [M] brk is a byte address */
    struct mm_program program;
    struct mm_limits limits;
    u32 def_flags;  /* mlockall(MCL_FUTURE): VM_LOCKED for new VMAs */
    u32 membarrier; /* atomic: MEMBARRIER_* registered */
};

static inline bool mm_too_low(const struct mm *mm, vaddr_t va)
{
    return va < READ_ONCE(mm_min_addr) && !mm->limits.rawio;
}

/* An empty address space with one reference, limits unlimited. NULL: no memory. */
struct mm *mm_create(void);
void mm_get(struct mm *mm);
/* The last reference unmaps and frees everything. */
void mm_put(struct mm *mm);
/* Whether somebody is doing that just now, with pauses: memory is on its way back. */
bool mm_any_dying(void);

/* Makes mm (NULL: none) the running CPU's address space. */
void mm_activate(struct mm *mm);

/* What the kernel keeps for it: tables, records of areas, arrays of away entries; bytes. */
u64 mm_kernel_bytes(const struct mm *mm);

/* Resident pages in all. */
static inline u64 mm_rss(const struct mm *mm)
{
    return mm->rss_anon + mm->rss_file + mm->rss_shmem;
}

/* The next of all address spaces, NULL: the first, or there is none. For checks: nothing may
 * run that makes or ends one. */
struct mm *mm_after(const struct mm *mm);

/* n pages (negative: fewer) of a kind more are resident. */
static inline void mm_add_resident(struct mm *mm, enum resident kind, s64 n)
{
    __atomic_fetch_add(&mm->resident[kind], (u64)n, __ATOMIC_RELAXED);
}

/* Visits all address spaces, with the lock of their list held. */
void mm_for_each(void (*visit)(struct mm *mm, void *arg), void *arg);
