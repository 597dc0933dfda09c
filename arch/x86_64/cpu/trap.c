/* SPDX-License-Identifier: MIT
 *
 * Dispatch of traps: decodes what the CPU reports and hands it to the kernel. A fault of
 * kernel code is legal only at an instruction of the exception table.
 */
#include "arch/mmu.h"
#include "arch/thread.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/debugreg.h"
#include "arch/x86_64/cpu/extable.h"
#include "arch/x86_64/cpu/far_return.h"
#include "arch/x86_64/cpu/idt.h"
#include "arch/x86_64/cpu/stop.h"
#include "arch/x86_64/drivers/irq/irq.h"
#include "arch/x86_64/mmu/image.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/pause.h"
#include "kernel/task/proc.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/phys/kspace.h"

STATIC_ASSERT(offsetof(struct trapframe, vector) == 15 * 8);
STATIC_ASSERT(offsetof(struct trapframe, rsp) == 20 * 8);
STATIC_ASSERT(sizeof(struct trapframe) == 22 * 8);

#define PF_PRESENT  (1u << 0)
#define PF_WRITE    (1u << 1)
#define PF_USER     (1u << 2)
#define PF_RESERVED (1u << 3)
#define PF_FETCH    (1u << 4)
#define PF_KEY      (1u << 5)

/* Called by trap.asm. */
void trap_user(struct trapframe *tf);
void trap_page_fault(struct trapframe *tf);
void trap_kernel(struct trapframe *tf);
struct trapframe *trap_iret(struct trapframe *fault);
void trap_nmi(struct trapframe *tf);
void trap_fatal(struct trapframe *tf);
bool trap_debug_kernel(struct trapframe *tf);

static const char *const exception_names[VEC_EXCEPTIONS] = {
    "divide error",
    "debug trap",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "no FPU",
    "double fault",
    "coprocessor overrun",
    "invalid TSS",
    "segment not present",
    "stack segment fault",
    "general protection fault",
    "page fault",
    "reserved exception 15",
    "x87 error",
    "alignment check",
    "machine check",
    "SIMD error",
    "virtualisation exception",
    "control protection",
};

static const char *exception_name(u64 vector)
{
    const char *name = vector < VEC_EXCEPTIONS ? exception_names[vector] : NULL;

    return name ? name : "unexpected exception";
}

/* A fetch is no write. */
static inline u32 access_of(u64 error)
{
    static const u8 access[PF_WRITE + PF_FETCH + 1] = {
        [0] = ACCESS_READ, [PF_WRITE] = ACCESS_WRITE, [PF_FETCH] = ACCESS_EXEC};

    return access[error & (PF_WRITE | PF_FETCH)];
}

/* Whether `addr` is in the guard page below a kernel stack. */
static bool is_stack_guard(vaddr_t addr)
{
    vaddr_t guard = (vaddr_t)boot_stack_guard;

    if (addr >= guard && addr < guard + PAGE_SIZE)
        return true;
    return addr >= KSPACE_BASE && addr < KSPACE_END && kspace_is_guard(addr);
}

static noreturn void kernel_fault(const struct trapframe *tf, vaddr_t addr)
{
    const char *what = tf->error & PF_WRITE ? "write to" : "read of";

    if (is_stack_guard(addr))
        panic_trap(tf, "kernel stack overflow at %#lx", addr);
    if (tf->error & PF_RESERVED)
        panic_trap(tf, "reserved bit set in the page tables at %#lx", addr);
    if (tf->error & PF_FETCH)
        what = "execution of";
    panic_trap(tf, "kernel %s %s address %#lx", what,
               addr < PAGE_SIZE         ? "null page"
               : tf->error & PF_PRESENT ? "protected"
                                        : "unmapped",
               addr);
}

static void kernel_page_fault(struct trapframe *tf)
{
    vaddr_t addr = read_cr2();
    uintptr_t fixup = extable_find(tf->rip);
    bool resolved = false;

    if (!fixup || tf->error & (PF_RESERVED | PF_FETCH))
        kernel_fault(tf, addr);
    /* With interrupts off the access must not sleep: it just fails, as one that a key denies. */
    if (addr < USER_END && tf->rflags & RFLAGS_IF && !(tf->error & PF_KEY)) {
        irq_enable();
        resolved = page_fault(tf, addr, access_of(tf->error));
        irq_disable();
    }
    if (!resolved)
        tf->rip = fixup;
}

static void kernel_trap(struct trapframe *tf)
{
    uintptr_t fixup;

    if (tf->vector >= VEC_EXCEPTIONS) {
        irq_dispatch(tf);
        return;
    }
    if (tf->vector == VEC_PF) {
        kernel_page_fault(tf);
        return;
    }
    fixup = extable_find(tf->rip);
    if (!fixup)
        panic_trap(tf, "%s in the kernel, error code %#lx", exception_name(tf->vector),
                   (unsigned long)tf->error);
    tf->rip = fixup;
}

void trap_kernel(struct trapframe *tf)
{
    bool were_on = tf->rflags & RFLAGS_IF;

    if (were_on)
        irqoff_begin();
    kernel_trap(tf);
    if (were_on)
        irqoff_end();
}

