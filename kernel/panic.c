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
#include "arch/screen.h"
#include "arch/symbols.h"
#include "arch/time.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/panic_screen.h"
#include "kernel/printk.h"
#include "kernel/strace.h"
#include "kernel/task/proc.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define WAIT_MAX 86400u       /* s */
#define HZ_HIGH  4000000000ul /* what a CPU has at most while nobody has measured it */

static u32 depth; /* reports begun */

bool panic_started(void)
{
    return __atomic_load_n(&depth, __ATOMIC_RELAXED) != 0;
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

static void print_process(void)
{
    const struct thread *t = current_thread();

    if (!t) {
        printk("cpu %u, before the first thread\n", cpu_id());
        return;
    }
    if (!t->proc) {
        printk("cpu %u, kernel thread \"%s\"\n", cpu_id(), t->comm);
        return;
    }
    printk("cpu %u, process %d \"%s\", last system call %lu (%s)\n", cpu_id(),
           t->proc->pid, t->comm, t->last_syscall, syscall_name(t->last_syscall));
}

static noreturn void report(const struct trapframe *tf, uintptr_t rbp, const char *fmt,
                            va_list ap)
{
    char cause[256];
    struct panic_text text = {.cause = cause};
    u32 cols, rows;

    irq_disable();
    fmt_vsnprintf(cause, sizeof(cause), fmt, ap);
    if (__atomic_fetch_add(&depth, 1, __ATOMIC_ACQ_REL) != 0) {
        printk("panic inside the report of a panic: %s\n", cause);
        stop();
    }
    printk_levels[0] = LOG_LEVEL_ALL;
    /* First of all: from here on nobody waits for the lock of the screen. */
    console_seize(&cols, &rows);
    text.log_end = printk_end();
    printk("\n");
    printk("kernel panic: %s\n", cause);
    text.where = printk_end();
    printk("%s %s, build %s\n", kernel_release, kernel_version, build_id());
    text.registers = text.backtrace = text.end = printk_end();
    panic_screen(&text);
    print_process();
    text.registers = printk_end();
    arch_print_registers(tf);
    text.backtrace = printk_end();
    printk("backtrace:\n");
    if (tf)
        print_frame(tf->rip + 1, NULL);
    arch_backtrace(rbp, print_frame, NULL);
    text.end = printk_end();
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
