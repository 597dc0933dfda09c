/* SPDX-License-Identifier: MIT
 *
 * Signal frames as programs on x86-64 Linux know them. User stack, low to high:
 *
 *   handler's rsp -> return address (restorer)    rsp % 16 == 8, as after a call
 *                    ucontext                     registers, mask, where the FPU state is
 *                    siginfo                      128 bytes
 *                    FPU state                    64-byte aligned, XSAVE or FXSAVE format,
 *                                                 with PKRU where there are keys
 *   old rsp - 128 -> the red zone                 untouched
 */
#include "arch/sigframe.h"
#include "arch/pkey.h"
#include "arch/thread.h"
#include "arch/uaccess.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/fpu.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define RED_ZONE 128

#define UC_FP_XSTATE         1u
#define UC_SIGCONTEXT_SS     2u
#define UC_STRICT_RESTORE_SS 4u

#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u
#define FP_SOFTWARE_AT   464

#define RPL_USER 3u /* of any selector, as Linux reads the frame */

#define SA_RESTORER_FLAG 0x04000000u

struct user_context {
    u64 uc_flags, uc_link;
    u64 ss_sp;
    u32 ss_flags, ss_pad;
    u64 ss_size;
    u64 r8, r9, r10, r11, r12, r13, r14, r15;
    u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    u16 cs, gs, fs, ss;
    u64 err, trapno, oldmask, cr2;
    u64 fpstate;
    u64 reserved[8];
    u64 mask;
};
STATIC_ASSERT(sizeof(struct user_context) == 304);

struct rt_sigframe {
    u64 restorer;
    struct user_context uc;
    u8 info[128];
};
STATIC_ASSERT(sizeof(struct rt_sigframe) == 440);

/* The bytes of the legacy area that the CPU leaves to software. */
struct fp_software {
    u32 magic1, extended_size;
    u64 components;
    u32 state_size;
    u32 pad[7];
};
STATIC_ASSERT(sizeof(struct fp_software) == 48);

u64 arch_min_sigstack(void)
{
    return align_up(sizeof(struct rt_sigframe) + 16 + fpu_layout.size + 4 + FPU_ALIGN,
                    16);
}

/* Saves the FPU to t->fpu and from there to `at`; PKRU, which is `keys`, to where it stands. What
 * lies between is left as it is, as XSAVE leaves it. */
static int push_fpu(struct arch_thread *t, vaddr_t at, u32 keys)
{
    struct fp_software *sw = (struct fp_software *)((u8 *)t->fpu + FP_SOFTWARE_AT);
    u64 pkru = keys;
    u32 magic2 = FP_XSTATE_MAGIC2;
    const struct fpu_layout *l = &fpu_layout;
    size_t left;

    fpu_save(t->fpu);
    memset(sw, 0, sizeof(*sw));
    if (!l->components)
        return arch_copy_to_user(at, t->fpu, l->size) ? -EFAULT : 0;
    *sw =
        (struct fp_software){FP_XSTATE_MAGIC1, l->size + 4, l->components, l->size, {0}};
    if (l->pkru_at)
        *fpu_used(t->fpu) |= XCR0_PKRU;
    left = arch_copy_to_user(at, t->fpu, fpu_size());
    *fpu_used(t->fpu) &= ~(u64)XCR0_PKRU;
    if (left)
        return -EFAULT;
    if (l->pkru_at && arch_copy_to_user(at + l->pkru_at, &pkru, sizeof(pkru)))
        return -EFAULT;
    return arch_copy_to_user(at + l->size, &magic2, sizeof(magic2)) ? -EFAULT : 0;
}

