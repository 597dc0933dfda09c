/* SPDX-License-Identifier: MIT
 *
 * The battery clock, read once: seconds since 1970 at boot. Its periodic flag, 1024 times
 * a second, also measures the TSC on machines without another counter.
 */
#include "arch/x86_64/drivers/clock/cmos.h"
#include "arch/time.h"
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/drivers/clock/reference_clock.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

enum {
    SECOND = 0,
    MINUTE = 2,
    HOUR = 4,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    STATUS_A = 10,
    STATUS_B = 11,
    STATUS_C = 12,
    STATUS_D = 13,
};

#define A_UPDATING   0x80
#define A_RATE       0x0f
#define A_RATE_1024  0x06
#define B_PERIODIC   0x40
#define C_PERIODIC   0x40
#define B_BINARY     0x04
#define B_24_HOURS   0x02
#define PERIODIC_HZ  1024u
#define NMI_OFF      0x80
#define HOUR_PM      0x80
#define POLLS_MAX    20000
#define ATTEMPTS_MAX 4

struct date {
    u8 second, minute, hour, day, month, year;
};

/* NMI is held back while the index and the data port belong together. */
static u8 cmos_read(u8 reg)
{
    u8 value;

    outb(CMOS_INDEX, NMI_OFF | reg);
    value = inb(CMOS_DATA);
    outb(CMOS_INDEX, STATUS_D);
    return value;
}

static void cmos_write(u8 reg, u8 value)
{
    outb(CMOS_INDEX, NMI_OFF | reg);
    outb(CMOS_DATA, value);
    outb(CMOS_INDEX, STATUS_D);
}

/* The interrupt it raises stays masked: only the flag is looked at. */
static void set_periodic(bool on)
{
    u8 b = cmos_read(STATUS_B);

    cmos_write(STATUS_A, (u8)((cmos_read(STATUS_A) & ~A_RATE) | A_RATE_1024));
    cmos_write(STATUS_B, (u8)(on ? b | B_PERIODIC : b & ~B_PERIODIC));
    cmos_read(STATUS_C);
}

static void rtc_stop(void)
{
    set_periodic(false);
}

/* Periods that were seen; a reader who comes once in a while misses some. */
static u64 rtc_count(void)
{
    static u64 periods;

    periods += (cmos_read(STATUS_C) & C_PERIODIC) != 0;
    return periods;
}

/* All ones everywhere is what ports without a device read. */
static bool rtc_present(void)
{
    return acpi_has_rtc() &&
           !(cmos_read(STATUS_A) == 0xff && cmos_read(STATUS_B) == 0xff);
}

bool rtc_start(struct reference_clock *y)
{
    if (!rtc_present())
        return false;
    set_periodic(true);
    *y = (struct reference_clock){"CMOS clock", PERIODIC_HZ, ~0ull, rtc_count, rtc_stop};
    return true;
}

static struct date read_date(void)
{
    for (int i = 0; i < POLLS_MAX && cmos_read(STATUS_A) & A_UPDATING; i++)
        ;
    return (struct date){cmos_read(SECOND), cmos_read(MINUTE), cmos_read(HOUR),
                         cmos_read(DAY),    cmos_read(MONTH),  cmos_read(YEAR)};
}

static u8 from_bcd(u8 value)
{
    return (u8)((value >> 4) * 10 + (value & 15));
}

/* Days from 1970-01-01 to the first day of a month, proleptic Gregorian. */
static u64 days_before(u32 year, u32 month)
{
    static const u16 before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    u64 y = year - 1;
    u64 days = (u64)(year - 1970) * 365 + (y / 4 - y / 100 + y / 400) - 477;

    if (month > 2 && year % 4 == 0 && (year % 100 || year % 400 == 0))
        days++;
    return days + before[month - 1];
}

static bool same_date(const struct date *a, const struct date *b)
{
    return a->second == b->second && a->minute == b->minute && a->hour == b->hour &&
           a->day == b->day && a->month == b->month && a->year == b->year;
}

/* The century's register is the firmware's choice; nonsense in it counts as none. */
static u32 full_year(u32 year, u8 format)
{
    u8 reg = acpi_info()->century, century = 0;

    if (reg > STATUS_D && reg < 0x80)
        century = cmos_read(reg);
    if (!(format & B_BINARY))
        century = from_bcd(century);
    if (century == 19 && year >= 70)
        return 1900 + year;
    if (century >= 20 && century <= 21)
        return century * 100u + year;
    return year + (year < 70 ? 2000 : 1900);
}

static u64 read_epoch(void)
{
    struct date d = read_date(), again;
    u8 format = cmos_read(STATUS_B);
    bool pm = d.hour & HOUR_PM && !(format & B_24_HOURS);
    u32 year;

    for (int i = 0; i < ATTEMPTS_MAX; i++) {
        again = read_date();
        if (same_date(&d, &again))
            break;
        d = again;
    }
    if (!(format & B_24_HOURS))
        d.hour &= (u8)~HOUR_PM;
    if (!(format & B_BINARY))
        d = (struct date){from_bcd(d.second), from_bcd(d.minute), from_bcd(d.hour),
                          from_bcd(d.day),    from_bcd(d.month),  from_bcd(d.year)};
    if (!(format & B_24_HOURS))
        d.hour = (u8)(d.hour % 12 + (pm ? 12 : 0));
    if (d.second > 59 || d.minute > 59 || d.hour > 23 || d.day < 1 || d.day > 31 ||
        d.month < 1 || d.month > 12 || d.year > 99)
        return 0;
    year = full_year(d.year, format);
    return ((days_before(year, d.month) + d.day - 1) * 24 + d.hour) * 3600 +
           d.minute * 60u + d.second;
}

u64 clock_boot_epoch(void)
{
    static u64 epoch;
    static bool known;

    if (!known) {
        u64 now = rtc_present() ? read_epoch() : 0,
            up = clock_monotonic_ns() / 1000000000u;

        epoch = now > up ? now - up : now;
        known = true;
    }
    return epoch;
}
