/* SPDX-License-Identifier: MIT
 *
 * Inside the x86 code: the other CPUs.
 */
#pragma once

#include "arch/bootinfo.h"
#include "arch/smp.h"

struct trapframe;

/* Where they start: bi->low_page. */
void smp_init(const struct bootinfo *bi);

/* Of CPU `id`, as its local APIC is called. */
u32 smp_apic_id(u32 id);
