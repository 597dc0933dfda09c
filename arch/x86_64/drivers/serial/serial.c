/* SPDX-License-Identifier: MIT
 *
 * Console on the first serial port (16550, 115200 8N1), plus QEMU's debug ports: 0xe9
 * gets a copy of the log, 0x502 and up carry single streams for tools/run.
 */
#include "arch/serial.h"
#include "arch/console.h"
#include "arch/trap.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/drivers/irq/irq.h"
#include "arch/x86_64/drivers/irq/pic.h"
#include "arch/x86_64/drivers/serial/serial.h"
#include "kernel/term/console.h"

#define COM1 0x3f8
#define COM2 0x2f8

enum {
    DATA = 0,
    IRQ_ENABLE = 1,
    FIFO = 2,
    LINE = 3,
    MODEM = 4,
    LINE_STATUS = 5,
    SCRATCH = 7
};

#define STATUS_RECEIVED 0x01
#define STATUS_EMPTY    0x20
#define SEND_POLLS_MAX  100000u
#define FAILURES_MAX    8u
#define RECEIVE_MAX     64u

#define DEBUG_PORT      0xe9
#define STREAM_PORT     0x502
#define STREAMS         4u
#define DEBUG_SIGNATURE 0xe9 /* what QEMU's debug ports answer when read */

static enum { ABSENT, PRESENT } serial;
static bool debug_port;
static u32 failures; /* bytes in a row that could not be sent */

static void probe(void)
{
    debug_port = inb(DEBUG_PORT) == DEBUG_SIGNATURE;
    serial = ABSENT;
    outb(COM1 + SCRATCH, 0x5a);
    if (inb(COM1 + SCRATCH) != 0x5a)
        return;
    outb(COM1 + SCRATCH, 0xa5);
    if (inb(COM1 + SCRATCH) != 0xa5)
        return;
    outb(COM1 + IRQ_ENABLE, 0);
    outb(COM1 + LINE, 0x80); /* divisor follows */
    outb(COM1 + DATA, 1);
    outb(COM1 + IRQ_ENABLE, 0);
    outb(COM1 + LINE, 0x03);
    outb(COM1 + FIFO, 0xc7);
    outb(COM1 + MODEM, 0x0b);
    serial = PRESENT;
}

static void put(u8 byte)
{
    if (debug_port)
        outb(DEBUG_PORT, byte);
    if (serial != PRESENT)
        return;
    for (u32 i = 0; i < SEND_POLLS_MAX; i++) {
        if (inb(COM1 + LINE_STATUS) & STATUS_EMPTY) {
            outb(COM1 + DATA, byte);
            failures = 0;
            return;
        }
    }
    if (++failures == FAILURES_MAX) /* stuck: do not pay the wait for ever */
        serial = ABSENT;
}

void serial_init(void)
{
    static struct console_sink sink = {.put = put};

    probe();
    console_add(&sink);
}

void serial_close(void)
{
    serial = ABSENT;
}

bool serial_present(void)
{
    return serial == PRESENT;
}

void serial_receive(void)
{
    if (serial != PRESENT)
        return;
    for (u32 i = 0; i < RECEIVE_MAX && inb(COM1 + LINE_STATUS) & STATUS_RECEIVED; i++)
        console_input(inb(COM1 + DATA));
}

void serial_enable_input(void)
{
    if (serial != PRESENT)
        return;
    outb(COM1 + IRQ_ENABLE, 0x01);
    pic_unmask(IRQ_SERIAL);
}

bool console_port_present(unsigned port)
{
    return port >= 1 && port <= STREAMS &&
           inb((u16)(STREAM_PORT + port - 1)) == DEBUG_SIGNATURE;
}

void console_port_put(unsigned port, u8 byte)
{
    if (port >= 1 && port <= STREAMS)
        outb((u16)(STREAM_PORT + port - 1), byte);
}

bool console_stream_present(void)
{
    outb(COM2 + SCRATCH, 0x5a);
    if (inb(COM2 + SCRATCH) != 0x5a)
        return false;
    outb(COM2 + IRQ_ENABLE, 0);
    outb(COM2 + LINE, 0x03);
    outb(COM2 + FIFO, 0xc1);
    outb(COM2 + MODEM, 0x0b);
    return true;
}

int console_stream_get(void)
{
    return inb(COM2 + LINE_STATUS) & STATUS_RECEIVED ? inb(COM2 + DATA) : -1;
}
