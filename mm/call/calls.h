/* SPDX-License-Identifier: MIT
 *
 * The memory calls, free of descriptors and user pointers: kernel/sys/mm.c resolves those.
 * Each takes mm->lock itself, decides, reserves, commits: a negative errno means nothing
 * has changed, except where Linux itself is partial (said at the call).
 */
#pragma once

#include "lib/types.h"

struct mm;
struct vma;
struct remap_vec;
struct vm_file;
struct vm_object;

struct mmap_args {
    vaddr_t addr;
    u64 len;
    u32 prot;     /* PROT_* */
    u32 max_prot; /* PROT_* the descriptor allows mprotect to reach later */
    u64 flags;    /* MAP_* */
    u64 offset;   /* bytes */
    /* What is mapped: NULL object for anonymous memory (MAP_SHARED then makes an object).
     * References stay with the caller; the VMA takes its own. */
    struct vm_object *object;
    struct vm_file *file;
    u32 vm_flags;   /* VM_* the mapping has besides: VM_NOREMAP, VM_NOCOPY or 0 */
    bool from_file; /* a descriptor was given, even where it ends as anonymous memory */
    int file_error; /* what speaks against mapping it: told once the range is found right */
};

/* -EINVAL length 0 or bad flags; -ENOMEM no room, limits, huge length; -EOVERFLOW offset +
 * length; -EPERM below vm.mmap_min_addr, sealed; -EEXIST FIXED_NOREPLACE; -EAGAIN
 * RLIMIT_MEMLOCK; -EOPNOTSUPP a flag MAP_SHARED_VALIDATE does not know. */
int mm_mmap(struct mm *mm, const struct mmap_args *args, vaddr_t *out);

/* -EINVAL unaligned address, length 0 or beyond the user half; -ENOMEM no memory to split. As long as
 * the system call's answer, which it is. */
long mm_munmap(struct mm *mm, vaddr_t addr, u64 len);

/* -EINVAL unaligned or bad prot; -ENOMEM hole (the part before it is changed) or no memory;
 * -EACCES beyond what the descriptor allows. The memory gets a protection key; -1: keeps its own.
 * -EINVAL: it is not in use. */
int mm_pkey_mprotect(struct mm *mm, vaddr_t addr, u64 len, u64 prot, int key);

/* The same without a key. */
static inline int mm_mprotect(struct mm *mm, vaddr_t addr, u64 len, u64 prot)
{
    return mm_pkey_mprotect(mm, addr, len, prot, -1);
}

/* Protection keys of an address space, KEY_* of arch/pkey.h; the running thread's rights become
 * these. The key, or -EINVAL; -ENOSPC: all are in use. Freeing leaves the memory that has it and
 * everybody's rights as they are. mm is the running thread's. */
int mm_pkey_alloc(struct mm *mm, u64 flags, u64 rights);
int mm_pkey_free(struct mm *mm, int key);

/* Sets the break and returns it; on any failure the break is unchanged and returned. exec: what is
 * new may be executed. */
vaddr_t mm_brk(struct mm *mm, vaddr_t brk, bool exec);

/* remap_file_pages(2): see docs/reference/remap_file_pages.md. -EINVAL, -ENOMEM. */
int mm_remap(struct mm *mm, vaddr_t addr, u64 size, u64 prot, pgoff_t pgoff, u32 flags);

/* remapv: the entries in order, later ones win; entries done, or the errno of the first.
 * `v` is kernel memory of ours (scratch: its flags are used); flags: RM_*. -EINVAL, -EPERM
 * (sealed), -ENXIO (RM_CHECK), -ENOMEM. With RM_ATOMIC an error means nothing has changed. */
ssize_t mm_remapv(struct mm *mm, struct remap_vec *v, size_t n, u32 flags);

/* Exchanges what two windows of one object show. -EINVAL, -EPERM, -ENOMEM. */
int mm_remap_swap(struct mm *mm, vaddr_t a, vaddr_t b, u64 len);

/* What page i shows moves to page (i + by) mod n of the window. -EINVAL, -EPERM, -ENOMEM. */
int mm_remap_rotate(struct mm *mm, vaddr_t addr, u64 len, s64 by);

/* One RMQ_* word for each page from addr. -ENOMEM: a hole; -EINVAL: memory without a file
 * (nothing useful is in out). The caller splits long ranges. */
int mm_remap_query(struct mm *mm, vaddr_t addr, u64 npages, u64 *out);

/* A second shared mapping that shows what [src, src+len) shows. -EINVAL, -EACCES, -ENOMEM,
 * -EAGAIN. */
int mm_remap_clone(struct mm *mm, vaddr_t src, u64 len, u32 prot, vaddr_t *out);

int mm_mremap(struct mm *mm, vaddr_t addr, u64 old_len, u64 new_len, u32 flags,
              vaddr_t new_addr, vaddr_t *out);
int mm_msync(struct mm *mm, vaddr_t addr, u64 len, u32 flags);
int mm_madvise(struct mm *mm, vaddr_t addr, u64 len, int advice);
/* Why v does not lose what it holds by this advice, one of those that throw contents away: 0, -EINVAL,
 * -EACCES, -EPERM. M of v held. */
int mm_madvise_refuses(const struct vma *v, int advice);

/* Residence of npages pages from addr: bit 0 of vec[i]. -ENOMEM: a hole (nothing useful is
 * in vec). The caller splits long ranges. */
int mm_mincore(struct mm *mm, vaddr_t addr, u64 npages, u8 *vec);

/* flags: MLOCK_ONFAULT or 0. */
int mm_mlock(struct mm *mm, vaddr_t addr, u64 len, u32 flags);
int mm_munlock(struct mm *mm, vaddr_t addr, u64 len);
int mm_mlockall(struct mm *mm, u32 flags);
int mm_munlockall(struct mm *mm);

/* mseal(2): the mapped range [addr, addr+len) keeps its place and its rights. -EINVAL
 * unaligned or wrapping, -ENOMEM a hole or too many VMAs; then nothing has changed. */
int mm_seal(struct mm *mm, vaddr_t addr, u64 len);

/* shmdt(2): unmaps what is left of the VM_NOREMAP mapping that was put at addr. -EINVAL:
 * there is none; -EPERM: sealed. The file of the mapping in *file, referenced. */
int mm_shmdt(struct mm *mm, vaddr_t addr, struct vm_file **file);
