/* SPDX-License-Identifier: MIT
 *
 * ACPI at boot: finds the RSDP, has the tables read, tells in two lines what was found.
 */
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/acpi/power.h"
#include "arch/x86_64/acpi/register.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/mmu.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "lib/log.h"

/* IAPC_BOOT_ARCH (ACPI 6.4, table 5.11). */
#define BOOT_8042   (1u << 1)
#define BOOT_NO_RTC (1u << 5)

static struct acpi_info info;
static volatile u32 *hpet;

volatile u32 *acpi_hpet(void)
{
    return hpet;
}

const struct acpi_info *acpi_info(void)
{
    return &info;
}

const void *acpi_map(paddr_t pa, size_t nbytes)
{
    return fixmap_window(pa, nbytes);
}

bool acpi_has_8042(void)
{
    return !info.reduced && (!info.has_boot_flags || info.boot_flags & BOOT_8042);
}

bool acpi_has_rtc(void)
{
    return !info.has_boot_flags || !(info.boot_flags & BOOT_NO_RTC);
}

void acpi_init(const struct bootinfo *bi)
{
    paddr_t rsdp = bi->rsdp;

    if (cmdline_get("noacpi")) {
        printk("acpi: switched off by noacpi\n");
        return;
    }
    if (!rsdp)
        rsdp = acpi_search_rsdp();
    if (!rsdp) {
        printk("acpi: none found\n");
        return;
    }
    acpi_parse(rsdp, &info);
    if (!info.present)
        return;
    acpi_register_map(&info.pm1a, "PM1a control", bi);
    acpi_register_map(&info.pm1b, "PM1b control", bi);
    acpi_register_map(&info.pm_timer, "PM timer", bi);
    acpi_register_map(&info.sleep, "sleep control", bi);
    acpi_register_map(&info.reset, "reset", bi);
    hpet = acpi_register_map(&info.hpet, "HPET", bi);
    printk("acpi: %u tables, %s%s, power off by %s, reset by %s\n", info.ntables,
           info.has_fadt ? "FADT" : "no FADT", info.has_madt ? ", MADT" : "",
           acpi_power_off_way(), info.reset.present ? "FADT" : "chipset");
}
