/* SPDX-License-Identifier: MIT
 *
 * Switching off and resetting by way of ACPI.
 */
#pragma once

#include "lib/types.h"

/* ---- the end of the machine: power.c. Any context, interrupts off; they return when there
 * is no such way or it did not work. */
void acpi_power_off(void);
void acpi_reset(void);

/* How the two would be done, for the report. */
const char *acpi_power_off_way(void);
