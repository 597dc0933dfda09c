/* SPDX-License-Identifier: MIT
 *
 * Typical crashes on purpose, for docs/debugging.md: each what one mistake looks like from
 * outside. Only in debug kernels, with `fault=NAME`.
 */
#include "kernel/seeded.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/debug/check.h"
#include "mm/op/fault.h"
#include "mm/op/mm.h"
#include "mm/phys/buddy.h"
#include "mm/table/pagetable.h"

#ifdef TESSERA_DEBUG
struct ops {
    long pad[6];
    void (*call)(void);
};

static const struct ops no_ops;
static volatile u64 sink;

/* A value the compiler does not know. */
static void *hidden(const void *p)
{
    __asm__("" : "+r"(p));
    return (void *)(uintptr_t)p;
}

static noinline void null_field(void)
{
    sink = ((const struct page *)hidden(NULL))->index;
}

static noinline void null_call(void)
{
    ((const struct ops *)hidden(&no_ops))->call();
    sink = 1; /* not the last step: this function stays on the stack */
}

static noinline void write_text(void)
{
    *(volatile u8 *)hidden((const void *)(uintptr_t)write_text) = 0xc3;
}

static noinline u64 deeper(u64 n)
{
    volatile u64 room[32] = {n};

    return n ? deeper(n + 1) + room[n % 32] : 0;
}

static void deep(void)
{
    sink = deeper(1);
}

static void free_twice(void)
{
    struct page *pg = page_alloc(0, 0);

    pg->type = PAGE_ANON;
    page_put(pg);
    page_put(hidden(pg));
}

/* A table that counts one translation more than it has. */
static void wrong_count(void)
{
    struct mmap_args m = {.addr = 0x40000000,
                          .len = PAGE_SIZE,
                          .prot = PROT_READ | PROT_WRITE,
                          .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED};
    struct mm *mm = mm_create();
    vaddr_t at;

    if (!mm || mm_mmap(mm, &m, &at) != 0)
        return;
    mm_lock(mm);
    (void)fault_locked(mm, vma_find(mm, at), at, FAULT_WRITE);
    pt_table(mm, at, 0)->present++;
    mm_check(mm);
    mm_unlock(mm);
}

/* Says nothing at all. */
static noinline void hang(void)
{
    irqflags_t flags = irq_save();

    while (!sink)
        cpu_relax();
    irq_restore(flags);
}

void (*seeded_crash(const char *name, size_t n))(void)
{
    static const struct {
        const char *name;
        void (*make)(void);
    } crashes[] = {
        {"null-field", null_field},
        {"null-call", null_call},
        {"write-text", write_text},
        {"deep", deep},
        {"free-twice", free_twice},
        {"wrong-count", wrong_count},
        {"hang", hang},
    };

    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
        if (strlen(crashes[i].name) == n && strncmp(crashes[i].name, name, n) == 0)
            return crashes[i].make;
    return NULL;
}
#endif
