/* SPDX-License-Identifier: MIT
 *
 * The PVH boot protocol (QEMU -kernel, Xen, Firecracker): hvm_start_info -> bootinfo.
 * Layout: Xen public header arch-x86/hvm/start_info.h.
 */
#include "arch/x86_64/boot/pvh.h"
#include "arch/x86_64/boot/boot.h"
#include "arch/x86_64/boot/entry.h"
#include "lib/assert.h"

#define PVH_MAGIC 0x336ec578u

struct pvh_info {
    u32 magic, version, flags, nr_modules;
    u64 modlist, cmdline, rsdp;
    u64 memmap; /* version 1 and later */
    u32 memmap_entries, reserved;
};

struct pvh_module {
    u64 base, size, cmdline, reserved;
};

struct pvh_range {
    u64 base, len;
    u32 type, reserved;
};

void pvh_read(paddr_t info, struct bootinfo *bi, struct boot_map *map)
{
    const struct pvh_info *si = boot_bytes(info, sizeof(*si), "PVH start info");
    const struct pvh_range *range;

    bi->protocol = "PVH";
    if (si->magic != PVH_MAGIC)
        panic(
            "boot: PVH start info at %#lx has magic %#x: overwritten (QEMU puts command "
            "lines of more than 4,000 bytes there; a disc image takes them)",
            (unsigned long)info, si->magic);
    if (si->version < 1 || si->memmap_entries == 0)
        panic("boot: the PVH loader gave no memory map");
    range = boot_bytes(si->memmap, (u64)si->memmap_entries * sizeof(*range),
                       "PVH memory map");
    for (u32 i = 0; i < si->memmap_entries; i++)
        memmap_add_e820(map, range[i].base, range[i].len, range[i].type);
    bi->rsdp = si->rsdp;
    if (si->cmdline)
        boot_set_cmdline(bi, boot_bytes(si->cmdline, 1, "command line"),
                         BOOT_REACH - si->cmdline);
    if (si->nr_modules) {
        const struct pvh_module *mod =
            boot_bytes(si->modlist, sizeof(*mod), "PVH module list");

        bi->initrd = mod->base;
        bi->initrd_len = mod->size;
    }
}
