/* SPDX-License-Identifier: MIT
 *
 * Keyboards and the console terminal: every driver's keys go through one table of keys that
 * are down (kernel/term/keys.h), and what they type into the terminal. Ctrl-Alt-Del asks init to
 * restart the machine, and does so itself when init did not obey.
 */
#include "kernel/term/keyboard.h"

#include "arch/console.h"
#include "arch/exit.h"
#include "arch/trap.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/term/keys.h"
#include "kernel/term/layouts.h"
#include "lib/log.h"
#include "lib/spinlock.h"

static spinlock_t lock; /* irq-safe; not held while bytes are delivered */
static struct keys keys;
static bool restart_at_once;

void keyboard_init(void)
{
    const char *name = cmdline_get("keymap");
    const struct layout *l = layout_find(name ? name : "us");

    if (!l)
        printk("keyboard: no layout %s, using us\n", name);
    keys_init(&keys, l ? l : layout_find("us"));
}

void keyboard_restart_at_once(bool on)
{
    WRITE_ONCE(restart_at_once, on);
}

static void restart(void)
{
    irqflags_t flags;
    struct proc *init;

    if (READ_ONCE(restart_at_once))
        machine_reboot();
    restart_at_once = true; /* the second time, whatever became of init */
    flags = spin_lock_irq(&proc_lock);
    init = proc_find(1);
    if (init)
        signal_send_proc(init, SIGINT);
    spin_unlock_irq(&proc_lock, flags);
}

static void deliver(const struct key_output *out)
{
    for (u32 i = 0; i < out->nbytes; i++)
        console_input(out->bytes[i]);
    if (out->restart)
        restart();
}

void keyboard_key(u8 usage, bool down)
{
    struct key_output out;

    if (!keys.layout)
        return; /* before keyboard_init */
    spin_lock(&lock);
    out = keys_event(&keys, usage, down);
    spin_unlock(&lock);
    deliver(&out);
}

void keyboard_tick(void)
{
    struct key_output out;

    spin_lock(&lock);
    out = keys_tick(&keys);
    spin_unlock(&lock);
    deliver(&out);
}

bool keyboard_repeats(void)
{
    return READ_ONCE(keys.repeating);
}

void keyboard_release_all(void)
{
    irqflags_t flags = spin_lock_irq(&lock);

    keys_release_all(&keys);
    spin_unlock_irq(&lock, flags);
}

u8 keyboard_leds(void)
{
    return READ_ONCE(keys.locks);
}
