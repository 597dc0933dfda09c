/* SPDX-License-Identifier: MIT
 *
 * Tables that assembly and inline assembly leave in the image: where a fault of a kernel
 * instruction continues, and which places become STAC or CLAC on a CPU with SMAP.
 */
#include "arch/x86_64/cpu/extable.h"
#include "arch/x86_64/cpu/cpu.h"

struct extable_entry {
    uintptr_t at, fixup;
};

struct smap_site {
    u8 *at;
    u64 opcode; /* third byte of the instruction */
};

extern const struct extable_entry extable_start[], extable_end[];
extern const struct smap_site smap_sites_start[], smap_sites_end[];

uintptr_t extable_find(uintptr_t ip)
{
    for (const struct extable_entry *e = extable_start; e < extable_end; e++) {
        if (e->at == ip)
            return e->fixup;
    }
    return 0;
}

void smap_patch(void)
{
    for (const struct smap_site *s = smap_sites_start; s < smap_sites_end; s++) {
        s->at[1] = 0x01;
        s->at[2] = (u8)s->opcode;
    }
}
