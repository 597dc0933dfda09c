/* SPDX-License-Identifier: MIT
 *
 * What the lines of a script do: the calls of mm/call/calls.h and the services above files, with
 * words for arguments.
 */
#include "mm/call/calls.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/op/fork.h"
#include "mm/op/mm.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page_stack.h"
#include "tools/explorer/explorer.h"

struct mm *ex_procs[EX_PROCS];

/* Words that stand for bits. */
struct ex_bit {
    const char *word;
    u64 bit;
};

static u64 take_bits(struct ex_words *w, const struct ex_bit *bits)
{
    u64 all = 0;

    for (const struct ex_bit *b = bits; b->word; b++)
        if (ex_take(w, b->word)) {
            all |= b->bit;
            b = bits - 1; /* in any order */
        }
    return all;
}

void ex_say_error(s64 err)
{
    static const struct {
        int err;
        const char *name;
    } names[] = {{EPERM, "EPERM"},   {ENXIO, "ENXIO"},   {EAGAIN, "EAGAIN"},
                 {ENOMEM, "ENOMEM"}, {EACCES, "EACCES"}, {EFAULT, "EFAULT"},
                 {EBUSY, "EBUSY"},   {EEXIST, "EEXIST"}, {EINVAL, "EINVAL"},
                 {EFBIG, "EFBIG"},   {ENOSPC, "ENOSPC"}, {EOVERFLOW, "EOVERFLOW"}};

    for (u32 i = 0; i < ARRAY_SIZE(names); i++)
        if (err == -names[i].err) {
            ex_say("= -%s", names[i].name);
            return;
        }
    ex_say("= %lld", (long long)err);
}

/* ---- mappings ---- */

static const struct ex_bit prots[] = {{"none", 1ull << 32},
                                      {"ro", PROT_READ},
                                      {"rw", PROT_READ | PROT_WRITE},
                                      {"rx", PROT_READ | PROT_EXEC},
                                      {"rwx", PROT_READ | PROT_WRITE | PROT_EXEC},
                                      {NULL, 0}};

static bool run_mmap(struct mm *mm, struct ex_words *w)
{
    static const struct ex_bit flags[] = {{"shared", MAP_SHARED},
                                          {"private", MAP_PRIVATE},
                                          {"populate", MAP_POPULATE},
                                          {"locked", MAP_LOCKED},
                                          {"noreserve", MAP_NORESERVE},
                                          {"growsdown", MAP_GROWSDOWN},
                                          {NULL, 0}};
    const char *name = ex_word(w);
    struct mmap_args a = {.max_prot = PROT_READ | PROT_WRITE | PROT_EXEC};
    u64 npages, pgoff = 0, prot;
    vaddr_t out = 0;
    int err;

    if (!name || strlen(name) >= EX_LABEL || !ex_number(w, &npages))
        return false;
    a.object = ex_take_file(w);
    if (a.object)
        ex_number(w, &pgoff);
    prot = take_bits(w, prots);
    a.prot = prot ? (u32)prot : PROT_READ | PROT_WRITE;
    a.flags = take_bits(w, flags);
    if (!(a.flags & MAP_TYPE))
        a.flags |= a.object ? MAP_SHARED : MAP_PRIVATE;
    if (!a.object)
        a.flags |= MAP_ANONYMOUS;
    if (ex_take(w, "at")) {
        if (!ex_address(w, &a.addr))
            return false;
        a.flags |= MAP_FIXED;
    }
    a.len = npages * PAGE_SIZE;
    a.offset = pgoff * PAGE_SIZE;
    err = mm_mmap(mm, &a, &out);
    if (err)
        ex_say_error(err);
    else
        ex_say("= 0x%lx%s", (unsigned long)out,
               ex_set_name(name, out) ? "" : " (no room for its name)");
    return true;
}

/* The words `address pages` of many commands, as bytes. */
static bool take_range(struct ex_words *w, vaddr_t *va, u64 *len)
{
    if (!ex_address(w, va) || !ex_number(w, len))
        return false;
    *len *= PAGE_SIZE;
    return true;
}

static bool run_munmap(struct mm *mm, struct ex_words *w)
{
    vaddr_t va;
    u64 len;

    if (!take_range(w, &va, &len))
        return false;
    ex_say_error(mm_munmap(mm, va, len));
    return true;
}

static bool run_protect(struct mm *mm, struct ex_words *w)
{
    vaddr_t va;
    u64 len, prot;

    if (!take_range(w, &va, &len) || !(prot = take_bits(w, prots)))
        return false;
    ex_say_error(mm_mprotect(mm, va, len, (u32)prot));
    return true;
}

static bool run_mremap(struct mm *mm, struct ex_words *w)
{
    u32 flags = MREMAP_MAYMOVE;
    u64 old_len, new_len;
    vaddr_t va, to = 0, out = 0;
    const char *name;
    int err;

    if (!take_range(w, &va, &old_len) || !ex_number(w, &new_len))
        return false;
    if (ex_take(w, "stay"))
        flags = 0;
    if (ex_take(w, "to")) {
        flags |= MREMAP_FIXED;
        if (!ex_address(w, &to))
            return false;
    }
    name = ex_take(w, "as") ? ex_word(w) : NULL;
    err = mm_mremap(mm, va, old_len, new_len * PAGE_SIZE, flags, to, &out);
    if (err) {
        ex_say_error(err);
        return true;
    }
    ex_say("= 0x%lx", (unsigned long)out);
    if (name && strlen(name) < EX_LABEL)
        ex_set_name(name, out);
    return true;
}

