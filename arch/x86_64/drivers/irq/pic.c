/* SPDX-License-Identifier: MIT
 *
 * The two 8259 interrupt controllers. Firmware leaves them on the vectors of CPU
 * exceptions, so they are moved before interrupts are ever enabled.
 */
#include "arch/x86_64/drivers/irq/pic.h"
#include "arch/x86_64/cpu/cpu.h"

#define PIC1_COMMAND 0x20
#define PIC1_DATA    0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA    0xa1

#define CMD_INIT     0x11 /* edge triggered, cascade, ICW4 follows */
#define CMD_EOI      0x20
#define CMD_READ_ISR 0x0b
#define CASCADE      2u

static u16 masked = 0xffff;

static void write_mask(void)
{
    outb(PIC1_DATA, (u8)masked);
    outb(PIC2_DATA, (u8)(masked >> 8));
}

void pic_init(void)
{
    outb(PIC1_COMMAND, CMD_INIT);
    outb(PIC2_COMMAND, CMD_INIT);
    outb(PIC1_DATA, VEC_PIC);
    outb(PIC2_DATA, VEC_PIC + 8);
    outb(PIC1_DATA, 1u << CASCADE);
    outb(PIC2_DATA, CASCADE);
    outb(PIC1_DATA, 1); /* 8086 mode */
    outb(PIC2_DATA, 1);
    write_mask();
}

void pic_unmask(u32 line)
{
    masked &= (u16) ~(1u << line);
    if (line >= 8)
        masked &= (u16) ~(1u << CASCADE);
    write_mask();
}

static bool in_service(u16 command_port, u32 bit)
{
    outb(command_port, CMD_READ_ISR);
    return inb(command_port) & 1u << bit;
}

/* Line 7 of either chip is also what it says when a request vanished: then the in-service
 * bit is clear and the chip expects no acknowledgement (but the first one, for the
 * second, does). */
bool pic_accept(u32 line)
{
    if (line == 7 && !in_service(PIC1_COMMAND, 7))
        return false;
    if (line >= 8) {
        bool real = line != 15 || in_service(PIC2_COMMAND, 7);

        if (real)
            outb(PIC2_COMMAND, CMD_EOI);
        outb(PIC1_COMMAND, CMD_EOI);
        return real;
    }
    outb(PIC1_COMMAND, CMD_EOI);
    return true;
}
