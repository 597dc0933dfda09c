/* SPDX-License-Identifier: MIT
 *
 * Names of functions for reports, from the table that tools/mksyms.py makes of a first
 * link and the second link puts between ksyms_start and ksyms_end:
 *
 *   u32 count; char build_id[12]; count times { u32 offset from KERNEL_BASE, ascending; u32 name, an offset
 *   from the first name }; names, each ended by NUL
 */
#include "arch/symbols.h"
#include "arch/console.h"
#include "arch/x86_64/mmu/image.h"

struct ksym {
    u32 at, name;
};

struct ksyms {
    u32 count;
    char build_id[12];
    struct ksym sym[];
};

extern const char ksyms_start[];
extern const char ksyms_end[];

const char *symbol_at(uintptr_t ip, u64 *offset)
{
    const struct ksyms *table = (const void *)ksyms_start;
    u32 at, low = 0, high;

    *offset = 0;
    if (ksyms_start + sizeof(*table) > ksyms_end || table->count == 0 ||
        !image_is_text(ip))
        return "?";
    at = (u32)(ip - KERNEL_BASE);
    if (at < table->sym[0].at)
        return "?";
    high = table->count;
    while (high - low > 1) {
        u32 mid = low + (high - low) / 2;

        if (table->sym[mid].at <= at)
            low = mid;
        else
            high = mid;
    }
    *offset = at - table->sym[low].at;
    return (const char *)&table->sym[table->count] + table->sym[low].name;
}

const char *build_id(void)
{
    const struct ksyms *table = (const void *)ksyms_start;

    return ksyms_start + sizeof(*table) > ksyms_end ? "?" : table->build_id;
}
