/* SPDX-License-Identifier: MIT
 *
 * Inside the x86 code: the devices of a PC. Every wait here has a bound: a device that is
 * not there costs a moment, never a hang.
 */
#pragma once

#include "lib/types.h"

#define PIT_HZ 1193182u

#define IRQ_PIT      0u
#define IRQ_KEYBOARD 1u
#define IRQ_SERIAL   4u

/* ---- 8259 interrupt controllers ---- */
void pic_init(void); /* moves them to VEC_PIC and masks every line */
void pic_unmask(u32 line);
/* Acknowledges; false when the interrupt was spurious. */
bool pic_accept(u32 line);

/* ---- programmable interval timer, channel 0; see yardstick.h too ---- */
bool pit_start_periodic(u32 hz); /* false: there is none */

/* ---- local APIC ---- */
bool apic_init(void);        /* false: none, or not usable */
const char *apic_mode(void); /* "none", "xAPIC", "x2APIC" */
void apic_eoi(void);
/* VEC_TIMER hz times a second; what raises it, NULL when nothing does. */
const char *apic_timer_start(u32 hz);
/* At each VEC_TIMER, after apic_eoi. */
void apic_timer_rearm(void);

/* ---- time stamp counter ---- */
void tsc_init(void);
u64 tsc_khz(void);
const char *tsc_source(void); /* what told its rate */

/* ---- the tick ---- */
const char *tick_source(void);

/* ---- console ---- */
void console_tick(void); /* draws what was put off, hands on what the screen answered */

/* ---- display adapter of Bochs and QEMU ---- */
struct bootinfo;
/* Where bi has no framebuffer yet: switches the adapter to 1024x768 or the mode of the switch
 * video=WxH, 32 bits a pixel, and fills bi->fb. Does nothing without an adapter with addresses
 * assigned by firmware, or with fb=off. Before the final page tables, after cmdline_init. */
void bga_init(struct bootinfo *bi);

/* ---- serial port and debug port ---- */
bool serial_present(void); /* as the first line of the log found it */
void serial_close(void);   /* from now on there is none */
void serial_put(u8 byte);  /* waits a bounded time for room; dropped when none comes */
void serial_enable_input(void); /* lets it interrupt */
void serial_receive(void);      /* hands what has arrived to console_input */

/* ---- 8042 keyboard controller ---- */
/* After keyboard_init; USB controllers must have been taken from the firmware, which may
 * play an 8042 of its own until then. Waits half a second at most; none: nothing happens. */
void ps2_init(void);
void ps2_receive(void); /* hands what has arrived to keyboard_key; interrupts off */
void ps2_tick(void);    /* the same, and what the keyboard is to be told */
