/* SPDX-License-Identifier: MIT
 *
 * The boot protocol of our own UEFI loader: its block (boot/handover.h) -> bootinfo.
 */
#include "arch/x86_64/boot/efi.h"
#include "arch/x86_64/boot/boot.h"
#include "arch/x86_64/boot/entry.h"
#include "arch/x86_64/boot/handover.h"
#include "lib/assert.h"

static void read_map(const struct handover *h, struct boot_map *map)
{
    const struct handover_range *range;

    if (h->map_count == 0)
        panic("boot: the UEFI loader gave no memory map");
    range = boot_bytes(h->map, (u64)h->map_count * sizeof(*range), "UEFI memory map");
    for (u32 i = 0; i < h->map_count; i++) {
        if (range[i].type == HANDOVER_LOADER)
            memmap_add(map, range[i].base, range[i].len, BOOT_MEM_LOADER);
        else
            memmap_add_e820(map, range[i].base, range[i].len, range[i].type);
    }
}

static void read_fb(const struct handover_framebuffer *fb, struct bootinfo *bi)
{
    bi->fb = (struct boot_framebuffer){
        .base = fb->base,
        .pitch = fb->pitch,
        .width = fb->width,
        .height = fb->height,
        .bpp = fb->bpp,
        .red_pos = fb->red_pos,
        .red_size = fb->red_size,
        .green_pos = fb->green_pos,
        .green_size = fb->green_size,
        .blue_pos = fb->blue_pos,
        .blue_size = fb->blue_size,
    };
}

void efi_read(paddr_t info, struct bootinfo *bi, struct boot_map *map)
{
    const struct handover *h = boot_bytes(info, sizeof(*h), "UEFI hand-over");

    bi->protocol = "UEFI";
    if (h->magic != HANDOVER_MAGIC)
        panic("boot: the UEFI hand-over at %#lx has magic %#lx", (unsigned long)info,
              (unsigned long)h->magic);
    if (h->version != HANDOVER_VERSION || h->size < sizeof(*h))
        panic("boot: the UEFI loader speaks version %u with %u bytes, this kernel %u",
              h->version, h->size, HANDOVER_VERSION);
    read_map(h, map);
    if (h->cmdline)
        boot_set_cmdline(bi, boot_bytes(h->cmdline, h->cmdline_len, "command line"),
                         h->cmdline_len);
    bi->initrd = h->initrd;
    bi->initrd_len = h->initrd_len;
    bi->rsdp = h->rsdp;
    read_fb(&h->fb, bi);
}
