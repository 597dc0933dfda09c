/* SPDX-License-Identifier: MIT
 *
 * Which screen the machine has.
 */
#include "arch/screen.h"
#include "arch/x86_64/drivers/display/screen_fb.h"
#include "arch/x86_64/drivers/display/screen_vga.h"

const struct screen_driver *arch_screen(u32 *cols, u32 *rows)
{
    return screen_framebuffer(cols, rows) ?: screen_vga_text(cols, rows);
}
