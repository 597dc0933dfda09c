/* SPDX-License-Identifier: MIT
 *
 * The port of lib and mm to the host: what mm/port.h asks for, and a machine. A CPU's TLB is a
 * direct-mapped table of translations plus the leaf tables it walked through; nothing leaves
 * it but by a flush or by displacement, so a forgotten flush stays visible. Freeing a frame
 * that some TLB still holds is an error at once (calls of page_free are wrapped by the linker).
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "arch/bootinfo.h"
#include "lib/assert.h"
#include "lib/pause.h"
#include "mm/op/mm.h"
#include "mm/phys/account.h"
#include "mm/phys/boot_alloc.h"
#include "mm/phys/buddy.h"
#include "mm/phys/kspace.h"
#include "mm/port.h"
#include "mm/table/change.h"
#include "mm/table/pagetable.h"
#include "tests/host/harness.h"
#include "tests/host/port.h"

struct cpu host_cpus[HOST_CPUS] = {{.id = 0}, {.id = 1}};
u32 host_cpu;

void host_run_on(u32 cpu)
{
    host_cpu = cpu;
    vma_forget_read(); /* what the other one found: the variable is shared */
}
u32 cpu_count = 1;
char *host_arena;
struct page *host_memmap;
paddr_t kernel_root;
u64 pte_nx_mask = PTE_NX;

/* ---- protection keys: none, unless a test sets keys_on ---- */

bool keys_on;
static u32 keys_register;

u32 arch_keys_load(void)
{
    return keys_register;
}

void arch_keys_store(u32 rights)
{
    keys_register = rights;
}

static u64 free_at_boot;

/* ---- pauses: none is due, unless a test sets pause_cycles to 0 ---- */

u64 pause_cycles = ~0ull;
DEFINE_PER_CPU(u64, pause_since);
_Thread_local s32 host_spinlocks;
static _Thread_local struct held_mutexes mutexes_held;
void (*host_pause_hook)(void);
u64 host_pauses;
bool host_killed;

bool pause_wanted(void)
{
    return true;
}

void pause_now(void)
{
    ASSERT(change_is_settled());
    host_pauses++;
    if (host_pause_hook)
        host_pause_hook();
    else
        sched_yield();
}

bool pause_killed(void)
{
    return host_killed;
}

/* ---- who holds locks ---- */

u32 host_thread_number(void)
{
    static u32 last;
    static _Thread_local u32 mine;

    if (!mine)
        mine = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    return mine;
}

struct held_mutexes *thread_mutexes(void)
{
    return &mutexes_held;
}

/* ---- who runs ---- */

struct account *host_account = &account_root;
enum rank host_rank = RANK_KERNEL;
u64 host_caps = ~(1ul << CAP_SYS_RAWIO);

struct account *account_current(void)
{
    return host_account;
}

enum rank rank_current(void)
{
    return host_rank;
}

bool caller_may(unsigned cap)
{
    return host_caps >> cap & 1;
}

/* ---- a spinlock that nobody gives up ---- */

void cpu_relax(void)
{
    static _Thread_local u64 turns;

    if (++turns > 50000000)
        panic("a spinlock is never given up");
    if (turns % 64 == 0)
        sched_yield();
}

/* ---- threads: each is a host thread with a semaphore ---- */

struct host_thread {
    sem_t wake;
    bool ready;
};

static _Thread_local struct host_thread thread_local_self;

void *thread_self(void)
{
    if (!thread_local_self.ready) {
        sem_init(&thread_local_self.wake, 0, 0);
        thread_local_self.ready = true;
    }
    return &thread_local_self;
}

sem_t *host_wake_up(void)
{
    return &((struct host_thread *)thread_self())->wake;
}

void thread_park(void)
{
    struct host_thread *self = thread_self();

    while (sem_wait(&self->wake) != 0)
        ;
    while (sem_trywait(&self->wake) == 0)
        ; /* several wake-ups count once */
}

void thread_unpark(void *thread)
{
    sem_post(&((struct host_thread *)thread)->wake);
}

/* ---- boot ---- */

void host_boot(void)
{
    static struct bootinfo bi = {
        .nranges = 3,
        .ranges = {{0x100000, 63ul << 20, BOOT_MEM_USABLE, 0},
                   {64ul << 20, 0x3000, BOOT_MEM_RESERVED, 0},
                   {(64ul << 20) + 0x3000, HOST_MEMORY - (64ul << 20) - 0x3000,
                    BOOT_MEM_USABLE, 0}},
    };
    /* Aligned as the largest block of the buddy allocator never is: to one huge page only. */
    char *raw = mmap(NULL, HOST_MEMORY + (2ul << 20), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (raw == MAP_FAILED)
        panic("no memory for the machine");
    host_arena = (char *)align_up((uintptr_t)raw, 2ul << 20);
    host_memmap = calloc(HOST_MEMORY / PAGE_SIZE, sizeof(struct page));
    boot_alloc_init(&bi);
    kernel_root = boot_alloc_pages(1, 1);
    buddy_init();
    zero_page = page_alloc(0, PA_ZERO);
    kspace_init();
    free_at_boot = page_count_free();
}

u64 host_free_at_boot(void)
{
    return free_at_boot;
}
