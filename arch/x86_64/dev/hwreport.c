/* SPDX-License-Identifier: MIT
 * stub
 */
#include "arch/hwinfo.h"
#include "arch/x86_64/acpi/acpi.h"

static const struct bootinfo *boot;

void arch_machine_init(const struct bootinfo *bi)
{
    boot = bi;
    acpi_init(bi);
}

void arch_hwreport(struct seq *s)
{
    (void)s;
    (void)boot;
}
