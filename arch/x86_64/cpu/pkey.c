/* SPDX-License-Identifier: MIT
 *
 * The running thread's rights by protection keys. Whether there are keys, and where a thread's rights
 * are kept, is arch/x86_64/cpu/fpu.c's.
 */
#include "arch/pkey.h"
#include "arch/x86_64/cpu/asm.h"

u32 arch_keys_load(void)
{
    return rdpkru();
}

void arch_keys_store(u32 rights)
{
    wrpkru(rights);
}
