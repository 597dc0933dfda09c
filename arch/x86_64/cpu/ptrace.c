/* SPDX-License-Identifier: MIT
 *
 * The registers that tracers see, see arch/ptrace.h. What they write is checked here: nothing
 * may get into a frame or an FPU area that the way back to user mode cannot bear.
 */
#include "arch/ptrace.h"
#include "arch/pkey.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/gdt.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

STATIC_ASSERT(ARCH_FPU_ROOM >= FPU_AREA_MAX + FPU_ALIGN);
STATIC_ASSERT(sizeof(struct user_regs) == 27 * 8);

/* Flags a tracer may choose: CF PF AF ZF SF TF DF OF NT RF AC. */
#define RFLAGS_TRACER 0x54dd5ull

#define FP_SOFTWARE_AT 464 /* debuggers find XCR0 here */

static u8 *area_of(struct arch_stopped *s)
{
    return (u8 *)align_up((uintptr_t)s->fpu, FPU_ALIGN);
}

void arch_stop_save(struct arch_thread *t, struct arch_stopped *s)
{
    arch_thread_bases_get(t);
    s->fs_base = t->fs_base;
    s->gs_base = t->gs_base;
    s->selectors = t->selectors;
    s->bases_changed = s->fpu_changed = false;
    fpu_save(area_of(s));
    s->keys = keys_on ? rdpkru() : 0;
}

void arch_stop_load(struct arch_thread *t, struct arch_stopped *s)
{
    if (s->fpu_changed) {
        fpu_load(area_of(s));
        if (keys_on)
            wrpkru(s->keys);
    }
    if (s->bases_changed)
        arch_thread_bases_set(t, s->selectors, s->fs_base, s->gs_base);
}

void arch_regs_get(const struct trapframe *tf, const struct arch_stopped *s,
                   struct user_regs *out)
{
    *out = (struct user_regs){
        .r15 = tf->r15,
        .r14 = tf->r14,
        .r13 = tf->r13,
        .r12 = tf->r12,
        .rbp = tf->rbp,
        .rbx = tf->rbx,
        .r11 = tf->r11,
        .r10 = tf->r10,
        .r9 = tf->r9,
        .r8 = tf->r8,
        .rax = tf->rax,
        .rcx = tf->rcx,
        .rdx = tf->rdx,
        .rsi = tf->rsi,
        .rdi = tf->rdi,
        .orig_rax = tf->vector == TRAP_SYSCALL ? tf->error : ~0ull,
        .rip = tf->rip,
        .cs = tf->cs,
        .rflags = tf->rflags,
        .rsp = tf->rsp,
        .ss = tf->ss,
        .fs_base = s->fs_base,
        .gs_base = s->gs_base,
        .ds = s->selectors & 0xffff,
        .es = s->selectors >> 16 & 0xffff,
        .fs = s->selectors >> 32 & 0xffff,
        .gs = s->selectors >> 48,
    };
}

/* The data selectors stay what they are or become null. */
static bool selectors_ok(u64 now, const struct user_regs *r)
{
    const u64 wanted[] = {r->ds, r->es, r->fs, r->gs};

    for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
        if (wanted[i] && wanted[i] != (now >> 16 * i & 0xffff))
            return false;
    return true;
}

static void set_bases(struct arch_stopped *s, const struct user_regs *r)
{
    u64 fs = r->fs_base == s->fs_base ? r->fs : 0;
    u64 gs = r->gs_base == s->gs_base ? r->gs : 0;

    /* A base of its own is only under a null selector. */
    s->selectors = r->ds | r->es << 16 | fs << 32 | gs << 48;
    s->fs_base = r->fs_base;
    s->gs_base = r->gs_base;
    s->bases_changed = true;
}

int arch_regs_set(struct trapframe *tf, struct arch_stopped *s, const struct user_regs *r)
{
    bool in_call = (s32)r->orig_rax != -1;

    if (r->cs != USER_CS || r->ss != USER_SS || !selectors_ok(s->selectors, r) ||
        r->fs_base >= USER_END || r->gs_base >= USER_END)
        return -EIO;
    set_bases(s, r);
    *tf = (struct trapframe){
        .r15 = r->r15,
        .r14 = r->r14,
        .r13 = r->r13,
        .r12 = r->r12,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .r11 = r->r11,
        .r10 = r->r10,
        .r9 = r->r9,
        .r8 = r->r8,
        .rax = r->rax,
        .rcx = r->rcx,
        .rdx = r->rdx,
        .rsi = r->rsi,
        .rdi = r->rdi,
        .vector = in_call ? TRAP_SYSCALL : TRAP_SIGRETURN,
        .error = r->orig_rax,
        .rip = r->rip,
        .cs = USER_CS,
        .rflags = (tf->rflags & ~RFLAGS_TRACER) | (r->rflags & RFLAGS_TRACER),
        .rsp = r->rsp,
        .ss = USER_SS,
    };
    return 0;
}

size_t arch_fpu_bytes(enum fpu_form form)
{
    if (form == FPU_FXSAVE)
        return FPU_LEGACY_SIZE;
    return fpu_layout.components ? fpu_layout.size : 0;
}

void arch_fpu_get(struct arch_stopped *s, void *out, enum fpu_form form)
{
    const struct fpu_layout *l = &fpu_layout;

    if (form == FPU_FXSAVE) {
        memcpy(out, area_of(s), FPU_LEGACY_SIZE);
        return;
    }
    memset(out, 0, l->size);
    memcpy(out, area_of(s), fpu_size());
    memcpy((u8 *)out + FP_SOFTWARE_AT, &l->components, sizeof(l->components));
    if (l->pkru_at) {
        *fpu_used(out) |= XCR0_PKRU;
        memcpy((u8 *)out + l->pkru_at, &s->keys, sizeof(s->keys));
    }
}

/* As XRSTOR does, what has no PKRU has 0, all rights. */
static void set_keys(struct arch_stopped *s, u8 *area, const u8 *in)
{
    s->keys = 0;
    if (fpu_layout.pkru_at && *fpu_used(area) & XCR0_PKRU)
        memcpy(&s->keys, in + fpu_layout.pkru_at, sizeof(s->keys));
    *fpu_used(area) &= ~(u64)XCR0_PKRU;
}

int arch_fpu_set(struct arch_stopped *s, const void *in, enum fpu_form form)
{
    u8 old[FPU_AREA_MAX], *area = area_of(s);

    memcpy(old, area, fpu_size());
    memcpy(area, in, form == FPU_XSAVE ? fpu_size() : FPU_LEGACY_SIZE);
    if (!fpu_sanitise(area, form == FPU_XSAVE || fpu_layout.components)) {
        memcpy(area, old, fpu_size());
        return -EINVAL;
    }
    if (form == FPU_XSAVE)
        set_keys(s, area, in);
    else if (fpu_layout.components) /* what was given counts, the rest stays */
        *fpu_used(area) |= 3;
    s->fpu_changed = true;
    return 0;
}

bool arch_set_step(struct trapframe *tf, bool on)
{
    bool was = tf->rflags & RFLAGS_TF;

    tf->rflags = on ? tf->rflags | RFLAGS_TF : tf->rflags & ~RFLAGS_TF;
    return was != on;
}
