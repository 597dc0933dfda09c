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

/* The bytes [pa, pa + nbytes), readable until the next call; NULL when they cannot be mapped.
 * Provided by acpi.c, by the tests on the host. */
const void *acpi_map(paddr_t pa, size_t nbytes);
