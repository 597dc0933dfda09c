/* SPDX-License-Identifier: MIT
 *
 * A naive model of the memory system: address spaces are arrays of pages inside one window,
 * objects are arrays of pages, contents are four words per page. No tree, no table, no
 * sharing of private memory. model_ops.c does each operation on both sides and compares.
 */
#pragma once

#include "lib/types.h"
#include "mm/op/mm.h"
#include "mm/table/pagetable.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"

/* The window lies across a border of leaf tables that is one of upper tables as well. A wide
 * one covers four whole leaf tables and parts of a fifth and sixth, so that what is done to
 * 512 entries at once is done here too. */
#define WIN_NARROW 160u
#define OBJ_NARROW 64u
#define WIN_WIDE   (4 * PT_ENTRIES)
#define WIN_MAX    (WIN_WIDE + 96u)
#define OBJ_MAX    (WIN_WIDE + 64u) /* pages; objects never have more */
#define WIN_MIDDLE 0x4000000000ul

#define OBJS       24
#define NAMED_OBJS 3 /* "files": live through an episode */
#define MMS        3
#define WORDS      4u

extern const u32 word_offset[WORDS];

struct mobj {
    struct vm_object *o; /* NULL: slot free */
    u64 size;
    bool resident[OBJ_MAX];
    u32 word[OBJ_MAX][WORDS]; /* zero where not resident */
};

struct mpage {
    bool mapped;
    bool priv;    /* has private memory; its contents in word */
    bool touched; /* anonymous: some translation is there */
    u32 flags;    /* VM_* as the VMA has them */
    int obj;      /* -1: anonymous private memory */
    u64 home, shown;
    u32 word[WORDS];
};

struct mmm {
    struct mm *mm;
    bool loose; /* forked from one with locked areas: not merged as far as possible */
    struct mpage page[WIN_MAX];
};

struct model {
    struct mobj obj[OBJS];
    struct mmm mms[MMS];
    u32 stop[WIN_MAX]; /* model_runs: end of the VMA that holds a page */
    vaddr_t win_base;  /* the window, */
    u32 win_pages;     /* its pages, */
    u32 obj_pages;     /* the most pages of an object */
    u64 rng;
    bool wide;
    bool trace;
};

extern struct model M;

static inline vaddr_t win_va(u32 page)
{
    return M.win_base + page * PAGE_SIZE;
}

static inline vaddr_t win_end(void)
{
    return win_va(M.win_pages);
}

static inline enum vma_kind page_kind(const struct mpage *p)
{
    if (p->obj < 0)
        return VMA_ANON;
    return p->flags & VM_SHARED ? VMA_SHARED : VMA_PRIVATE;
}

static inline u64 mobj_npages(const struct mobj *o)
{
    return (o->size + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* Fresh named objects and one empty address space; takes everything down again. wide: a window
 * over whole leaf tables, which begins at one or `skew` pages before one. */
void model_begin(u64 seed, bool wide, u32 skew);
void model_end(void);

/* Compares all of the kernel's state with the model without touching any page. */
void model_check(void);

/* Fills M.stop from the kernel's VMAs. */
void model_runs(const struct mmm *m);

/* After an allocation failed: holes of objects may have been filled, nothing else. */
void model_resync(void);

/* The model's fault: what an access does and how it ends. */
enum fault_result model_touch(struct mpage *p, u32 kind);
/* Whether a protection key keeps the running thread from it; and VM_RIGHTS of memory that can only be
 * executed. In every third episode there are keys, and each address space has those below MODEL_KEYS;
 * the next one is that of such memory. */
#define MODEL_KEYS 3u
bool model_denies(const struct mpage *p, u32 kind);
u32 model_exec_rights(void);
/* fault_populate of pages [first, last); M.stop must be filled. */
enum fault_result model_populate(struct mmm *m, u32 first, u32 last);
void model_unmap(struct mmm *m, u32 first, u32 last);
void model_drop_object_page(struct mobj *o, u64 pgoff);

/* Does one random operation on both sides and compares; M.rng decides. */
void model_step(void);
