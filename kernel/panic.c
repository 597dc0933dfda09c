/* SPDX-License-Identifier: MIT
 *
 * One report, then the end. It takes no lock and trusts little: what it prints about the
 * process may itself fault, and then the second panic ends the machine with one line.
 */
#include "kernel/panic.h"

#include "arch/console.h"
#include "arch/cpu.h"
#include "kernel/kernel.h"
#include "kernel/printk.h"
#include "kernel/proc.h"
#include "kernel/strace.h"
#include "lib/fmt.h"

static u32 depth; /* reports begun */

bool panic_started(void)
{
    return __atomic_load_n(&depth, __ATOMIC_RELAXED) != 0;
}

static noreturn void stop(void)
{
    const char *how = cmdline_get("panic");

    if (how && how[0] == 'h')
        machine_halt();
    machine_poweroff(PANIC_EXIT_CODE);
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

    irq_disable();
    fmt_vsnprintf(cause, sizeof(cause), fmt, ap);
    if (__atomic_fetch_add(&depth, 1, __ATOMIC_ACQ_REL) != 0) {
        printk("panic inside the report of a panic: %s\n", cause);
        stop();
    }
    printk_set_quiet(false);
    printk("\n");
    printk("kernel panic: %s\n", cause);
    printk("%s\n", kernel_version);
    print_process();
    arch_print_registers(tf);
    printk("backtrace:\n");
    if (tf)
        print_frame(tf->rip + 1, NULL);
    arch_backtrace(rbp, print_frame, NULL);
    printk("end of the panic report\n");
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
