/* SPDX-License-Identifier: MIT
 *
 * What the UEFI loader (arch/x86_64/boot/uefi) hands to the kernel's 64-bit entry. Both sides
 * include this file and nothing else of each other; the layout is fixed, little endian,
 * without holes.
 *
 * The loader finds the entry through an ELF note of the kernel: name "Tessera", type
 * HANDOVER_NOTE, descriptor one u64, the entry's physical address as linked. It loads the
 * PT_LOAD segments at (p_paddr - lowest p_paddr) + a base of its choice that is a multiple
 * of 2 MiB and lies with the whole image (bss included) below 4 GiB, adds the same
 * difference to the entry's address, and jumps there with interrupts off, in 64-bit mode,
 * the image, this block and a stack mapped at their physical addresses, the block's address
 * in RDI (below 4 GiB, 8-byte aligned).
 */
#pragma once

#define HANDOVER_NOTE    1u
#define HANDOVER_MAGIC   0x3141524553534554ull /* "TESSERA1" */
#define HANDOVER_VERSION 1u

/* Types as E820 numbers them, plus HANDOVER_LOADER: the image and the initramfs. */
#define HANDOVER_USABLE   1u
#define HANDOVER_RESERVED 2u
#define HANDOVER_ACPI     3u
#define HANDOVER_NVS      4u
#define HANDOVER_BAD      5u
#define HANDOVER_LOADER   6u

struct handover_range {
    unsigned long long base, len;
    unsigned type, reserved;
};

/* Colour fields as GOP's masks: position of the lowest bit and number of bits. base 0: no
 * linear framebuffer. */
struct handover_framebuffer {
    unsigned long long base;
    unsigned pitch, width, height; /* pitch in bytes */
    unsigned char bpp, red_pos, red_size, green_pos, green_size, blue_pos, blue_size,
        reserved;
    unsigned reserved2;
};

/* All addresses are physical. cmdline, initrd and map lie below 4 GiB; map memory that is not
 * listed is not used. */
struct handover {
    unsigned long long magic;
    unsigned version, size; /* size: of this struct */
    unsigned long long cmdline;
    unsigned cmdline_len, map_count; /* cmdline_len without the final NUL */
    unsigned long long initrd, initrd_len;
    unsigned long long rsdp, efi_system_table;
    unsigned long long map; /* struct handover_range[map_count] */
    struct handover_framebuffer fb;
};
