/* SPDX-License-Identifier: MIT
 *
 * Registers that ACPI tables describe: ports, memory or configuration space.
 */
#pragma once

#include "lib/types.h"

struct acpi_register;
struct bootinfo;

/* Makes a register usable: a register in memory gets mapped and its address returned, one
 * that cannot be right (it lies in RAM or beyond what the CPU addresses) is marked absent
 * with one line. NULL when it is not in memory. */
volatile void *acpi_register_map(struct acpi_register *r, const char *name,
                                 const struct bootinfo *bi);

/* Any context. bits: 8, 16 or 32. The register is present and was mapped. */
u32 acpi_register_read(const struct acpi_register *r, u32 bits);
void acpi_register_write(const struct acpi_register *r, u32 bits, u32 value);
