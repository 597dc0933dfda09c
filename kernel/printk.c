/* SPDX-License-Identifier: MIT
 *
 * The kernel's log: every line goes to a ring in memory and, when its level is low enough, to
 * the console. A line is written whole with interrupts off, so lines of several CPUs or of
 * interrupts never mix. A panic does not wait for the lock: its holder will not go on anyway.
 *
 * In the ring a line is one byte with its priority and LEVEL_MARK, the time, the text and a
 * newline. All else is printable ASCII: names that programs choose can neither steer a
 * terminal nor look like a line of their own, here and wherever the ring is read.
 */
#include "kernel/printk.h"
#include "arch/console.h"
#include "arch/time.h"
#include "kernel/panic.h"
#include "kernel/term/console.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/spinlock.h"
#include "lib/string.h"

#define TEXT_MAX       512
#define LEVEL_OF(mark) ((mark)&7u)

static spinlock_t lock;
static char ring[PRINTK_RING];
static u64 written; /* bytes ever put in the ring */
static u64 cleared; /* where syslog(2) begins to read */

u32 printk_levels[4] = {LOG_LEVEL_BOOT, LOG_LEVEL_WARNING, 1, LOG_LEVEL_BOOT};
static bool level_chosen;

static void put_byte(char c, bool shown)
{
    ring[written++ % PRINTK_RING] = c;
    if (!shown)
        return;
    if (c == '\n')
        console_put('\r');
    console_put((u8)c);
}

static void put_text(const char *text, bool shown)
{
    static const char digits[] = "0123456789abcdef";

    for (; *text; text++) {
        u8 c = (u8)*text;

        if (c >= ' ' && c <= '~') {
            put_byte(*text, shown);
            continue;
        }
        put_byte('\\', shown);
        put_byte('x', shown);
        put_byte(digits[c >> 4], shown);
        put_byte(digits[c & 15], shown);
    }
}

/* The line's own end is no part of the text. */
static void put_line(u32 priority, const char *text)
{
    u64 us = clock_monotonic_ns() / 1000;
    bool shown = LEVEL_OF(priority) < printk_levels[0];
    irqflags_t flags = 0;
    char stamp[32];

    if (shown)
        flags = console_begin();
    fmt_snprintf(stamp, sizeof(stamp), "[%5lu.%06lu] ", us / 1000000, us % 1000000);
    put_byte((char)(LEVEL_MARK | priority), false);
    put_text(stamp, shown);
    put_text(text, shown);
    put_byte('\n', shown);
    if (shown)
        console_end(flags);
}

static void log_line(u32 priority, const char *text)
{
    irqflags_t flags = irq_save();
    bool locked = true;

    if (panic_started())
        locked = spin_trylock(&lock);
    else
        spin_lock(&lock);
    put_line(priority, text);
    if (locked)
        spin_unlock(&lock);
    console_flush();
    irq_restore(flags);
}

void printk(const char *fmt, ...)
{
    u32 level = LOG_LEVEL_INFO;
    char text[TEXT_MAX];
    va_list ap;
    size_t n;

    if (*fmt == '\001') {
        level = (u32)(fmt[1] - '0');
        fmt += 2;
    }
    va_start(ap, fmt);
    fmt_vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    n = strlen(text);
    if (n && text[n - 1] == '\n')
        text[n - 1] = '\0';
    log_line(level, text);
}

void printk_user(u32 priority, const char *text)
{
    log_line(priority & (LOG_USER | 7u), text);
}

/* ---- levels ---- */

void printk_init(const char *loglevel)
{
    u64 level;

    if (!loglevel || str_to_u64(loglevel, &level) != 0)
        return;
    printk_levels[0] = (u32)MIN(level, 15ul);
    level_chosen = true;
}

void printk_boot_over(void)
{
    if (!level_chosen)
        printk_levels[0] = LOG_LEVEL_AFTER_BOOT;
}

bool log_allowed(struct log_limit *l, const char *what)
{
    u64 now = clock_monotonic_ns() / 1000000000;
    irqflags_t flags = spin_lock_irq(&l->lock);
    u32 dropped = 0;
    bool allowed;

    if (now - l->since >= LOG_LIMIT_SECONDS) {
        dropped = l->dropped;
        l->since = now;
        l->lines = l->dropped = 0;
    }
    allowed = l->lines < LOG_LIMIT_LINES;
    if (allowed)
        l->lines++;
    else
        l->dropped++;
    spin_unlock_irq(&l->lock, flags);
    if (dropped)
        printk("%s: %u lines left out\n", what, dropped);
    return allowed;
}

/* ---- reading ---- */

u64 printk_end(void)
{
    return READ_ONCE(written);
}

char printk_byte(u64 at)
{
    return ring[at % PRINTK_RING];
}

/* The first whole line at or behind `at`. */
static u64 line_at(u64 at)
{
    REQUIRES(&lock);
    u64 oldest = written - MIN(written, (u64)PRINTK_RING);

    at = MAX(at, oldest);
    while (at < written && !((u8)printk_byte(at) & LEVEL_MARK))
        at++;
    return at;
}

bool printk_line(u64 *at, struct log_line *line)
{
    irqflags_t flags = spin_lock_irq(&lock);
    u64 from = line_at(*at);
    u32 n = 0;

    line->at = from;
    line->lost = from != *at;
    if (from < written) {
        line->priority = (u8)printk_byte(from++) & (u8)~LEVEL_MARK;
        for (; from < written && printk_byte(from) != '\n'; from++)
            if (n < sizeof(line->text) - 1)
                line->text[n++] = printk_byte(from);
        from++;
    }
    line->text[n] = '\0';
    *at = from;
    spin_unlock_irq(&lock, flags);
    return n != 0;
}

/* Bytes the lines from `at` on take when they begin with "<priority>". */
static size_t shown_size(u64 at)
{
    size_t n = 0;

    for (; at < written; at++) {
        u8 c = (u8)printk_byte(at);

        n += !(c & LEVEL_MARK) ? 1 : (c & ~LEVEL_MARK) < 10 ? 3 : 4;
    }
    return n;
}

size_t printk_unread(u64 at)
{
    irqflags_t flags = spin_lock_irq(&lock);
    size_t n = shown_size(line_at(at));

    spin_unlock_irq(&lock, flags);
    return n;
}

u64 printk_newest(size_t size)
{
    irqflags_t flags = spin_lock_irq(&lock);
    u64 at = line_at(cleared), next;
    size_t n = shown_size(at);

    for (; n > size; at = next) {
        u8 mark = (u8)printk_byte(at);

        next = line_at(at + 1);
        n -= next - at - 1 + ((mark & ~LEVEL_MARK) < 10 ? 3 : 4);
    }
    spin_unlock_irq(&lock, flags);
    return at;
}

void printk_clear(void)
{
    WRITE_ONCE(cleared, READ_ONCE(written));
}
