/* SPDX-License-Identifier: MIT
 *
 * The little of AML that is read: the values of sleep state S5.
 */
#pragma once

#include "lib/types.h"

/* Finds `Name (_S5_, Package { a, b, ... })` in n bytes of AML; both are below 8. */
bool acpi_find_s5(const u8 *aml, size_t n, u8 *a, u8 *b);
