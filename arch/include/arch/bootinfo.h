/* SPDX-License-Identifier: MIT
 *
 * What any loader hands to the kernel. Readers of boot protocols (arch/x86_64/boot) fill it from
 * PVH, multiboot2 or the EFI loader's block and normalise the memory map; nothing after
 * them may know which protocol was used, except to print it.
 */
#pragma once

#include "lib/types.h"

#define BOOT_RANGES_MAX  256
#define BOOT_CMDLINE_MAX 2048

enum boot_mem {
    BOOT_MEM_USABLE = 1,
    BOOT_MEM_RESERVED = 2,
    BOOT_MEM_ACPI = 3, /* ACPI tables: reclaimable, kept here because we read them */
    BOOT_MEM_NVS = 4,  /* firmware's, never touched */
    BOOT_MEM_BAD = 5,
    BOOT_MEM_LOADER = 6, /* kernel image, initramfs: RAM in use from the start */
};

struct boot_range {
    paddr_t base;
    u64 len;
    u32 type; /* enum boot_mem */
    u32 pad;
};

struct boot_framebuffer {
    paddr_t base; /* 0: none */
    u32 pitch, width, height;
    u8 bpp, red_pos, red_size, green_pos, green_size, blue_pos, blue_size, pad;
};

struct bootinfo {
    const char *protocol; /* "PVH", "multiboot2", ... */
    paddr_t kernel_start; /* image in memory, bss included; 2 MiB aligned */
    paddr_t kernel_end;
    paddr_t initrd; /* archive; initrd_len 0: none */
    u64 initrd_len;
    paddr_t rsdp;     /* 0: none */
    paddr_t low_page; /* one below 1 MiB, where other CPUs can start; 0: none */
    struct boot_framebuffer fb;
    /* Sorted, non-overlapping, no empty range; usable ranges whole pages, nothing in the
     * first MiB or of the image or the initramfs is usable. */
    u32 nranges;
    struct boot_range ranges[BOOT_RANGES_MAX];
    char cmdline[BOOT_CMDLINE_MAX]; /* always terminated */
};
