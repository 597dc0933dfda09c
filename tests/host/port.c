/* SPDX-License-Identifier: MIT
 *
 * What the kernel's lower layers need from below and above, on the host. A CPU's TLB is a
 * direct-mapped table of translations plus the leaf tables it walked through; nothing leaves
 * it but by a flush or by displacement, so a forgotten flush stays visible. Freeing a frame
 * that some TLB still holds is an error at once (calls of page_free are wrapped by the linker).
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "arch/bootinfo.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/pause.h"
#include "lib/waitq.h"
#include "mm/account.h"
#include "mm/boot_alloc.h"
#include "mm/buddy.h"
#include "mm/kspace.h"
#include "mm/mm.h"
#include "mm/pagetable.h"
#include "tests/host/harness.h"
#include "tests/host/port.h"

struct cpu host_cpus[HOST_CPUS] = {{.id = 0}, {.id = 1}};
u32 host_cpu;
u32 cpu_count = 1;
char *host_arena;
struct page *host_memmap;
paddr_t kernel_root;
u64 pte_nx_mask = PTE_NX;

static u64 free_at_boot;

/* ---- pauses: none is due, unless a test sets pause_cycles to 0 ---- */

u64 pause_cycles = ~0ull;
DEFINE_PER_CPU(u64, pause_since);
_Thread_local s32 host_spinlocks;
static _Thread_local struct held_mutexes mutexes_held;
void (*host_pause_hook)(void);
u64 host_pauses;
bool host_killed;

void pause_now(void)
{
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

struct account *account_current(void)
{
    return host_account;
}

enum rank rank_current(void)
{
    return host_rank;
}

/* ---- log and clocks ---- */

void printk(const char *fmt, ...)
{
    va_list ap;
    char line[512];

    va_start(ap, fmt);
    fmt_vsnprintf(line, sizeof(line), *fmt == '\001' ? fmt + 2 : fmt, ap);
    va_end(ap);
    test_note("%s", line);
}

struct file_async;
void file_async_end(struct file_async *a);

void file_async_end(struct file_async *a)
{
    (void)a;
}

u64 clock_monotonic_ns(void);
u64 clock_boot_epoch(void);

u64 clock_monotonic_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * 1000000000ull + (u64)ts.tv_nsec;
}

u64 clock_ns_of_cycles(u64 cycles);
extern u32 clock_ticks;
u32 clock_ticks;

u64 clock_ns_of_cycles(u64 cycles)
{
    return cycles;
}

u64 clock_boot_epoch(void)
{
    return 1000000000;
}

bool cpu_random(void *buf, size_t n)
{
    (void)buf;
    (void)n;
    return false;
}

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
static __thread bool interrupted;

void *thread_self(void)
{
    if (!thread_local_self.ready) {
        sem_init(&thread_local_self.wake, 0, 0);
        thread_local_self.ready = true;
    }
    return &thread_local_self;
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

int thread_park_until(u64 deadline_ns)
{
    struct host_thread *self = thread_self();
    u64 now = clock_monotonic_ns();
    struct timespec ts;

    if (deadline_ns == NO_DEADLINE) {
        thread_park();
        return 0;
    }
    if (deadline_ns <= now)
        return -110;
    clock_gettime(CLOCK_REALTIME, &ts);
    now = (u64)ts.tv_sec * 1000000000ull + (u64)ts.tv_nsec + (deadline_ns - now);
    ts.tv_sec = (time_t)(now / 1000000000ull);
    ts.tv_nsec = (long)(now % 1000000000ull);
    return sem_timedwait(&self->wake, &ts) == 0 ? 0 : -110;
}

bool thread_interrupted(void)
{
    return interrupted;
}

void host_interrupt(bool on);

void host_interrupt(bool on)
{
    interrupted = on;
}

/* ---- user copies: no user memory ---- */

size_t arch_copy_from_user(void *dst, vaddr_t src, size_t n);
size_t arch_copy_to_user(vaddr_t dst, const void *src, size_t n);
size_t arch_clear_user(vaddr_t dst, size_t n);

size_t arch_copy_from_user(void *dst, vaddr_t src, size_t n)
{
    (void)dst;
    (void)src;
    return n;
}

size_t arch_copy_to_user(vaddr_t dst, const void *src, size_t n)
{
    (void)dst;
    (void)src;
    return n;
}

size_t arch_clear_user(vaddr_t dst, size_t n)
{
    (void)dst;
    return n;
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
