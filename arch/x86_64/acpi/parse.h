/* SPDX-License-Identifier: MIT
 *
 * Reading ACPI tables, which may say anything: every field is read only when it lies inside
 * the length the table claims, every length and count is bounded. Pure computation over
 * acpi_map(); compiles on the host for its tests.
 *
 * Layouts: ACPI 6.4, 5.2 (tables), 20.2 (AML). Nothing here runs AML; of the DSDT and the
 * SSDTs only the package named _S5_ is looked for.
 */
#pragma once

#include "arch/cpu.h"
#include "lib/types.h"

#define ACPI_TABLES_MAX      96u
#define ACPI_TABLE_BYTES_MAX (1u << 20)
#define ACPI_RSDP_BYTES      20u /* of the first version; later ones are longer */
#define ACPI_LOW_BIOS        0xe0000ul
#define ACPI_LOW_BIOS_END    0x100000ul

/* Address spaces of a register. */
enum { ACPI_MEMORY = 0, ACPI_IO = 1, ACPI_PCI_CONFIG = 2 };

struct acpi_register {
    bool present;
    u8 space;
    u64 addr; /* ACPI_PCI_CONFIG: device << 32 | function << 16 | offset, on bus 0 */
};

struct acpi_table {
    paddr_t pa;
    u32 length;
    u8 revision;
    bool used; /* its length and checksum are right */
    char signature[5], oem[7];
};

struct acpi_info {
    bool present; /* the root table was found and is right */
    u32 ntables;
    struct acpi_table tables[ACPI_TABLES_MAX];

    /* FADT */
    bool has_fadt, has_boot_flags, reduced, timer_32_bits;
    u16 boot_flags; /* IAPC_BOOT_ARCH, when has_boot_flags */
    u8 century;     /* CMOS register, 0: none */
    u8 reset_value, acpi_enable;
    u32 smi_command; /* I/O port, 0: none */
    paddr_t dsdt;
    struct acpi_register pm1a, pm1b, pm_timer, reset, sleep;

    /* S5 as the DSDT or an SSDT defines it. */
    bool has_s5;
    u8 s5_a, s5_b;

    /* MADT */
    bool has_madt, has_pics;
    u32 processors, ioapics; /* processors that are switched on */
    u32 nlocal_apics;        /* of them the first so many, each once: */
    u32 local_apics[MAX_CPUS];

    struct acpi_register hpet;
    paddr_t mcfg; /* configuration space of segment 0, bus 0 on; 0: none */
};

/* Looks for the RSDP where BIOSes put it: the first KiB of the EBDA, 0xe0000 to 0xfffff.
 * 0: none. */
paddr_t acpi_search_rsdp(void);

/* Fills *info from the RSDP at `rsdp`. Says in one line what is wrong with the root, or with
 * a table that is then left out. */
void acpi_parse(paddr_t rsdp, struct acpi_info *info);