/* What si_addr shall say: the instruction, where the exception is about it. */
static vaddr_t exception_address(const struct trapframe *tf)
{
    switch (tf->vector) {
    case VEC_DE:
    case VEC_DB:
    case VEC_UD:
    case VEC_MF:
    case VEC_XM:
        return tf->rip;
    default:
        return 0;
    }
}

/* What the processor does for itself, as supervisor, may not touch pages of programs (SMAP), and to
 * map them once more would help nothing: a processor does that to its own tables only, but QEMU's
 * also to the stack of a far return. */
static void supervisor_fault(struct trapframe *tf)
{
    bool stepped = tf->rflags & RFLAGS_TF;

    if (!far_return(tf))
        user_exception(tf, VEC_GP, 0, 0);
    else if (stepped)
        user_exception(tf, VEC_DB, DEBUG_STEP, tf->rip);
}

/* An access to a page that is there was refused. */
static noinline void protection_fault(struct trapframe *tf, vaddr_t addr)
{
    if (tf->error & PF_RESERVED)
        panic_trap(tf, "reserved bit set in the page tables at %#lx", addr);
    if (!(tf->error & PF_USER))
        supervisor_fault(tf);
    else if (tf->error & PF_KEY)
        key_fault(tf, addr);
    else
        page_fault(tf, addr, access_of(tf->error));
}

/* From user mode: all that a program meets in its ordinary life. Leaves the work to machine
 * code, because what C functions keep is not in the frame yet. */
void trap_page_fault(struct trapframe *tf)
{
    vaddr_t addr = read_cr2();

    stall_begin();
    irqoff_begin();
    irq_enable();
    if (unlikely(tf->error & PF_PRESENT))
        protection_fault(tf, addr);
    else
        page_fault(tf, addr, access_of(tf->error));
    irq_disable();
    stall_end(tf->rip);
    irqoff_end();
}

void trap_user(struct trapframe *tf)
{
    stall_begin();
    irqoff_begin();
    if (tf->vector >= VEC_EXCEPTIONS) {
        irq_dispatch(tf);
    } else {
        if (tf->vector == VEC_DB)
            tf->error = debug_take(&current_thread()->arch, tf);
        irq_enable();
        user_exception(tf, (unsigned)tf->vector, tf->error, exception_address(tf));
    }
    irq_disable();
    if (thread_must_look(current_thread()))
        return_to_user(tf);
    stall_end(tf->rip);
    irqoff_end();
}

/* IRETQ to user mode faulted: `fault` holds the user's registers, the frame at the top of
 * the stack what could not be loaded. The two overlap. Returns the latter, made whole. */
struct trapframe *trap_iret(struct trapframe *fault)
{
    struct trapframe *tf =
        (struct trapframe *)(cpu_own.kernel_stack - sizeof(struct trapframe));
    u64 vector = fault->vector, error = fault->error;

    memmove(tf, fault, offsetof(struct trapframe, vector));
    tf->vector = vector;
    tf->error = error;
    tf->cs = USER_CS;
    tf->ss = USER_SS;
    irq_enable();
    user_exception(tf, (unsigned)vector, error, 0);
    irq_disable();
    return_to_user(tf);
    return tf;
}

/* Takes no lock and touches nothing but its stack: it may have interrupted anything. With
 * nmi=panic a machine that hangs tells where. */
void trap_nmi(struct trapframe *tf)
{
    const char *what = cmdline_get("nmi");

    if (cpu_is_to_stop())
        cpu_stop_at(tf);
    if (what && strcmp(what, "panic") == 0)
        panic_trap(tf, "%s", exception_name(tf->vector));
}

/* #DF and #MC: no way back. A double fault at the end of a stack is an overflow. */
void trap_fatal(struct trapframe *tf)
{
    vaddr_t addr = read_cr2();

    if (tf->vector == VEC_DF && (is_stack_guard(addr) || is_stack_guard(tf->rsp - 8)))
        panic_trap(tf, "kernel stack overflow (double fault at %#lx)", tf->rsp);
    panic_trap(tf, "%s", exception_name(tf->vector));
}

/* No breakpoint is set in the kernel, but what a program watches the kernel may touch.
 *
 * A second debug trap may come before the gate of the first has done anything: where MOV SS that
 * touches what is watched stands before INT1, and in QEMU where a step does. It takes the
 * place of the first on the stack of debug traps: where the program was is lost. True: tf is the
 * program's now, which faults at 0. */
bool trap_debug_kernel(struct trapframe *tf)
{
    debug_note(&current_thread()->arch);
    tf->rflags &= ~RFLAGS_TF;
    if (likely(tf->rip != (uintptr_t)trap_gates + VEC_DB * GATE_SIZE))
        return false;
    tf->vector = VEC_GP;
    tf->error = 0;
    tf->rip = tf->rsp = 0;
    tf->cs = USER_CS;
    tf->ss = USER_SS;
    tf->rflags = RFLAGS_IF;
    return true;
}
