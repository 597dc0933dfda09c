/* SPDX-License-Identifier: MIT
 *
 * The machine's part of a thread. A program changes its FS and GS base through arch_prctl
 * (CR4.FSGSBASE stays off), or by loading a selector, which takes the base from the GDT: so
 * the struct knows the bases as long as all selectors are null, which is the normal case.
 */
#include "arch/thread.h"
#include "arch/pkey.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/debugreg.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/gdt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

/* What context_switch pops, lowest address first. */
struct switch_frame {
    u64 r15, r14, r13, r12, rbx, rbp, rip;
};

/* cpu/context.asm */
void context_switch(uintptr_t *save_sp, uintptr_t load_sp);
extern const char thread_start[];

/* ---- selectors: nothing in the kernel depends on them, programs may load them ---- */

static u64 read_selectors(void)
{
    u64 ds, es, fs, gs;

    __asm__ volatile("mov %%ds, %k0; mov %%es, %k1; mov %%fs, %k2; mov %%gs, %k3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    return ds | es << 16 | fs << 32 | gs << 48;
}

/* Cannot fault: user mode had them loaded, and the GDT never changes. Loading FS and GS
 * destroys the user's bases, so those come afterwards. Interrupts off: GS is the user's in
 * between, which only NMIs and their like can bear. */
static void load_selectors(u64 selectors)
{
    __asm__ volatile("mov %w0, %%ds; mov %w1, %%es; mov %w2, %%fs\n\t"
                     "swapgs; mov %w3, %%gs; swapgs"
                     :
                     : "r"(selectors), "r"(selectors >> 16), "r"(selectors >> 32),
                       "r"(selectors >> 48)
                     : "memory");
}

static void save_bases(struct arch_thread *t)
{
    t->fs_base = rdmsr(MSR_FS_BASE);
    t->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
}

static void load_bases(const struct arch_thread *t)
{
    wrmsr(MSR_FS_BASE, t->fs_base);
    wrmsr(MSR_KERNEL_GS_BASE, t->gs_base);
}

/* kmalloc aligns to 8 bytes: the area stands at the next multiple of 64 and the pointer
 * to the whole block just below it. */
static void *fpu_area_alloc(void)
{
    u8 *block = kzalloc(fpu_size() + FPU_ALIGN + sizeof(void *));
    u8 *area;

    if (!block)
        return NULL;
    area = (u8 *)align_up((uintptr_t)block + sizeof(void *), FPU_ALIGN);
    ((void **)area)[-1] = block;
    return area;
}

int arch_thread_init(struct arch_thread *t, uintptr_t stack_top, void (*entry)(void *),
                     void *arg)
{
    struct switch_frame *frame;
    void *area = fpu_area_alloc();

    if (!area)
        return -ENOMEM;
    fpu_fill_initial(area);
    t->fpu = area;
    t->fs_base = t->gs_base = t->selectors = 0;
    t->stack_top = stack_top;
    t->keys = PKRU_INITIAL;
    t->debug = NULL;
    t->no_tsc = false;
    memset(arch_thread_frame(t), 0, sizeof(struct trapframe));
    frame = (struct switch_frame *)arch_thread_frame(t) - 1;
    *frame = (struct switch_frame){
        .rip = (uintptr_t)thread_start,
        .r12 = (uintptr_t)entry,
        .r13 = (uintptr_t)arg,
    };
    t->sp = (uintptr_t)frame;
    return 0;
}

void arch_thread_fini(struct arch_thread *t)
{
    if (t->fpu)
        kfree(((void **)t->fpu)[-1]);
    t->fpu = NULL;
}

void arch_thread_copy(struct arch_thread *to, struct arch_thread *from)
{
    save_bases(from);
    to->selectors = from->selectors = read_selectors();
    to->fs_base = from->fs_base;
    to->gs_base = from->gs_base;
    to->no_tsc = from->no_tsc;
    fpu_save(to->fpu);
    if (keys_on)
        to->keys = rdpkru();
}

void arch_thread_bases_get(struct arch_thread *t)
{
    irqflags_t flags = irq_save();

    save_bases(t);
    t->selectors = read_selectors();
    irq_restore(flags);
}

void arch_thread_bases_set(struct arch_thread *t, u64 selectors, u64 fs_base, u64 gs_base)
{
    irqflags_t flags = irq_save();

    t->selectors = selectors;
    t->fs_base = fs_base;
    t->gs_base = gs_base;
    load_selectors(selectors);
    load_bases(t);
    irq_restore(flags);
}

void arch_thread_reset(struct arch_thread *t)
{
    arch_thread_bases_set(t, 0, 0, 0);
    fpu_reset();
}

static void load_tsc(bool forbidden)
{
    write_cr4((read_cr4() & ~CR4_TSD) | (forbidden ? CR4_TSD : 0));
}

void arch_set_tsc(struct arch_thread *t, bool allowed)
{
    irqflags_t flags = irq_save();

    t->no_tsc = !allowed;
    load_tsc(t->no_tsc);
    irq_restore(flags);
}

/* What hardly any thread has. */
static noinline void load_rare(const struct arch_thread *prev,
                               const struct arch_thread *next)
{
    load_selectors(next->selectors);
    if (prev->debug || next->debug)
        debug_load(next->debug);
    if (prev->no_tsc != next->no_tsc)
        load_tsc(next->no_tsc);
}

void arch_thread_switch(struct arch_thread *prev, struct arch_thread *next)
{
    fpu_save(prev->fpu);
    fpu_load(next->fpu);
    if (likely(keys_on)) {
        prev->keys = rdpkru();
        if (unlikely(prev->keys != next->keys))
            wrpkru(next->keys);
    }
    prev->selectors = read_selectors();
    if (unlikely(prev->selectors))
        save_bases(prev);
    if (unlikely(prev->selectors | next->selectors | (uintptr_t)prev->debug |
                 (uintptr_t)next->debug | prev->no_tsc | next->no_tsc))
        load_rare(prev, next);
    load_bases(next);
    cpu_own.kernel_stack = next->stack_top;
    tss_set_stack(next->stack_top);
    context_switch(&prev->sp, next->sp);
}

/* The selector goes to null with it, as on Linux: else the next switch would find a base
 * that is not the selector's. */
int arch_set_fs_base(struct arch_thread *t, u64 base)
{
    if (base >= USER_END)
        return -EPERM;
    __asm__ volatile("mov %w0, %%fs" ::"r"(0) : "memory");
    t->fs_base = base;
    wrmsr(MSR_FS_BASE, base);
    return 0;
}

/* In the kernel the user's GS base waits in KERNEL_GS_BASE for SWAPGS. */
int arch_set_gs_base(struct arch_thread *t, u64 base)
{
    irqflags_t flags;

    if (base >= USER_END)
        return -EPERM;
    flags = irq_save();
    __asm__ volatile("swapgs; mov %w0, %%gs; swapgs" ::"r"(0) : "memory");
    t->gs_base = base;
    wrmsr(MSR_KERNEL_GS_BASE, base);
    irq_restore(flags);
    return 0;
}

u64 arch_get_fs_base(const struct arch_thread *t)
{
    (void)t;
    return rdmsr(MSR_FS_BASE);
}

u64 arch_get_gs_base(const struct arch_thread *t)
{
    (void)t;
    return rdmsr(MSR_KERNEL_GS_BASE);
}

size_t arch_fpu_size(void)
{
    return fpu_size();
}

u64 arch_hwcap(void)
{
    return cpu_features.hwcap;
}
