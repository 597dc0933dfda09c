/* SPDX-License-Identifier: MIT
 *
 * The machine around the CPU: what the firmware's tables say of it, and the report on all
 * of it that /proc/hwreport shows.
 */
#pragma once

#include "lib/types.h"

struct bootinfo;
struct seq;

/* Reads the firmware's tables. Once, after kspace_init and before arch_timer_init; keeps
 * `bi`, which must stay. */
void arch_machine_init(const struct bootinfo *bi);

/* Writes the hardware report, sections of lines, to `s`. */
void arch_hwreport(struct seq *s);
