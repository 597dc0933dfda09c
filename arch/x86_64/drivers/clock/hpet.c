/* SPDX-License-Identifier: MIT
 *
 * The two counters that ACPI tables name, as reference clocks: the HPET (IA-PC HPET 1.0a, 2.3) and
 * the power management timer (ACPI 6.4, 4.8.3.3). Neither raises interrupts here.
 */
#include "arch/x86_64/drivers/clock/hpet.h"
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/acpi/register.h"
#include "arch/x86_64/drivers/clock/reference_clock.h"

/* Registers of the HPET, in units of u32. */
enum { HPET_PERIOD = 0x04 / 4, HPET_CONFIG = 0x10 / 4, HPET_COUNTER = 0xf0 / 4 };

#define CONFIG_ENABLE 1u
#define CONFIG_LEGACY 2u         /* takes the place of PIT and RTC interrupts */
#define PERIOD_MIN    1000000u   /* femtoseconds: 1 GHz */
#define PERIOD_MAX    100000000u /* what the specification allows */
#define FEMTO         1000000000000000ull

#define PM_TIMER_HZ 3579545u

static volatile u32 *hpet;

static u64 hpet_read(void)
{
    return hpet[HPET_COUNTER];
}

bool hpet_start(struct reference_clock *y)
{
    u32 period;

    hpet = acpi_hpet();
    if (!hpet)
        return false;
    period = hpet[HPET_PERIOD];
    if (period < PERIOD_MIN || period > PERIOD_MAX)
        return false;
    hpet[HPET_CONFIG] = (hpet[HPET_CONFIG] & ~CONFIG_LEGACY) | CONFIG_ENABLE;
    *y = (struct reference_clock){"HPET", FEMTO / period, 0xffffffff, hpet_read, NULL};
    return true;
}

static u64 pm_timer_read(void)
{
    return acpi_register_read(&acpi_info()->pm_timer, 32);
}

bool pm_timer_start(struct reference_clock *y)
{
    const struct acpi_info *a = acpi_info();

    if (!a->pm_timer.present)
        return false;
    *y = (struct reference_clock){"PM timer", PM_TIMER_HZ,
                                  a->timer_32_bits ? 0xffffffff : 0xffffff, pm_timer_read,
                                  NULL};
    return true;
}
