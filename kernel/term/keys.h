/* SPDX-License-Identifier: MIT
 *
 * The pure part of the keyboard: key events in, bytes of a terminal out. It holds which keys
 * are down, the locks, the layout and the repeat; kernel/term/keyboard.c feeds it and delivers
 * what comes out. Keys are HID usages as in kernel/term/keyboard.h.
 */
#pragma once

#include "kernel/term/layouts.h"
#include "lib/types.h"

/* Positions of a key's characters in a layout. */
enum { LEVEL_SHIFT = 1, LEVEL_ALTGR = 2, LEVELS = 4 };

/* One key: Unicode characters plain, with Shift, with AltGr, with both; 0: none. */
struct layout_key {
    u8 usage;
    u16 level[LEVELS];
};

/* A layout is its differences from the US one. */
struct layout {
    const char *name;
    bool altgr; /* the right Alt key chooses the third level; else it is an Alt key */
    const struct layout_key *keys;
    size_t nkeys;
};

enum { LOCK_NUM = 1, LOCK_CAPS = 2 }; /* as the lights of a HID keyboard count */

#define KEY_BYTES 8u

struct key_output {
    u8 nbytes;
    bool restart; /* Ctrl-Alt-Del */
    u8 bytes[KEY_BYTES];
};

struct keys {
    const struct layout *layout;
    u32 down[256 / 32];
    u8 locks;
    u8 repeating; /* the key that repeats, 0: none */
    u8 wait;      /* ticks until it does */
};

void keys_init(struct keys *k, const struct layout *l);
/* A key went down or up; down again without up is the hardware's repeat and gives nothing. */
struct key_output keys_event(struct keys *k, u8 usage, bool down);
/* TICK_HZ times a second: what repeats now. */
struct key_output keys_tick(struct keys *k);
void keys_release_all(struct keys *k);
