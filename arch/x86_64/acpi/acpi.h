/* SPDX-License-Identifier: MIT
 *
 * What the firmware's tables said, for the rest of the x86 code. Without ACPI (none found,
 * none valid, `noacpi`) everything here answers as a plain PC of 1996 would.
 */
#pragma once

#include "arch/bootinfo.h"
#include "arch/x86_64/acpi/parse.h"

/* Reads the tables once, after arch_mmu_init, and maps the registers that are used later.
 * Bounded whatever the tables say. */
void acpi_init(const struct bootinfo *bi);

/* All zero before acpi_init and without ACPI. */
const struct acpi_info *acpi_info(void);

/* Whether a keyboard controller or a CMOS clock may be there: false only where the tables
 * say that there is none. */
bool acpi_has_8042(void);
bool acpi_has_rtc(void);

/* The HPET's registers, NULL: none. */
volatile u32 *acpi_hpet(void);

/* ---- registers: register.c ---- */

/* Makes a register usable: a register in memory gets mapped and its address returned, one
 * that cannot be right (it lies in RAM or beyond what the CPU addresses) is marked absent
 * with one line. NULL when it is not in memory. */
volatile void *acpi_register_map(struct acpi_register *r, const char *name,
                                 const struct bootinfo *bi);

/* Any context. bits: 8, 16 or 32. The register is present and was mapped. */
u32 acpi_register_read(const struct acpi_register *r, u32 bits);
void acpi_register_write(const struct acpi_register *r, u32 bits, u32 value);

/* ---- the end of the machine: power.c. Any context, interrupts off; they return when there
 * is no such way or it did not work. */
void acpi_power_off(void);
void acpi_reset(void);

/* How the two would be done, for the report. */
const char *acpi_power_off_way(void);
