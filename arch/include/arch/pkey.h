/* SPDX-License-Identifier: MIT
 *
 * Protection keys: each user page has one of KEYS, and each thread a register that says of each
 * key whether it may read or write what has it (Intel SDM vol. 3A, 4.6.2; vol. 1, 13.1 for
 * where the register stands in saved state). A program loads its register by itself, so the
 * kernel changes only that of the running thread, and only because the program asks.
 *
 * The rights count for every access by user addresses, those of the kernel as well while it
 * copies for the running thread, and not for fetches.
 */
#pragma once

#include "lib/types.h"

#define KEYS 16u

#define KEY_NO_ACCESS 1u /* equal PKEY_DISABLE_* of Linux and the bits of the register */
#define KEY_NO_WRITE  2u
#define KEY_RIGHTS    3u

/* Whether the CPUs have keys, and they are on; set once at boot. Without them every page has key 0. */
extern bool keys_on;

/* The register of the running thread, two bits for each key. Only with keys_on: where that is never so
 * they need not be there. */
__attribute__((weak)) u32 arch_keys_load(void);
__attribute__((weak)) void arch_keys_store(u32 rights);

static inline bool key_allows(unsigned key, bool write)
{
    u32 denied = keys_on ? arch_keys_load() >> 2 * key & KEY_RIGHTS : 0;

    return !(denied & KEY_NO_ACCESS) && !(write && (denied & KEY_NO_WRITE));
}

static inline void key_set_rights(unsigned key, u32 rights)
{
    arch_keys_store((arch_keys_load() & ~(KEY_RIGHTS << 2 * key)) | rights << 2 * key);
}
