/* SPDX-License-Identifier: MIT
 *
 * The console: what is written goes to every sink, in the order in which they were added.
 */
#include "kernel/term/console.h"
#include "kernel/panic.h"
#include "lib/lock.h"

#define NOBODY MAX_CPUS

static spinlock_t lock;            /* irq-safe; nobody waits for it during a panic */
static u32 writer = NOBODY;        /* the CPU between console_begin and console_end */
static struct console_sink *sinks; /* changed with the lock, read without */

irqflags_t console_begin(void)
{
    irqflags_t flags = irq_save();

    if (!panic_started()) {
        spin_lock(&lock);
        WRITE_ONCE(writer, cpu_id());
    }
    return flags;
}

void console_end(irqflags_t flags)
{
    if (READ_ONCE(writer) == cpu_id()) {
        WRITE_ONCE(writer, NOBODY);
        spin_unlock(&lock);
    }
    irq_restore(flags);
}

void console_add(struct console_sink *s)
{
    irqflags_t flags = console_begin();
    struct console_sink **at = &sinks;

    while (*at)
        at = &(*at)->next;
    __atomic_store_n(at, s, __ATOMIC_RELEASE);
    console_end(flags);
}

static void put(u8 byte)
{
    for (const struct console_sink *s = sinks; s; s = READ_ONCE(s->next))
        s->put(byte);
}

void console_put(u8 byte)
{
    irqflags_t flags;

    if (READ_ONCE(writer) == cpu_id()) {
        put(byte);
        return;
    }
    flags = console_begin();
    put(byte);
    console_end(flags);
}

void console_flush(void)
{
    for (const struct console_sink *s = READ_ONCE(sinks); s; s = READ_ONCE(s->next))
        if (s->flush)
            s->flush();
}
