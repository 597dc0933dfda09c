/* SPDX-License-Identifier: MIT
 *
 * One report, then the end. It takes no lock and trusts little: what it prints about the
 * process may itself fault, and then the second panic ends the machine with one line; the
 * screen shows the cause before that can happen.
 */
#include "kernel/panic.h"
#include "arch/backtrace.h"
#include "arch/console.h"
#include "arch/cpu.h"
#include "arch/exit.h"
#include "arch/stop.h"
#include "arch/symbols.h"
#include "arch/time.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/panic_screen.h"
#include "kernel/printk.h"
#include "kernel/strace.h"
#include "kernel/task/threads.h"
#include "kernel/term/screen.h"
#include "lib/fmt.h"
#include "lib/kcsan.h"
#include "lib/lockdep.h"
#include "lib/percpu.h"
#include "lib/string.h"

#define WAIT_MAX 86400u       /* s */
#define HZ_HIGH  4000000000ul /* what a CPU has at most while nobody has measured it */

#define NOBODY 0xffffffffu

static u32 reporter = NOBODY; /* the CPU that reports */

/* What other CPUs had to say meanwhile. */
static DEFINE_PER_CPU(const char *, other_cause);

bool panic_started(void)
{
    return __atomic_load_n(&reporter, __ATOMIC_RELAXED) != NOBODY;
}

static void wait(u64 seconds)
{
    u64 start = clock_monotonic_ns(), cycles = cpu_cycles();

    if (start == 0) {
        while (cpu_cycles() - cycles < seconds * HZ_HIGH)
            cpu_relax();
        return;
    }
    while (clock_monotonic_ns() - start < seconds * 1000000000ul)
        cpu_relax();
}

/* Never switches off: what stands on the screen is all there may be to learn from. */
static noreturn void stop(void)
{
    const char *how = cmdline_get("panic");
    u64 seconds;

    if (how && strcmp(how, "halt") == 0)
        machine_halt();
    if (how && str_to_u64(how, &seconds) == 0 && seconds) {
        wait(MIN(seconds, (u64)WAIT_MAX));
        machine_reboot();
    }
    machine_debug_exit(PANIC_EXIT_CODE);
    machine_halt();
}

static void print_frame(uintptr_t ip, void *arg)
{
    u64 offset;
    /* A return address: the call stands before it. */
    const char *name = symbol_at(ip - 1, &offset);

    (void)arg;
    printk("  %016lx %s+%#lx\n", ip, name, offset + 1);
}

static void print_process(u32 cpu)
{
    const struct thread *t = cpu_block(cpu)->current;
    s64 call;

    if (!t) {
        printk("cpu %u, before the first thread\n", cpu);
        return;
    }
    if (!t->proc) {
        printk("cpu %u, kernel thread \"%s\"\n", cpu, t->comm);
        return;
    }
    call = thread_syscall(t);
    if (call < 0)
        printk("cpu %u, process %d \"%s\", not in a system call\n", cpu, t->proc->pid,
               t->comm);
    else
        printk("cpu %u, process %d \"%s\", system call %ld (%s)\n", cpu, t->proc->pid,
               t->comm, call, syscall_name((u64)call));
}

static void print_backtrace(u32 cpu, const struct cpu_place *at)
{
    printk("backtrace:\n");
    if (at->tf && trap_from_user(at->tf))
        return;
    if (at->tf)
        print_frame(at->tf->rip + 1, NULL);
    arch_backtrace(cpu, at->rbp, print_frame, NULL);
}

/* The CPUs that the report has stopped. */
static void print_others(void)
{
    for (u32 cpu = 0; cpu < cpu_count; cpu++) {
        struct cpu_place at;

        if (cpu == cpu_id())
            continue;
        print_process(cpu);
        if (!arch_cpu_stopped(cpu, &at)) {
            printk("  it does not answer\n");
            continue;
        }
        if (per_cpu(other_cause, cpu))
            printk("  it panicked too: %s\n", per_cpu(other_cause, cpu));
        if (at.tf)
            arch_print_registers(at.tf);
        print_backtrace(cpu, &at);
    }
}

/* Makes the running CPU the reporter. Another one's report goes on without it; one of its own
 * ends here. */
static void begin_report(const struct trapframe *tf, uintptr_t rbp, const char *cause)
{
    u32 first = NOBODY;

    if (__atomic_compare_exchange_n(&reporter, &first, cpu_id(), false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return;
    if (first != cpu_id()) {
        this_cpu(other_cause) = cause;
        arch_cpu_stop_here(tf, rbp);
    }
    printk("panic inside the report of a panic: %s\n", cause);
    stop();
}

static noreturn void report(const struct trapframe *tf, uintptr_t rbp, const char *fmt,
                            va_list ap)
{
    char cause[256];
    struct panic_text text = {.cause = cause};
    struct cpu_place at = {tf, rbp};
    u32 cols, rows;

    irq_disable();
    lockdep_stop();
    kcsan_stop();
    fmt_vsnprintf(cause, sizeof(cause), fmt, ap);
    begin_report(tf, rbp, cause);
    arch_cpus_stop();
    printk_levels[0] = LOG_LEVEL_ALL;
    /* First of all: from here on nobody waits for the lock of the screen. */
    screen_seize(&cols, &rows);
    text.log_end = printk_end();
    printk("\n");
    printk("kernel panic: %s\n", cause);
    text.where = printk_end();
    printk("%s %s, build %s\n", kernel_release, kernel_version, build_id());
    text.registers = text.backtrace = text.end = printk_end();
    panic_screen(&text);
    print_process(cpu_id());
    text.registers = printk_end();
    if (tf)
        arch_print_registers(tf);
    arch_print_control_registers();
    text.backtrace = printk_end();
    print_backtrace(cpu_id(), &at);
    text.end = printk_end();
    print_others();
    printk("end of the panic report\n");
    panic_screen(&text);
    stop();
}

noreturn void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report(NULL, (uintptr_t)__builtin_frame_address(0), fmt, ap);
}

noreturn void panic_trap(const struct trapframe *tf, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report(tf, tf->rbp, fmt, ap);
}
