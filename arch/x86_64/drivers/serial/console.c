/* SPDX-License-Identifier: MIT
 *
 * The console: what is written goes to the serial port, the debug port and the screen.
 */
#include "arch/console.h"

#include "arch/x86_64/drivers/display/screen.h"
#include "arch/x86_64/drivers/serial/console.h"
#include "arch/x86_64/drivers/serial/serial.h"

void console_put(u8 byte)
{
    serial_put(byte);
    if (screen_present)
        screen_put(byte);
}

void console_tick(void)
{
    if (screen_present)
        screen_tick();
}
