/* SPDX-License-Identifier: MIT
 *
 * The port of lib and mm to the explorer: what mm/port.h asks for. One thing happens at a time,
 * so nobody ever waits; a wait is a mistake, and said.
 */
#include "arch/bootinfo.h"
#include "lib/fmt.h"
#include "lib/pause.h"
#include "lib/uapi/capability.h"
#include "mm/phys/account.h"
#include "mm/phys/boot_alloc.h"
#include "mm/phys/buddy.h"
#include "mm/phys/kspace.h"
#include "mm/phys/slab.h"
#include "tools/explorer/explorer.h"

char ex_arena[EX_MEMORY] __attribute__((aligned(4096)));
static struct page frames[EX_FRAMES];
struct page *ex_memmap = frames;

struct cpu ex_cpus[EX_CPUS] = {{.id = 0}, {.id = 1}};
u32 ex_cpu;
uintptr_t ex_cpu_offset[EX_CPUS];
u32 cpu_count = EX_CPUS;
paddr_t kernel_root;
u64 pte_nx_mask = PTE_NX;
bool keys_on; /* no protection keys */
char ex_panic_text[512];

u32 arch_keys_load(void)
{
    return 0;
}

void arch_keys_store(u32 rights)
{
    (void)rights;
}

/* ---- the end ---- */

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fmt_vsnprintf(ex_panic_text, sizeof(ex_panic_text), fmt, ap);
    va_end(ap);
    ex_stop();
}

/* ---- threads: one, that never waits ---- */

static struct held_mutexes held[EX_CPUS];

struct held_mutexes *thread_mutexes(void)
{
    return &held[ex_cpu];
}

void *thread_self(void)
{
    return &held[ex_cpu];
}

void thread_park(void)
{
    panic("the only thread waits for a lock");
}

void thread_unpark(void *thread)
{
    (void)thread;
}

void cpu_wait(void)
{
    panic("a spinlock is taken already");
}

/* ---- time and pauses: none is due ---- */

u64 pause_cycles = ~0ull;
DEFINE_PER_CPU(u64, pause_since);

u64 cpu_cycles(void)
{
    static u64 now;

    return ++now;
}

bool pause_wanted(void)
{
    return false;
}

void pause_now(void)
{
}

bool pause_killed(void)
{
    return false;
}

bool cpu_random(void *buf, size_t n)
{
    memset(buf, 0, n); /* every run is the same run */
    return true;
}

/* ---- who pays ---- */

struct account *account_current(void)
{
    return &account_root;
}

enum rank rank_current(void)
{
    return RANK_USER;
}

bool caller_may(unsigned cap)
{
    return cap != CAP_SYS_RAWIO;
}

/* ---- boot ---- */

extern char __start_percpu[], __stop_percpu[];

static void second_cpu(void)
{
    static char copy[24u << 10] __attribute__((aligned(64)));
    size_t size = (size_t)(__stop_percpu - __start_percpu);

    if (size > sizeof(copy))
        panic("%zu bytes of per-CPU variables", size);
    memcpy(copy, __start_percpu, size);
    ex_cpu_offset[1] = (uintptr_t)copy - (uintptr_t)__start_percpu;
}

void ex_boot(void)
{
    static struct bootinfo bi = {
        .nranges = 1,
        .ranges = {{0x100000, EX_MEMORY - 0x100000, BOOT_MEM_USABLE, 0}},
    };

    second_cpu();
    boot_alloc_init(&bi);
    kernel_root = boot_alloc_pages(1, 1);
    slab_keep_most = 0; /* what is drawn is exact */
    buddy_init();
    zero_page = page_alloc(0, PA_ZERO);
    kspace_init();
}
