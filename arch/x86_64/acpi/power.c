/* SPDX-License-Identifier: MIT
 *
 * Power-off and reset as the tables describe them (ACPI 6.4, 4.8.3.2 PM1 control, 4.8.3.7
 * sleep control, 4.8.3.6 reset). Each step is tried once, each wait is bounded.
 */
#include "arch/x86_64/acpi/power.h"
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/acpi/register.h"
#include "arch/x86_64/cpu/cpu.h"

#define SCI_ENABLE       (1u << 0)
#define SLEEP_TYPE(type) ((u32)(type) << 10)
#define SLEEP_ENABLE     (1u << 13)

/* The sleep control register is a byte: the same fields, moved down. */
#define REDUCED_TYPE(type) ((u32)(type) << 2)
#define REDUCED_ENABLE     (1u << 5)

#define PORT_DELAY   0x80    /* about a microsecond on any PC */
#define ENABLE_POLLS 300000u /* firmware may take some 100 ms */
#define EFFECT_WAIT  50000u

static void wait_us(u32 n)
{
    while (n--)
        outb(PORT_DELAY, 0);
}

const char *acpi_power_off_way(void)
{
    const struct acpi_info *a = acpi_info();

    if (a->has_s5 && a->sleep.present)
        return "sleep control register";
    return a->has_s5 && a->pm1a.present ? "PM1" : "emulators' ports";
}

/* Firmware may still own the power management registers: asks it to let go. */
static void take_over(const struct acpi_info *a)
{
    if (!a->smi_command || !a->acpi_enable ||
        acpi_register_read(&a->pm1a, 16) & SCI_ENABLE)
        return;
    outb((u16)a->smi_command, a->acpi_enable);
    for (u32 i = 0; i < ENABLE_POLLS; i++) {
        if (acpi_register_read(&a->pm1a, 16) & SCI_ENABLE)
            return;
        wait_us(1);
    }
}

static u32 with_type(const struct acpi_register *r, u8 type)
{
    u32 old = acpi_register_read(r, 16) & ~(SLEEP_TYPE(7) | SLEEP_ENABLE);

    return old | SLEEP_TYPE(type);
}

void acpi_power_off(void)
{
    const struct acpi_info *a = acpi_info();
    u32 value_a, value_b = 0;

    if (!a->has_s5)
        return;
    if (a->sleep.present) {
        acpi_register_write(&a->sleep, 8, REDUCED_TYPE(a->s5_a) | REDUCED_ENABLE);
        wait_us(EFFECT_WAIT);
        return;
    }
    if (!a->pm1a.present)
        return;
    take_over(a);
    value_a = with_type(&a->pm1a, a->s5_a);
    if (a->pm1b.present)
        value_b = with_type(&a->pm1b, a->s5_b);
    acpi_register_write(&a->pm1a, 16, value_a);
    if (a->pm1b.present)
        acpi_register_write(&a->pm1b, 16, value_b);
    acpi_register_write(&a->pm1a, 16, value_a | SLEEP_ENABLE);
    if (a->pm1b.present)
        acpi_register_write(&a->pm1b, 16, value_b | SLEEP_ENABLE);
    wait_us(EFFECT_WAIT);
}

void acpi_reset(void)
{
    const struct acpi_info *a = acpi_info();

    if (!a->reset.present)
        return;
    acpi_register_write(&a->reset, 8, a->reset_value);
    wait_us(EFFECT_WAIT);
}
