/* SPDX-License-Identifier: MIT
 *
 * The kernel's log: every line goes to a ring in memory and to the console. A line is
 * written whole with interrupts off, so lines of several CPUs or of interrupts never mix.
 * A panic does not wait for the lock: its holder will not go on anyway.
 */
#include "kernel/printk.h"

#include "arch/console.h"
#include "arch/time.h"
#include "kernel/panic.h"
#include "lib/fmt.h"
#include "lib/spinlock.h"

#define TEXT_MAX 512

static spinlock_t lock;
static char ring[PRINTK_RING];
static u64 written; /* bytes ever put in the ring */
static bool in_line, quiet;

static void put_byte(char c)
{
    ring[written++ % PRINTK_RING] = c;
    if (quiet)
        return;
    if (c == '\n')
        console_put('\r');
    console_put((u8)c);
}

static void put_text(const char *text)
{
    for (; *text; text++) {
        if (!in_line) {
            u64 us = clock_monotonic_ns() / 1000;
            char stamp[32];

            fmt_snprintf(stamp, sizeof(stamp), "[%5lu.%06lu] ", us / 1000000,
                         us % 1000000);
            for (const char *s = stamp; *s; s++)
                put_byte(*s);
        }
        put_byte(*text);
        in_line = *text != '\n';
    }
}

void printk(const char *fmt, ...)
{
    char text[TEXT_MAX];
    irqflags_t flags;
    va_list ap;
    bool locked = true;

    va_start(ap, fmt);
    fmt_vsnprintf(text, sizeof(text), *fmt == '\001' ? fmt + 2 : fmt, ap);
    va_end(ap);
    flags = irq_save();
    if (panic_started())
        locked = spin_trylock(&lock);
    else
        spin_lock(&lock);
    put_text(text);
    if (locked)
        spin_unlock(&lock);
    console_flush();
    irq_restore(flags);
}

size_t printk_read(char *buf, size_t size)
{
    irqflags_t flags = spin_lock_irq(&lock);
    u64 len = MIN(printk_size(), size);
    u64 from = written - len;

    for (u64 i = 0; i < len; i++)
        buf[i] = ring[(from + i) % PRINTK_RING];
    spin_unlock_irq(&lock, flags);
    return len;
}

size_t printk_size(void)
{
    return MIN(READ_ONCE(written), (u64)PRINTK_RING);
}

u64 printk_end(void)
{
    return READ_ONCE(written);
}

char printk_byte(u64 at)
{
    return ring[at % PRINTK_RING];
}

void printk_set_quiet(bool on)
{
    quiet = on;
}