static bool run_madvise(struct mm *mm, struct ex_words *w)
{
    static const struct ex_bit advices[] = {
        {"dontneed", MADV_DONTNEED}, {"remove", MADV_REMOVE}, {"willneed", MADV_WILLNEED},
        {"dontfork", MADV_DONTFORK}, {"free", MADV_FREE},     {NULL, 0}};
    vaddr_t va;
    u64 len, advice;

    if (!take_range(w, &va, &len) || !(advice = take_bits(w, advices)))
        return false;
    ex_say_error(mm_madvise(mm, va, len, (int)advice));
    return true;
}

static bool run_mlock(struct mm *mm, struct ex_words *w)
{
    vaddr_t va;
    u64 len;

    if (!take_range(w, &va, &len))
        return false;
    ex_say_error(ex_take(w, "not") ? mm_munlock(mm, va, len) : mm_mlock(mm, va, len, 0));
    return true;
}

/* ---- accesses ---- */

static void say_access(enum fault_result r, bool hit, u64 faults)
{
    static const char *const signals[] = {
        "", "SIGSEGV (nothing there)", "SIGSEGV (not allowed)",
        "SIGBUS (behind the end of the file)", "no memory"};

    if (r != FAULT_OK)
        ex_say("%s", signals[r]);
    else if (faults)
        ex_say(", by a fault");
    else
        ex_say(hit ? ", the TLB knew it" : ", found in the tables");
}

static bool run_load(struct mm *mm, struct ex_words *w)
{
    vaddr_t va;
    u32 word = 0;
    bool hit = false;
    u64 before = mm_stat_sum(MM_STAT_pgfault);
    enum fault_result r;

    if (!ex_address(w, &va) || va % PAGE_SIZE > PAGE_SIZE - sizeof(word))
        return false;
    r = ex_access(mm, va, FAULT_READ, &word, &hit);
    if (r == FAULT_OK)
        ex_say("= %u", word);
    say_access(r, hit, mm_stat_sum(MM_STAT_pgfault) - before);
    return true;
}

static bool run_store(struct mm *mm, struct ex_words *w)
{
    vaddr_t va;
    u64 value, before = mm_stat_sum(MM_STAT_pgfault);
    bool hit = false;
    enum fault_result r;
    u32 word;

    if (!ex_address(w, &va) || va % PAGE_SIZE > PAGE_SIZE - sizeof(word) ||
        !ex_number(w, &value))
        return false;
    word = (u32)value;
    r = ex_access(mm, va, FAULT_WRITE, &word, &hit);
    if (r == FAULT_OK)
        ex_say("stored");
    say_access(r, hit, mm_stat_sum(MM_STAT_pgfault) - before);
    return true;
}

/* ---- processes and memory ---- */

static bool run_fork(struct mm *mm, struct ex_words *w)
{
    (void)w;
    if (mm != ex_procs[0] || ex_procs[1])
        ex_say("A forks, when there is no B");
    else
        ex_say_error(mm_fork(mm, &ex_procs[1]));
    return true;
}

static bool run_exit(struct mm *mm, struct ex_words *w)
{
    (void)w;
    if (mm != ex_procs[1]) {
        ex_say("only B exits");
        return true;
    }
    ex_unload(mm);
    mm_put(mm);
    ex_procs[1] = NULL;
    ex_say_error(0);
    return true;
}

static bool run_fail(struct mm *mm, struct ex_words *w)
{
    u64 n;

    (void)mm;
    if (!ex_number(w, &n))
        return false;
    alloc_fail_at(n);
    ex_say("allocation %llu from now fails", (unsigned long long)n);
    return true;
}

static bool run_drain(struct mm *mm, struct ex_words *w)
{
    (void)mm;
    (void)w;
    page_drain();
    ex_say_error(0);
    return true;
}

const struct ex_command ex_commands[] = {
    {"file", ex_run_file, "file NAME PAGES [empty]"},
    {"mmap", run_mmap,
     "mmap NAME PAGES [FILE [PAGE]] [none|ro|rw|rx|rwx] [shared|private] [populate] "
     "[locked] "
     "[noreserve] [growsdown] [at ADDRESS]"},
    {"load", run_load, "load ADDRESS"},
    {"store", run_store, "store ADDRESS VALUE"},
    {"remap", ex_run_remap, "remap ADDRESS PAGES FILE-PAGE [nonblock]"},
    {"remapv", ex_run_remapv,
     "remapv ADDRESS PAGES FILE-PAGE [, ADDRESS ...] [atomic] [nopopulate] [check]"},
    {"swap", ex_run_swap, "swap ADDRESS ADDRESS PAGES"},
    {"rotate", ex_run_rotate, "rotate ADDRESS PAGES [back] BY"},
    {"clone", ex_run_clone, "clone NAME ADDRESS PAGES"},
    {"query", ex_run_query, "query ADDRESS PAGES"},
    {"fork", run_fork, "fork"},
    {"exit", run_exit, "B exit"},
    {"protect", run_protect, "protect ADDRESS PAGES none|ro|rw|rx|rwx"},
    {"punch", ex_run_punch, "punch FILE FIRST PAGES"},
    {"allocate", ex_run_allocate, "allocate FILE FIRST PAGES"},
    {"truncate", ex_run_truncate, "truncate FILE PAGES"},
    {"mremap", run_mremap,
     "mremap ADDRESS PAGES NEW-PAGES [stay] [to ADDRESS] [as NAME]"},
    {"munmap", run_munmap, "munmap ADDRESS PAGES"},
    {"madvise", run_madvise,
     "madvise ADDRESS PAGES dontneed|remove|willneed|dontfork|free"},
    {"mlock", run_mlock, "mlock ADDRESS PAGES [not]"},
    {"fail", run_fail, "fail N: the N-th allocation from now fails"},
    {"drain", run_drain, "drain: free pages of the CPU's list go back and merge"},
    {NULL, NULL, NULL}};