static void fill_context(struct user_context *uc, const struct trapframe *tf,
                         const struct arch_signal *s, vaddr_t fpstate)
{
    *uc = (struct user_context){
        .uc_flags = (fpu_layout.components ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS |
                    UC_STRICT_RESTORE_SS,
        .ss_sp = s->ss_sp,
        .ss_flags = s->ss_flags,
        .ss_size = s->ss_size,
        .r8 = tf->r8,
        .r9 = tf->r9,
        .r10 = tf->r10,
        .r11 = tf->r11,
        .r12 = tf->r12,
        .r13 = tf->r13,
        .r14 = tf->r14,
        .r15 = tf->r15,
        .rdi = tf->rdi,
        .rsi = tf->rsi,
        .rbp = tf->rbp,
        .rbx = tf->rbx,
        .rdx = tf->rdx,
        .rax = tf->rax,
        .rcx = tf->rcx,
        .rsp = tf->rsp,
        .rip = tf->rip,
        .rflags = tf->rflags,
        .cs = (u16)tf->cs,
        .ss = (u16)tf->ss,
        .err = s->err,
        .trapno = s->trapno,
        .oldmask = s->mask,
        .cr2 = s->fault_addr,
        .fpstate = fpstate,
        .mask = s->mask,
    };
}

/* Places the frame; false when it would leave user space or the alternate stack. */
static bool place_frame(const struct trapframe *tf, const struct arch_signal *s,
                        vaddr_t *frame, vaddr_t *fpstate)
{
    u64 need = fpu_layout.size + (fpu_layout.components ? 4 : 0);
    vaddr_t top = s->stack ? s->stack : tf->rsp - RED_ZONE;
    vaddr_t sp = s->stack ? s->stack : tf->rsp;

    if (top > USER_END || sp > USER_END || top < need + sizeof(struct rt_sigframe) + 128)
        return false;
    *fpstate = align_down(top - need, FPU_ALIGN);
    *frame = align_down(*fpstate - sizeof(struct rt_sigframe), 16) - 8;
    if (s->ss_size && sp > s->ss_sp && sp - s->ss_sp <= s->ss_size && *frame < s->ss_sp)
        return false;
    return true;
}

static bool push_parts(struct arch_thread *t, vaddr_t fpstate, vaddr_t frame,
                       const struct rt_sigframe *f, u32 keys)
{
    return !push_fpu(t, fpstate, keys) && !arch_copy_to_user(frame, f, sizeof(*f));
}

/* The stack may have a key that the program has denied itself, as a handler's own stack may that it
 * shall not meet otherwise: Linux opens all meanwhile (since 6.12). Hardly any stack has, and each
 * change of the register costs what the CPU, or who plays one, knows of translations. */
static int push_frame(struct arch_thread *t, vaddr_t fpstate, vaddr_t frame,
                      const struct rt_sigframe *f)
{
    u32 keys = keys_on ? rdpkru() : 0;
    bool done = push_parts(t, fpstate, frame, f, keys);

    if (!done && keys) {
        wrpkru(0);
        done = push_parts(t, fpstate, frame, f, keys);
        wrpkru(keys);
    }
    return done ? 0 : -EFAULT;
}

int arch_signal_push(struct arch_thread *t, struct trapframe *tf,
                     const struct arch_signal *s)
{
    struct rt_sigframe f;
    vaddr_t frame, fpstate;

    if (!(s->sa_flags & SA_RESTORER_FLAG) || !place_frame(tf, s, &frame, &fpstate))
        return -EFAULT;
    f.restorer = s->restorer;
    fill_context(&f.uc, tf, s, fpstate);
    memcpy(f.info, s->info, sizeof(f.info));
    if (push_frame(t, fpstate, frame, &f))
        return -EFAULT;

    tf->rip = s->handler;
    tf->rsp = frame;
    tf->rdi = (u64)s->signo;
    tf->rsi = frame + offsetof(struct rt_sigframe, info);
    tf->rdx = frame + offsetof(struct rt_sigframe, uc);
    tf->rax = 0;
    tf->cs = USER_CS;
    tf->ss = USER_SS;
    tf->rflags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
    fpu_reset();
    return 0;
}

/* Reads it from user memory to `area`, which can be loaded then. PKRU of a frame without is
 * *keys, of one whose header says that it is in its first state 0: all rights, as XRSTOR has it. */
static int read_fpu(u8 *area, vaddr_t at, u32 *keys)
{
    const struct fp_software *sw = (const struct fp_software *)(area + FP_SOFTWARE_AT);
    const struct fpu_layout *l = &fpu_layout;
    u32 pkru = 0, magic2 = 0, room = l->size + sizeof(magic2);
    bool extended = false;

    if (at >= USER_END || USER_END - at < room ||
        arch_copy_from_user(area, at, FPU_LEGACY_SIZE))
        return -EFAULT;
    if (l->components && sw->magic1 == FP_XSTATE_MAGIC1 && sw->state_size == l->size &&
        sw->extended_size == room) {
        if (arch_copy_from_user(area + FPU_LEGACY_SIZE, at + FPU_LEGACY_SIZE,
                                fpu_size() - FPU_LEGACY_SIZE) ||
            (l->pkru_at && arch_copy_from_user(&pkru, at + l->pkru_at, sizeof(pkru))) ||
            arch_copy_from_user(&magic2, at + l->size, sizeof(magic2)))
            return -EFAULT;
        extended = magic2 == FP_XSTATE_MAGIC2;
    }
    if (!fpu_sanitise(area, extended))
        return -EFAULT;
    if (extended)
        *keys = *fpu_used(area) & XCR0_PKRU ? pkru : 0;
    return 0;
}

/* Loads the FPU from user memory; no pointer: initial values. Through its own buffer:
 * the copy may sleep, and a switch of threads saves over t->fpu. */
static int pop_fpu(vaddr_t at)
{
    u8 area[FPU_AREA_MAX] __attribute__((aligned(FPU_ALIGN)));
    u32 keys = PKRU_INITIAL;
    int err = at ? read_fpu(area, at, &keys) : 0;

    if (err || !at) { /* what it stays where the frame has none, or a bad one */
        fpu_reset();
        return err;
    }
    fpu_load(area);
    if (keys_on)
        set_pkru(keys);
    return 0;
}

/* Whether the way out takes the selectors: the kernel has no others for programs. A stack selector
 * counts only where the frame says that it is meant. */
static bool selectors_known(const struct user_context *uc)
{
    return (uc->cs | RPL_USER) == USER_CS &&
           (!(uc->uc_flags & UC_STRICT_RESTORE_SS) || (uc->ss | RPL_USER) == USER_SS);
}

int arch_signal_pop(struct arch_thread *t, struct trapframe *tf, u64 *mask, u64 *ss_sp,
                    u32 *ss_flags, u64 *ss_size)
{
    struct user_context uc;
    vaddr_t frame = tf->rsp - 8; /* the handler's return took the restorer */
    vaddr_t at = frame + offsetof(struct rt_sigframe, uc);

    (void)t; /* the running thread: its FPU state is in the CPU */
    if (at >= USER_END || USER_END - at < sizeof(uc))
        return -EFAULT;
    if (arch_copy_from_user(&uc, at, sizeof(uc)))
        return -EFAULT;
    *tf = (struct trapframe){
        .r15 = uc.r15,
        .r14 = uc.r14,
        .r13 = uc.r13,
        .r12 = uc.r12,
        .rbp = uc.rbp,
        .rbx = uc.rbx,
        .r11 = uc.r11,
        .r10 = uc.r10,
        .r9 = uc.r9,
        .r8 = uc.r8,
        .rax = uc.rax,
        .rcx = uc.rcx,
        .rdx = uc.rdx,
        .rsi = uc.rsi,
        .rdi = uc.rdi,
        .vector = TRAP_SIGRETURN,
        .rip = uc.rip,
        .cs = USER_CS,
        /* ID and NT stay the program's own, as on Linux. */
        .rflags = (tf->rflags & ~RFLAGS_USER) | (uc.rflags & RFLAGS_USER),
        .rsp = uc.rsp,
        .ss = USER_SS,
    };
    *mask = uc.mask;
    *ss_sp = uc.ss_sp;
    *ss_flags = uc.ss_flags;
    *ss_size = uc.ss_size;
    if (pop_fpu(uc.fpstate))
        return -EINVAL;
    return selectors_known(&uc) ? 0 : -EPERM;
}
