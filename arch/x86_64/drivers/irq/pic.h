/* SPDX-License-Identifier: MIT
 *
 * The two 8259 interrupt controllers.
 */
#pragma once

#include "lib/types.h"

void pic_init(void); /* moves them to VEC_PIC and masks every line */
void pic_unmask(u32 line);
/* Acknowledges; false when the interrupt was spurious. */
bool pic_accept(u32 line);
