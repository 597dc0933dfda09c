/* SPDX-License-Identifier: MIT
 *
 * First C code: makes faults reportable, reads the loader's block through the boot protocol that
 * was used, validates the initramfs, normalises the memory map, and goes on to kmain.
 * Nothing of the loader's memory is read after that, except the initramfs.
 */
#include "arch/x86_64/boot/entry.h"
#include "arch/console.h"
#include "arch/mmu.h"
#include "arch/x86_64/boot/boot.h"
#include "arch/x86_64/boot/efi.h"
#include "arch/x86_64/boot/multiboot2.h"
#include "arch/x86_64/boot/probe.h"
#include "arch/x86_64/boot/pvh.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/gdt.h"
#include "arch/x86_64/drivers/display/bga.h"
#include "arch/x86_64/drivers/serial/serial.h"
#include "arch/x86_64/mmu/framebuffer.h"
#include "arch/x86_64/mmu/image.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/term/screen.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"

u64 image_displacement;

static struct bootinfo boot_info;
static struct boot_map raw_map;

const void *boot_bytes(paddr_t pa, u64 len, const char *what)
{
    if (pa == 0 || pa >= BOOT_REACH || len > BOOT_REACH - pa)
        panic("boot: %s at %#lx, %lu bytes, is out of reach", what, (unsigned long)pa,
              (unsigned long)len);
    return phys_to_virt(pa);
}

#define CUT_SEEN 65536ul   /* how far a line that is too long is looked at */
static size_t cmdline_cut; /* its length, 0: all of it is there */

void boot_set_cmdline(struct bootinfo *bi, const char *text, u64 max)
{
    size_t n = strnlen(text, MIN(max, (u64)BOOT_CMDLINE_MAX - 1));

    cmdline_cut = n < max && text[n] ? strnlen(text, MIN(max, CUT_SEEN)) : 0;
    memcpy(bi->cmdline, text, n);
    bi->cmdline[n] = '\0';
}

static void check_initrd(const struct bootinfo *bi, const struct boot_map *map)
{
    paddr_t start = bi->initrd, end = bi->initrd + bi->initrd_len;

    if (end < start)
        panic("boot: initramfs at %#lx has an impossible length of %#lx bytes",
              (unsigned long)start, (unsigned long)bi->initrd_len);
    if (!memmap_is_ram(map, start, bi->initrd_len))
        panic("boot: initramfs %#lx-%#lx is not in memory", (unsigned long)start,
              (unsigned long)end);
    if (start < bi->kernel_end && end > bi->kernel_start)
        panic("boot: initramfs %#lx-%#lx overlaps the kernel", (unsigned long)start,
              (unsigned long)end);
}

/* Adds what is in use already, on whole pages. */
static void add_loader(struct boot_map *map, paddr_t start, u64 len)
{
    paddr_t base = align_down(start, PAGE_SIZE);

    memmap_add(map, base, align_up(start + len, PAGE_SIZE) - base, BOOT_MEM_LOADER);
}

/* End of what the CPU can address and the kernel half has room for. */
static paddr_t address_limit(void)
{
    u32 bits = 36;

    if (cpuid(0x80000000, 0).eax >= 0x80000008)
        bits = cpuid(0x80000008, 0).eax & 0xff;
    return 1ull << MIN(bits, 46u);
}

void boot_main(paddr_t info, u32 protocol, u64 displacement)
{
    struct bootinfo *bi = &boot_info;
    struct boot_map *map = &raw_map;
    const char *serial;
    paddr_t limit;

    image_displacement = displacement;
    cpu_tables_init();
    serial_init();
    pat_init();
    limit = address_limit();

    bi->kernel_start = image_to_phys(image_start);
    bi->kernel_end = image_to_phys(image_end);
    memmap_init(map);
    switch ((enum boot_protocol)protocol) {
    case PROTOCOL_PVH:
        pvh_read(info, bi, map);
        break;
    case PROTOCOL_MULTIBOOT2:
        multiboot2_read(info, bi, map);
        break;
    case PROTOCOL_EFI:
        efi_read(info, bi, map);
        break;
    }
    cmdline_init(bi->cmdline);
    if (cmdline_cut)
        printk(
            LOG_WARNING "boot: a command line of %lu bytes%s: what is behind %u is cut\n",
            cmdline_cut, cmdline_cut == CUT_SEEN ? " or more" : "", BOOT_CMDLINE_MAX - 1);
    bga_init(bi);
    framebuffer_init(bi, limit);
    /* Where nobody reads the port it would still be waited for, 87 us a byte. */
    serial = cmdline_get("serial");
    if (screen_init() && serial && strcmp(serial, "off") == 0)
        serial_close();
    if (bi->initrd_len) {
        check_initrd(bi, map);
        add_loader(map, bi->initrd, bi->initrd_len);
    }
    add_loader(map, bi->kernel_start, bi->kernel_end - bi->kernel_start);
    if (bi->fb.base)
        memmap_add(map, bi->fb.base, (u64)bi->fb.pitch * bi->fb.height,
                   BOOT_MEM_RESERVED);
    bi->low_page = memmap_low_page(map);
    if (bi->low_page)
        add_loader(map, bi->low_page, PAGE_SIZE);
    if (map->full)
        panic("boot: the memory map has more than %u entries", MEMMAP_RAW_MAX);
    memmap_normalise(map, MIN(limit, PHYS_LIMIT), bi);
    if (probe_memory(bi) == 0)
        panic("boot: the memory map has no usable memory");
    kmain(bi);
}
