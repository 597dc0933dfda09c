/* SPDX-License-Identifier: MIT
 *
 * The framebuffer has a window of its own, the last GiB of addresses but the fixmap's 2
 * MiB. The early tables show it there with 2 MiB pages, the final ones exactly; either way
 * at the same address, so the caller who draws never notices the change of tables. It may lie
 * anywhere in physical memory, also far above the memory of the machine.
 */
#include "arch/x86_64/mmu/framebuffer.h"

#include "arch/mmu.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/image.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "lib/log.h"
#include "lib/string.h"

#define WINDOW_BASE 0xffffffffc0000000ul
#define WINDOW_MAX  (512ul << 20) /* 16,384 x 8,192 pixels */
#define SIDE_MAX    16384u
#define SPAN_2M     (1ul << 21)
#define CHANNEL_MAX 16u

#define MSR_PAT   0x277u
#define PAT_WC_AT 8 /* bits of entry 1 */
#define PAT_WC    0x01ull

extern pte_t boot_pd_framebuffer[]; /* boot/start.asm: the early tables' last GiB */

static struct boot_framebuffer framebuffer; /* base 0: none */

void pat_init(void)
{
    if (cpu_features.pat)
        wrmsr(MSR_PAT, (rdmsr(MSR_PAT) & ~(0xffull << PAT_WC_AT)) | PAT_WC << PAT_WC_AT);
}

static bool channel_fits(u8 pos, u8 size, u8 bpp)
{
    return size >= 1 && size <= CHANNEL_MAX && pos + size <= bpp;
}

/* NULL, or what is wrong with it. */
static const char *fault_of(const struct boot_framebuffer *fb, const struct bootinfo *bi,
                            paddr_t limit)
{
    u64 nbytes = (u64)fb->pitch * fb->height;

    if (fb->bpp != 24 && fb->bpp != 32)
        return "has neither 24 nor 32 bits a pixel";
    if (!channel_fits(fb->red_pos, fb->red_size, fb->bpp) ||
        !channel_fits(fb->green_pos, fb->green_size, fb->bpp) ||
        !channel_fits(fb->blue_pos, fb->blue_size, fb->bpp))
        return "has colours outside its pixels";
    if (fb->width == 0 || fb->height == 0 || fb->width > SIDE_MAX ||
        fb->height > SIDE_MAX)
        return "has an impossible size";
    if (fb->pitch < (u64)fb->width * fb->bpp / 8 || nbytes > WINDOW_MAX - SPAN_2M)
        return "has lines of an impossible length";
    if (fb->base >= limit || nbytes > limit - fb->base)
        return "lies beyond the addresses of this CPU";
    if (fb->base < bi->kernel_end && fb->base + nbytes > bi->kernel_start)
        return "overlaps the kernel";
    if (fb->base < bi->initrd + bi->initrd_len && fb->base + nbytes > bi->initrd)
        return "overlaps the initramfs";
    return NULL;
}

struct framebuffer_window framebuffer_window(void)
{
    paddr_t start = align_down(framebuffer.base, PAGE_SIZE);
    paddr_t end = align_up(framebuffer.base + (u64)framebuffer.pitch * framebuffer.height,
                           PAGE_SIZE);

    if (!framebuffer.base)
        return (struct framebuffer_window){0};
    /* The same place within 2 MiB, so that large pages fit. */
    return (struct framebuffer_window){start, WINDOW_BASE + start % SPAN_2M, end - start};
}

static void map_early(void)
{
    struct framebuffer_window w = framebuffer_window();
    paddr_t pa = align_down(w.pa, SPAN_2M);

    for (u32 i = 0; pa < w.pa + w.nbytes; i++, pa += SPAN_2M)
        pte_store(&boot_pd_framebuffer[i],
                  pte_make_kernel(pa >> PAGE_SHIFT, PTE_PROT_R | PTE_PROT_W) | PTE_PWT |
                      PTE_LARGE);
}

void framebuffer_init(struct bootinfo *bi, paddr_t limit)
{
    const char *wanted = cmdline_get("fb"), *fault;

    if (!bi->fb.base)
        return;
    if (wanted && strcmp(wanted, "off") == 0) {
        bi->fb.base = 0;
        return;
    }
    fault = fault_of(&bi->fb, bi, limit);
    if (fault) {
        printk("screen: the framebuffer at %#lx (%ux%u, %u bits, %u bytes a line) %s\n",
               (unsigned long)bi->fb.base, bi->fb.width, bi->fb.height, bi->fb.bpp,
               bi->fb.pitch, fault);
        bi->fb.base = 0;
        return;
    }
    framebuffer = bi->fb;
    map_early();
}

const struct boot_framebuffer *framebuffer_info(void)
{
    return framebuffer.base ? &framebuffer : NULL;
}

volatile u8 *framebuffer_memory(void)
{
    if (!framebuffer.base)
        return NULL;
    return (volatile u8 *)(WINDOW_BASE + framebuffer.base % SPAN_2M);
}
