/* SPDX-License-Identifier: MIT
 *
 * The detector of data races of kernels built with KCSAN=1: the compiler tells of each access
 * to memory (lib/kcsan.c). Of every few hundred plain ones one is watched for a moment: when
 * another CPU touches the same bytes meanwhile and one of the two writes, that is a race, and
 * so is a value that has changed under a plain access. READ_ONCE, WRITE_ONCE and atomics mark
 * an access as meant; a race has at least one side that is not.
 */
#pragma once

#include "lib/types.h"

#ifdef TESSERA_KCSAN

/* Once other CPUs may run. `panics`: the first race is the last thing that happens. */
void kcsan_start(bool panics);
/* No more checks: the machine panics. */
void kcsan_stop(void);

#else

static inline void kcsan_start(bool panics)
{
    (void)panics;
}

static inline void kcsan_stop(void)
{
}

#endif
