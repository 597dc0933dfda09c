/* SPDX-License-Identifier: MIT
 *
 * The screen on a linear framebuffer.
 */
#include "arch/x86_64/drivers/display/screen_fb.h"
#include "arch/framebuffer.h"
#include "arch/screen.h"
#include "arch/x86_64/drivers/display/fbdraw.h"
#include "kernel/term/vt.h"

static struct fbdraw fb;

static void fb_draw(u32 col, u32 row, const struct vt_cell *cells, u32 n)
{
    fbdraw_cells(&fb, col, row, cells, n);
}

static void fb_clear(void)
{
    fbdraw_clear(&fb);
}

static const struct screen_driver fb_driver = {.draw = fb_draw, .clear = fb_clear};

const struct screen_driver *screen_framebuffer(u32 *cols, u32 *rows)
{
    const struct boot_framebuffer *info = framebuffer_info();

    if (!info || !fbdraw_init(&fb, info, framebuffer_memory(), ARCH_SCREEN_CELLS))
        return NULL;
    fbdraw_clear(&fb);
    *cols = fb.cols;
    *rows = fb.rows;
    return &fb_driver;
}
