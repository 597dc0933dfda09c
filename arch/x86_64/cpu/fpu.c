/* SPDX-License-Identifier: MIT
 *
 * Saving and loading the FPU. Plain XSAVE format (Intel SDM vol. 1, 13.4): 512 bytes as
 * FXSAVE writes them, a header of 64 bytes, then AVX at the offset CPUID names. PKRU is
 * component 9 (vol. 1, 13.5.7), on where CR4.PKE is.
 */
#include "arch/x86_64/cpu/fpu.h"
#include "arch/pkey.h"
#include "arch/ptrace.h"
#include "arch/x86_64/cpu/cpu.h"
#include "kernel/cmdline.h"
#include "lib/assert.h"
#include "lib/string.h"

#define XCR0_X87 1u
#define XCR0_SSE 2u
#define XCR0_AVX 4u

#define CR0_MP (1ull << 1)
#define CR0_EM (1ull << 2)
#define CR0_TS (1ull << 3)
#define CR0_NE (1ull << 5)

#define FCW_INITIAL        0x37f
#define MXCSR_INITIAL      0x1f80u
#define MXCSR_MASK_DEFAULT 0xffbfu

struct fx_area {
    u16 fcw, fsw;
    u8 ftw, reserved0;
    u16 fop;
    u64 fip, fdp;
    u32 mxcsr, mxcsr_mask;
    u8 registers[384];
    u8 reserved1[48];
    u8 software[48];
};
STATIC_ASSERT(sizeof(struct fx_area) == FPU_LEGACY_SIZE);

struct xsave_header {
    u64 xstate_bv, xcomp_bv, reserved[6];
};

bool keys_on;
struct fpu_layout fpu_layout;

static u32 components; /* of an area; 0: FXSAVE */
static u32 area_size = FPU_LEGACY_SIZE;
static u32 mxcsr_mask = MXCSR_MASK_DEFAULT;
static u8 initial[FPU_AREA_MAX] __attribute__((aligned(FPU_ALIGN)));

size_t fpu_size(void)
{
    return area_size;
}

static void set_xcr0(u32 value)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"(value), "d"(0));
}

static void choose_components(void)
{
    u32 there = cpuid(0xd, 0).eax;

    components = XCR0_X87 | XCR0_SSE | (cpu_features.avx ? XCR0_AVX : 0);
    components &= there;
    keys_on = cpu_features.pku && there & XCR0_PKRU && !cmdline_get("nopku");
}

static void enable(void)
{
    write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | (components ? CR4_OSXSAVE : 0) |
              (keys_on ? CR4_PKE : 0));
    if (components)
        set_xcr0(components | (keys_on ? XCR0_PKRU : 0));
}

static void disable_keys(void)
{
    set_xcr0(components);
    write_cr4(read_cr4() & ~CR4_PKE);
}

/* The size of an area, of what XCR0 has now. */
static u32 xsave_size(void)
{
    return cpuid(0xd, 0).ebx;
}

/* Where PKRU stands in the form of programs is the processor's to say; false: it says what cannot be, and
 * keys are left alone. */
static bool measure_keys(struct fpu_layout *l)
{
    set_xcr0(components | XCR0_PKRU);
    l->components |= XCR0_PKRU;
    l->size = xsave_size();
    l->pkru_at = cpuid(0xd, 9).ebx;
    return l->pkru_at >= area_size && l->size >= l->pkru_at + sizeof(u64) &&
           l->size <= ARCH_FPU_MAX;
}

static void measure(void)
{
    struct fpu_layout with_keys;

    fpu_layout = (struct fpu_layout){.size = FPU_LEGACY_SIZE};
    if (!components)
        return;
    fpu_layout.components = components;
    set_xcr0(components);
    area_size = fpu_layout.size = xsave_size();
    ASSERT(area_size >= FPU_LEGACY_SIZE + sizeof(struct xsave_header) &&
           area_size <= FPU_AREA_MAX);
    if (!keys_on)
        return;
    with_keys = fpu_layout;
    keys_on = measure_keys(&with_keys);
    if (keys_on)
        fpu_layout = with_keys;
    else
        disable_keys();
}

void fpu_init(void)
{
    struct fx_area *fx = (struct fx_area *)initial;

    if (cpu_features.xsave)
        choose_components();
    enable();
    measure();
    __asm__ volatile("fxsave64 %0" : "=m"(*fx));
    if (fx->mxcsr_mask)
        mxcsr_mask = fx->mxcsr_mask;
    memset(initial, 0, sizeof(initial));
    fx->fcw = FCW_INITIAL;
    fx->mxcsr = MXCSR_INITIAL;
    fpu_reset();
}

void fpu_init_cpu(void)
{
    enable();
    fpu_reset();
}

void fpu_save(void *area)
{
    if (components)
        __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(components), "d"(0) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

void fpu_load(const void *area)
{
    if (components)
        __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(components), "d"(0) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

void fpu_reset(void)
{
    fpu_load(initial);
    if (keys_on)
        set_pkru(PKRU_INITIAL);
}

void fpu_fill_initial(void *area)
{
    memcpy(area, initial, area_size);
}

bool fpu_sanitise(void *area, bool extended)
{
    struct fx_area *fx = area;
    struct xsave_header *head = (struct xsave_header *)(fx + 1);

    if (fx->mxcsr & ~mxcsr_mask)
        return false;
    if (!components)
        return true;
    if (!extended) {
        memset(head, 0, area_size - FPU_LEGACY_SIZE);
        head->xstate_bv = XCR0_X87 | XCR0_SSE;
        return true;
    }
    if (head->xstate_bv & ~fpu_layout.components || head->xcomp_bv)
        return false;
    for (u32 i = 0; i < ARRAY_SIZE(head->reserved); i++) {
        if (head->reserved[i])
            return false;
    }
    return true;
}
