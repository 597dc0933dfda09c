/* SPDX-License-Identifier: MIT
 *
 * The battery clock, read once: seconds since 1970 at boot. Its periodic flag, 1024 times
 * a second, also measures the TSC on machines without a PIT.
 */
#include "arch/time.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/dev/dev.h"

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
};

#define A_UPDATING   0x80
#define A_RATE       0x0f
#define A_RATE_1024  0x06
#define B_PERIODIC   0x40
#define C_PERIODIC   0x40
#define B_BINARY     0x04
#define B_24_HOURS   0x02
#define HOUR_PM      0x80
#define POLLS_MAX    20000
#define ATTEMPTS_MAX 4

struct date {
    u8 second, minute, hour, day, month, year;
};

static u8 cmos_read(u8 reg)
{
    outb(CMOS_INDEX, 0x80 | reg); /* NMI held back meanwhile */
    return inb(CMOS_DATA);
}

static void cmos_write(u8 reg, u8 value)
{
    outb(CMOS_INDEX, 0x80 | reg);
    outb(CMOS_DATA, value);
}

/* The interrupt it raises stays masked: only the flag is looked at. */
void cmos_periodic(bool on)
{
    u8 b = cmos_read(STATUS_B);

    cmos_write(STATUS_A, (u8)((cmos_read(STATUS_A) & ~A_RATE) | A_RATE_1024));
    cmos_write(STATUS_B, (u8)(on ? b | B_PERIODIC : b & ~B_PERIODIC));
    cmos_read(STATUS_C);
}

bool cmos_period_passed(void)
{
    return cmos_read(STATUS_C) & C_PERIODIC;
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
    year = d.year + (d.year < 70 ? 2000u : 1900u);
    return ((days_before(year, d.month) + d.day - 1) * 24 + d.hour) * 3600 +
           d.minute * 60u + d.second;
}

u64 clock_boot_epoch(void)
{
    static u64 epoch;
    static bool known;

    if (!known) {
        u64 now = read_epoch(), up = clock_monotonic_ns() / 1000000000u;

        epoch = now > up ? now - up : now;
        known = true;
    }
    return epoch;
}
