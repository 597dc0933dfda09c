/* SPDX-License-Identifier: MIT
 *
 * sigevent(7), as on Linux x86-64.
 */
#pragma once

#include "lib/assert.h"
#include "lib/types.h"

#define SIGEV_SIGNAL    0
#define SIGEV_NONE      1
#define SIGEV_THREAD    2 /* what C libraries make of it: a signal */
#define SIGEV_THREAD_ID 4

struct sigevent {
    u64 value;
    s32 signo, notify, tid;
    u8 pad[44];
};
STATIC_ASSERT(sizeof(struct sigevent) == 64);
