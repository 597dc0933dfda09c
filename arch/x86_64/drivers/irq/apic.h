/* SPDX-License-Identifier: MIT
 *
 * The local APIC.
 */
#pragma once

#include "lib/types.h"

bool apic_init(void);     /* false: none, or not usable */
bool apic_init_cpu(void); /* of every other CPU */
bool apic_works(void);
const char *apic_mode(void); /* "none", "xAPIC", "x2APIC" */
void apic_eoi(void);

/* Of the running CPU, as the firmware counts them. */
u32 apic_id(void);
/* Whether a CPU with that id can be sent anything. */
bool apic_reaches(u32 id);
/* An interrupt for the CPU with that id: a vector, or one of these. */
#define APIC_NMI     0x400u
#define APIC_INIT    0x500u
#define APIC_STARTUP 0x600u /* | number of the page at which it starts */
void apic_send(u32 id, u32 command);

/* Makes the timer raise VEC_TIMER when asked, on the boot CPU; what it is, NULL: it does not
 * run. Other CPUs take the same with apic_timer_init_cpu, after their apic_init_cpu. */
const char *apic_timer_init(void);
void apic_timer_init_cpu(void);
/* VEC_TIMER once, in ns or earlier when that is long. Interrupts off. */
void apic_timer_arm(u64 ns);
