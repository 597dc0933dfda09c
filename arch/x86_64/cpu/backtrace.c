/* SPDX-License-Identifier: MIT
 *
 * For reports: the chain of frame pointers, registers, names of functions. Reads only
 * memory that is certainly mapped: the stack of a CPU's thread, the boot stack and the
 * interrupt stacks.
 */
#include "arch/backtrace.h"
#include "arch/console.h"
#include "arch/symbols.h"
#include "arch/thread.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/gdt.h"
#include "arch/x86_64/mmu/image.h"
#include "lib/log.h"

#define FRAMES_MAX 32

struct frame {
    uintptr_t next, ip;
};

/* End of the kernel stack of that CPU which holds a frame at `at`; 0: none. */
static uintptr_t stack_top_of(u32 cpu, uintptr_t at)
{
    uintptr_t top = cpu_block(cpu)->kernel_stack;
    uintptr_t boot = (uintptr_t)boot_stack_top;

    if (at % sizeof(uintptr_t))
        return 0;
    if (at >= top - KSTACK_SIZE && at < top)
        return top;
    if (cpu == 0 && at >= boot - KSTACK_SIZE && at < boot)
        return boot;
    return ist_stack_top(cpu, at);
}

void arch_backtrace(u32 cpu, uintptr_t rbp, void (*visit)(uintptr_t ip, void *arg),
                    void *arg)
{
    if (rbp == 0)
        rbp = (uintptr_t)__builtin_frame_address(0);
    for (u32 i = 0; i < FRAMES_MAX; i++) {
        const struct frame *f = (const struct frame *)rbp;
        uintptr_t top = stack_top_of(cpu, rbp);

        if (top == 0 || top - rbp < sizeof(*f) || !image_is_text(f->ip))
            return;
        visit(f->ip, arg);
        /* Frames lie ever higher on one stack; another stack may follow once. */
        if (f->next <= rbp && stack_top_of(cpu, f->next) == top)
            return;
        rbp = f->next;
    }
}

/* context_switch has pushed six registers, rbp last but for what it returns to. */
#define unchecked __attribute__((no_sanitize("address", "thread")))
unchecked void arch_backtrace_of(const struct arch_thread *t,
                                 bool (*visit)(uintptr_t ip, void *arg), void *arg)
{
    uintptr_t at = READ_ONCE(t->sp) + 5 * sizeof(u64), low = t->stack_top - KSTACK_SIZE;

    for (u32 i = 0; i < FRAMES_MAX; i++) {
        const volatile struct frame *f = (const volatile struct frame *)at;
        uintptr_t ip;

        if (at % sizeof(u64) || at < low || at > t->stack_top - sizeof(*f))
            return;
        ip = f->ip;
        if (!image_is_text(ip) || visit(ip, arg) || f->next <= at)
            return;
        at = f->next;
    }
}

void arch_print_registers(const struct trapframe *tf)
{
    u64 offset;
    const char *name = symbol_at(tf->rip, &offset);

    printk("rip %016lx %s+%#lx  vector %lu error %#lx\n", tf->rip,
           trap_from_user(tf) ? "(user)" : name, trap_from_user(tf) ? 0ul : offset,
           tf->vector, tf->error);
    printk("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", tf->rax, tf->rbx, tf->rcx,
           tf->rdx);
    printk("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", tf->rsi, tf->rdi, tf->rbp,
           tf->rsp);
    printk("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", tf->r8, tf->r9, tf->r10,
           tf->r11);
    printk("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", tf->r12, tf->r13, tf->r14,
           tf->r15);
    printk("cs %04lx ss %04lx rflags %08lx\n", tf->cs, tf->ss, tf->rflags);
}

void arch_print_control_registers(void)
{
    printk("cr0 %08lx cr2 %016lx cr3 %012lx cr4 %08lx\n", read_cr0(), read_cr2(),
           read_cr3(), read_cr4());
}
