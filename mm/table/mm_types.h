/* SPDX-License-Identifier: MIT
 *
 * struct mm: one address space. Locks: M (mm/table/mm_lock.h) is exclusive for calls that change
 * VMAs, shared for faults, remaps and reports. Inside mm: M -> object (O) -> leaf table (T) ->
 * leaf of the object's index (N) -> the object's logs -> allocator.
 */
#pragma once

#include "arch/cpu.h"
#include "arch/pte.h"
#include "lib/assert.h"
#include "lib/list.h"
#include "lib/mutex.h"
#include "lib/rbtree.h"
#include "lib/types.h"

#define STACK_GUARD_GAP (256 * PAGE_SIZE)

#define MMAP_MIN_ADDR 0x10000ul

struct vm_object;
struct vma;
struct vm_file;

/* Limits in bytes (RLIM_INFINITY = ~0), copied in by the kernel when they change. */
struct mm_limits {
    u64 as, data, stack, memlock;
    u64 heap; /* RLIMIT_DATA for brk; 0 there leaves `data` the hard limit */
};

#define MM_AUXV_WORDS 48

/* Where exec put the parts of a program, for those who report it; copied as one by fork. */
struct mm_program {
    vaddr_t start_code, end_code, start_data, end_data, start_stack;
    vaddr_t arg_start, arg_end, env_start, env_end;
    u64 auxv[MM_AUXV_WORDS]; /* as the program got it, zeros behind it */
    struct vm_file *exe;     /* its file, referenced; NULL: none */
    u32 core_filter;         /* CORE_*: what of it goes into core files; atomic */
};

/* What a resident page is: private memory, a page of a file in a private or in a shared
 * mapping. */
enum resident { RESIDENT_ANON, RESIDENT_FILE, RESIDENT_SHMEM, RESIDENT_KINDS };

/* By who writes what, a cache line each: calls that change mappings; who loads it; faults. */
struct mm {
    struct mutex lock;   /* M, by mm/table/mm_lock.h */
    u64 seq;             /* [M] odd: held exclusively */
    struct rb_root vmas; /* [M] */
    struct vma *recent;  /* [M] last hit of vma_find under the exclusive lock or a hint */
    u64 total_vm, data_vm; /* [M] pages; with the next ones */
    u64 locked_vm, stack_vm, hiwater_vm;
    u64 huge_held; /* [M] pages promised to VMAs with VM_HUGE_OWNER; of huge_ops */
    u32 nvmas;     /* [M] */
    u32 spare_leaf; /* [M] number + 1 of a leaf table that munmap left, empty, for the next area
                     * there: one at most; 0: none, or one that is in use since */
    u32 def_flags;          /* [M] mlockall(MCL_FUTURE): VM_LOCKED for new VMAs */
    vaddr_t brk_start, brk; /* [M] brk is a byte address */
    vaddr_t mmap_base;      /* [c] top of the area mmap searches downwards */

    u64 cpus;        /* atomic: CPUs that have it loaded */
    u32 refs;        /* atomic */
    u32 holds;       /* atomic: all of these count one, and mm_hold() */
    u64 id;          /* [c] no other address space ever has it */
    pte_t *root;     /* [c] root page table */
    paddr_t root_pa; /* [c] */
    struct list all; /* list of those made by one CPU, for checks */
    u32 membarrier;  /* atomic: MEMBARRIER_* registered */
    u32 keys;        /* [M] protection keys in use, a bit each; 0: the CPU has none */
    u32 exec_only; /* [M] VM_RIGHTS of memory that can only be executed, by a key that is for nothing
                    * else; 0: no key is */
    u32 lent; /* leaf tables it shares (mm/vm/lend.h), and frozen numbers (mm/vm/away.h); atomic */

    u64 resident
        [RESIDENT_KINDS]; /* atomic; without what CPUs have not added yet: mm_resident() */
    u64 tables, hiwater_rss; /* atomic */
    u64 aways;               /* leaf tables with an array of away entries; atomic */

    struct mm_program program;
    struct mm_limits limits;
};
