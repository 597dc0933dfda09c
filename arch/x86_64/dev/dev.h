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

/* ---- programmable interval timer, channel 0 ---- */
void pit_start_periodic(u32 hz);
/* Lets the counter run freely for measurements; false when there is no PIT. */
bool pit_start_free(void);
/* Counts down from 65536 to 0 over and over. */
u16 pit_read(void);

/* ---- CMOS clock ---- */
#define CMOS_PERIODIC_HZ 1024u
void cmos_periodic(bool on); /* starts and stops the periodic flag */
bool cmos_period_passed(void);

/* ---- local APIC ---- */
bool apic_init(void); /* false: none, or not usable */
bool apic_present(void);
void apic_eoi(void);
/* Periodic VEC_TIMER; false when its clock could not be measured. */
bool apic_timer_start(u32 hz);

/* ---- time stamp counter ---- */
void tsc_init(void);
u64 tsc_khz(void);

/* ---- display adapter of Bochs and QEMU ---- */
struct bootinfo;
/* Where bi has no framebuffer yet: switches the adapter to 1024x768 or the mode of the switch
 * video=WxH, 32 bits a pixel, and fills bi->fb. Does nothing without an adapter with addresses
 * assigned by firmware, or with fb=off. Before the final page tables, after cmdline_init. */
void bga_init(struct bootinfo *bi);

/* ---- serial port ---- */
void serial_enable_input(void); /* lets it interrupt */
void serial_receive(void);      /* hands what has arrived to console_input */

/* ---- 8042 keyboard controller ---- */
/* After keyboard_init; USB controllers must have been taken from the firmware, which may
 * play an 8042 of its own until then. Waits half a second at most; none: nothing happens. */
void ps2_init(void);
void ps2_receive(void); /* hands what has arrived to keyboard_key; interrupts off */
void ps2_tick(void);    /* the same, and what the keyboard is to be told */
