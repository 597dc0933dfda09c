/* SPDX-License-Identifier: MIT
 *
 * Lowest-level console and the end of the machine. Usable from the first instruction of C,
 * with any other lock held and in any context: these calls poll and never sleep; the
 * screen's own lock is the last of all.
 */
#pragma once

#include "arch/cpu.h"
#include "lib/types.h"

/* Prints the registers of `tf` (NULL: control registers only) through printk. */
struct trapframe;
