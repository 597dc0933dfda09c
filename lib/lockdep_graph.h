/* SPDX-License-Identifier: MIT
 *
 * The graph of lib/lockdep.h: places that take locks, the classes they form, and which class was
 * taken while which was held. A fault panics with the two places; the calls may come with
 * interrupts off and with any lock held.
 */
#pragma once

#include "lib/types.h"

#ifdef TESSERA_LOCKDEP

/* The number of the place in the code, never 0; given at the first call. */
u32 lockdep_site_of(uintptr_t place);
/* The class that the site is in now: a site, too. */
u32 lockdep_class_of(u32 site);
/* Two sites take the same lock: their classes are one. */
void lockdep_join(u32 a, u32 b);
/* A lock is taken at site `to` while that of site `from` is held. `fresh`: never before, so that
 * nobody else knows it yet, and the order among its class means nothing. */
void lockdep_note_edge(u32 from, const void *held, u32 to, const void *lock, bool fresh);
/* The class is taken at that place, with interrupts on (irqs_on) or by a handler. */
void lockdep_note_interrupts(u32 class, uintptr_t place, bool irqs_on);

#endif
