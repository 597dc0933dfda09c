/* SPDX-License-Identifier: MIT
 *
 * The first stack of a program, from the top down: the program's name, environment and
 * argument strings, platform name, random bytes, then at the stack pointer argc, argv,
 * envp and the auxiliary vector (System V ABI, x86-64, figure 3.9).
 */
#include "kernel/task/exec/stack.h"
#include "arch/sigframe.h"
#include "arch/thread.h"
#include "kernel/random.h"
#include "kernel/task/exec/loader.h"
#include "kernel/task/exec/vdso.h"
#include "kernel/task/rseq.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/auxvec.h"
#include "lib/uapi/errno.h"
#include "mm/call/calls.h"
#include "mm/op/access.h"
#include "mm/op/stack.h"
#include "mm/phys/slab.h"

#define ARGS_MIN    (128ul << 10)
#define ARGS_MAX    (6ul << 20)
#define STRING_MAX  (128ul << 10)
#define STACK_SPARE (128ul << 10) /* mapped below what is in use at the start */
#define GAP_MIN     (128ul << 20) /* kept free for the stack below its top */
#define STACK_TOP   (STACK_VDSO_END - VDSO_ROOM) /* both in one table */
#define AUX_MAX     (MM_AUXV_WORDS / 2)
#define CLOCK_TICKS 100

static const char platform[] = "x86_64";

struct layout {
    struct mm *mm;
    u64 *words; /* argc, argv, envp, auxv */
    u32 nwords;
    vaddr_t at; /* next string goes here */
    bool failed;
};

u64 exec_args_limit(u64 stack_limit)
{
    return MAX(MIN(stack_limit / 4, ARGS_MAX), ARGS_MIN);
}

static int measure(const char *const *strings, u32 *count, u64 *bytes, u64 limit)
{
    for (*count = 0; strings[*count]; ++*count) {
        pause_anyway();
        size_t len = strlen(strings[*count]) + 1;

        if (len > STRING_MAX)
            return -E2BIG;
        *bytes += len;
        if (*bytes + (*count + 1) * sizeof(u64) > limit)
            return -E2BIG;
    }
    return 0;
}

static vaddr_t put_bytes(struct layout *l, const void *bytes, size_t n)
{
    vaddr_t at = l->at;

    if (!l->failed && mm_store(l->mm, at, bytes, n) != 0)
        l->failed = true;
    l->at += n;
    return at;
}

static void put_strings(struct layout *l, const char *const *strings)
{
    for (; *strings; strings++) {
        l->words[l->nwords++] = put_bytes(l, *strings, strlen(*strings) + 1);
        pause_anyway();
    }
    l->words[l->nwords++] = 0;
}

static void put_aux(struct layout *l, u64 type, u64 value)
{
    l->words[l->nwords++] = type;
    l->words[l->nwords++] = value;
}

static void put_auxv(struct layout *l, const struct stack_request *req, vaddr_t execfn,
                     vaddr_t random, vaddr_t platform_at)
{
    const struct program *m = req->main;
    u32 first = l->nwords;

    if (req->vdso)
        put_aux(l, AT_SYSINFO_EHDR, req->vdso);
    put_aux(l, AT_HWCAP, arch_hwcap());
    put_aux(l, AT_PAGESZ, PAGE_SIZE);
    put_aux(l, AT_CLKTCK, CLOCK_TICKS);
    put_aux(l, AT_PHDR, m->img.phdr_vaddr + m->bias);
    put_aux(l, AT_PHENT, ELF_PHDR_SIZE);
    put_aux(l, AT_PHNUM, m->img.phnum);
    put_aux(l, AT_BASE, req->interp_base);
    put_aux(l, AT_FLAGS, 0);
    put_aux(l, AT_ENTRY, m->img.entry + m->bias);
    put_aux(l, AT_UID, req->uid);
    put_aux(l, AT_EUID, req->euid);
    put_aux(l, AT_GID, req->gid);
    put_aux(l, AT_EGID, req->egid);
    put_aux(l, AT_SECURE, req->secure);
    put_aux(l, AT_RANDOM, random);
    put_aux(l, AT_HWCAP2, 0);
    put_aux(l, AT_RSEQ_FEATURE, RSEQ_FEATURES);
    put_aux(l, AT_RSEQ_ALIGN, RSEQ_ALIGN);
    put_aux(l, AT_EXECFN, execfn);
    put_aux(l, AT_PLATFORM, platform_at);
    put_aux(l, AT_MINSIGSTKSZ, arch_min_sigstack());
    put_aux(l, AT_NULL, 0);
    memcpy(l->mm->program.auxv, l->words + first, (l->nwords - first) * sizeof(u64));
}

static u64 usable_limit(u64 stack_limit)
{
    return MIN(stack_limit, STACK_TOP / 6 * 5);
}

void stack_place(struct mm *mm, u64 stack_limit)
{
    u64 gap = MAX(usable_limit(stack_limit), GAP_MIN) + STACK_GUARD_GAP;

    mm->mmap_base = (STACK_TOP - gap) & PAGE_MASK;
}

static int make_area(struct mm *mm, const struct stack_request *req, u64 strings,
                     u64 words)
{
    u64 used = strings + words * sizeof(u64) + 2 * PAGE_SIZE;
    u64 initial = MIN(used + STACK_SPARE, MAX(usable_limit(req->stack_limit), used));

    return mm_make_stack(mm, STACK_TOP, (initial + PAGE_SIZE - 1) & PAGE_MASK,
                         req->main->img.exec_stack);
}

static int fill(struct layout *l, const struct stack_request *req, u64 strings)
{
    struct mm *mm = l->mm;
    u8 random[16];
    vaddr_t execfn, platform_at, random_at, sp;

    l->at = STACK_TOP - sizeof(u64) - strings;
    l->words[l->nwords++] = req->argc;
    mm->program.arg_start = l->at;
    put_strings(l, req->argv);
    mm->program.arg_end = mm->program.env_start = l->at;
    put_strings(l, req->envp);
    mm->program.env_end = l->at;
    execfn = put_bytes(l, req->execfn, strlen(req->execfn) + 1);

    sp = mm->program.arg_start - sizeof(platform) - sizeof(random);
    l->at = sp & ~15ull;
    random_bytes(random, sizeof(random));
    random_at = put_bytes(l, random, sizeof(random));
    platform_at = put_bytes(l, platform, sizeof(platform));
    put_auxv(l, req, execfn, random_at, platform_at);

    l->at = (random_at - l->nwords * sizeof(u64)) & ~15ull;
    mm->program.start_stack = put_bytes(l, l->words, l->nwords * sizeof(u64));
    return l->failed ? -ENOMEM : 0;
}

int stack_build(struct mm *mm, const struct stack_request *req, vaddr_t *sp)
{
    u64 limit = exec_args_limit(req->stack_limit);
    u64 strings = 0, words;
    struct layout l = {.mm = mm};
    u32 argc, envc;
    int err;

    err = measure(req->argv, &argc, &strings, limit);
    if (!err)
        err = measure(req->envp, &envc, &strings, limit);
    if (err)
        return err;
    strings += strlen(req->execfn) + 1;
    if (strings + ((u64)argc + envc) * sizeof(u64) > limit)
        return -E2BIG;
    words = 1 + argc + 1 + envc + 1 + 2 * AUX_MAX;
    err = make_area(mm, req, strings, words);
    if (err)
        return err;
    l.words = kmalloc(words * sizeof(u64));
    if (!l.words)
        return -ENOMEM;
    err = fill(&l, req, strings);
    kfree(l.words);
    *sp = mm->program.start_stack;
    return err;
}
