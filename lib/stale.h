/* SPDX-License-Identifier: MIT
 *
 * Memory that nobody has written: in kernels that watch themselves, and on the host, the
 * allocators fill it, and each system call begins with a stack that is filled below it. Who reads
 * before he writes finds out; KASAN looks for these bytes in what programs are given
 * (kasan_check_given()), the fuzzers in what they get.
 */
#pragma once

#include "lib/types.h"

#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG) || defined(TESSERA_KASAN)
#define STALE true
#else
#define STALE false
#endif

#define STALE_FRESH 0xa5 /* what nobody has written yet */
#define STALE_FREED 0x5a /* an object that was given back */

#define STALE_WORD(what) ((what)*0x0101010101010101ull)

/* Nothing is filled any more: what is measured shall not be the filling. Set at boot. Stands
 * beside the allocator of objects. */
extern bool stale_off;

/* p is aligned to 8 bytes. Not memset(): the object may be one that KASAN lets nobody touch. */
static inline void stale_fill(void *p, size_t n, u8 what)
{
    volatile u64 *word = p;
    volatile u8 *byte;

    if (!STALE || stale_off)
        return;
    for (; n >= sizeof(*word); n -= sizeof(*word))
        *word++ = STALE_WORD(what);
    for (byte = (volatile u8 *)word; n; n--)
        *byte++ = what;
}
