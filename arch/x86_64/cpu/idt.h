/* SPDX-License-Identifier: MIT
 *
 * The table of interrupt gates.
 */
#pragma once

#include "lib/types.h"

void idt_init(void);
void idt_load(void);
