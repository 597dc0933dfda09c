/* SPDX-License-Identifier: MIT
 *
 * The local APIC.
 */
#pragma once

#include "lib/types.h"

bool apic_init(void);        /* false: none, or not usable */
const char *apic_mode(void); /* "none", "xAPIC", "x2APIC" */
void apic_eoi(void);
/* VEC_TIMER hz times a second; what raises it, NULL when nothing does. */
const char *apic_timer_start(u32 hz);
/* At each VEC_TIMER, after apic_eoi. */
void apic_timer_rearm(void);
