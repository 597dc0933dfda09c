/* SPDX-License-Identifier: MIT
 *
 * The machine's part of a thread. FS and GS base of user mode change only through
 * arch_prctl (CR4.FSGSBASE stays off), so the struct always knows them.
 */
#include "arch/thread.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/fpu.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/slab.h"

/* What context_switch pops, lowest address first. */
struct switch_frame {
    u64 r15, r14, r13, r12, rbx, rbp, rip;
};

/* cpu/context.asm */
void context_switch(uintptr_t *save_sp, uintptr_t load_sp);
extern const char thread_start[];

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
    t->fs_base = t->gs_base = 0;
    t->stack_top = stack_top;
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
    to->fs_base = from->fs_base;
    to->gs_base = from->gs_base;
    fpu_save(to->fpu);
}

void arch_thread_reset(struct arch_thread *t)
{
    arch_set_fs_base(t, 0);
    arch_set_gs_base(t, 0);
    fpu_reset();
}

void arch_thread_switch(struct arch_thread *prev, struct arch_thread *next)
{
    fpu_save(prev->fpu);
    fpu_load(next->fpu);
    wrmsr(MSR_FS_BASE, next->fs_base);
    wrmsr(MSR_KERNEL_GS_BASE, next->gs_base);
    cpu_self()->kernel_stack = next->stack_top;
    tss_set_stack(next->stack_top);
    context_switch(&prev->sp, next->sp);
}

int arch_set_fs_base(struct arch_thread *t, u64 base)
{
    if (base >= USER_END)
        return -EPERM;
    t->fs_base = base;
    wrmsr(MSR_FS_BASE, base);
    return 0;
}

/* In the kernel the user's GS base waits in KERNEL_GS_BASE for SWAPGS. */
int arch_set_gs_base(struct arch_thread *t, u64 base)
{
    if (base >= USER_END)
        return -EPERM;
    t->gs_base = base;
    wrmsr(MSR_KERNEL_GS_BASE, base);
    return 0;
}

u64 arch_get_fs_base(const struct arch_thread *t)
{
    return t->fs_base;
}

u64 arch_get_gs_base(const struct arch_thread *t)
{
    return t->gs_base;
}

size_t arch_fpu_size(void)
{
    return fpu_size();
}

u64 arch_hwcap(void)
{
    return cpu_features.hwcap;
}
