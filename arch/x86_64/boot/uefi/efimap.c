/* SPDX-License-Identifier: MIT
 *
 * EFI memory types to E820's. Memory of the loader and of the boot services is free once
 * those are left; the loader lists what must stay (image, initramfs) in addition.
 */
#include "arch/x86_64/boot/uefi/efimap.h"
#include "lib/string.h"

/* UEFI 2.10, table 7-10 and the attributes below it. */
enum {
    EFIMAP_LOADER_CODE = 1,
    EFIMAP_LOADER_DATA = 2,
    EFIMAP_BOOT_CODE = 3,
    EFIMAP_BOOT_DATA = 4,
    EFIMAP_CONVENTIONAL = 7,
    EFIMAP_UNUSABLE = 8,
    EFIMAP_ACPI = 9,
    EFIMAP_NVS = 10
};
#define EFIMAP_WB      (1ull << 3)  /* can be cached write-back */
#define EFIMAP_SP      (1ull << 18) /* set aside for one purpose */
#define EFIMAP_RUNTIME (1ull << 63) /* the firmware goes on using it */

static u32 range_type(u32 efi_type, u64 attribute)
{
    switch (efi_type) {
    case EFIMAP_LOADER_CODE:
    case EFIMAP_LOADER_DATA:
    case EFIMAP_BOOT_CODE:
    case EFIMAP_BOOT_DATA:
    case EFIMAP_CONVENTIONAL:
        if ((attribute & EFIMAP_WB) && !(attribute & (EFIMAP_SP | EFIMAP_RUNTIME)))
            return HANDOVER_USABLE;
        return HANDOVER_RESERVED;
    case EFIMAP_UNUSABLE:
        return HANDOVER_BAD;
    case EFIMAP_ACPI:
        return HANDOVER_ACPI;
    case EFIMAP_NVS:
        return HANDOVER_NVS;
    default:
        return HANDOVER_RESERVED;
    }
}

u32 efimap_convert(const void *map, size_t nbytes, size_t step,
                   struct handover_range *out, u32 max)
{
    const u8 *p = map;
    u32 n = 0;

    if (step < sizeof(struct efimap_descriptor))
        return 0;
    for (; nbytes >= step; nbytes -= step, p += step) {
        struct efimap_descriptor d;
        u32 type;
        u64 len;

        memcpy(&d, p, sizeof(d));
        type = range_type(d.type, d.attribute);
        len = d.pages << PAGE_SHIFT;
        if (d.pages > ~d.start >> PAGE_SHIFT) { /* ends behind the last address */
            if (type == HANDOVER_USABLE)
                continue;
            len = ~d.start;
        }
        if (!len)
            continue;
        if (n && out[n - 1].type == type && out[n - 1].base + out[n - 1].len == d.start)
            out[n - 1].len += len;
        else if (n < max)
            out[n++] = (struct handover_range){.base = d.start, .len = len, .type = type};
    }
    return n;
}
