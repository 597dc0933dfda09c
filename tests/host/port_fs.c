/* SPDX-License-Identifier: MIT
 *
 * What fs, drivers and wait queues need on the host beside the port of lib and mm
 * (tests/host/port.c): log, clocks, waits with an end, user copies.
 */
#include <semaphore.h>
#include <stdarg.h>
#include <time.h>

#include "arch/cpuid.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/waitq.h"
#include "tests/host/harness.h"
#include "tests/host/port.h"

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

struct file;
void file_async_urgent(struct file *f);

void file_async_urgent(struct file *f)
{
    (void)f;
}

void file_watches_end(struct file *f);

void file_watches_end(struct file *f)
{
    (void)f;
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

/* ---- waits ---- */

static _Thread_local bool interrupted;

int thread_park_until(u64 deadline_ns)
{
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
    return sem_timedwait(host_wake_up(), &ts) == 0 ? 0 : -110;
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

/* ---- sockets: nobody's ---- */

#include "fs/socket/socket.h"

void socket_cred_current(struct socket_cred *out, enum socket_ids which)
{
    (void)which;
    *out = (struct socket_cred){1, 0, 0};
}
