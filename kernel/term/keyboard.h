/* SPDX-License-Identifier: MIT
 *
 * What any keyboard driver reports becomes bytes of the console terminal: layout,
 * modifiers, locks, repeat. Keys are named by their usage in the keyboard page of the USB
 * HID usage tables (HUT 1.12, section 10: 0x04 is A, 0x28 Enter, 0xe0 to 0xe7 the
 * modifiers), whatever the hardware calls them.
 */
#pragma once

#include "lib/types.h"

/* A key of any keyboard went down or up. Repetitions made by the hardware (down without up)
 * are ignored: repeat is made here. Any context; interrupts off. */
void keyboard_key(u8 usage, bool down);

/* A keyboard went away or lost track: all keys are up. */
void keyboard_release_all(void);

/* Sets the layout and the repeat up; before the first key. */
void keyboard_init(void);

/* Which lights should shine: bit 0 Num, 1 Caps, 2 Scroll (HID LED order); drivers look at
 * it when they poll. */
u8 keyboard_leds(void);

/* TICK_HZ times a second, from the tick: the key that repeats. */
void keyboard_tick(void);
/* Whether a key is held that repeats. */
bool keyboard_repeats(void);

/* Ctrl-Alt-Del restarts the machine at once; else init gets SIGINT first (reboot(2)). */
void keyboard_restart_at_once(bool on);
