/* SPDX-License-Identifier: MIT
 *
 * Framebuffer devices: requests and structures of linux/fb.h, and the two console requests
 * of linux/kd.h that belong to drawing.
 */
#pragma once

#include "lib/assert.h"
#include "lib/types.h"

#define FBIOGET_VSCREENINFO 0x4600u
#define FBIOPUT_VSCREENINFO 0x4601u
#define FBIOGET_FSCREENINFO 0x4602u
#define FBIOPAN_DISPLAY     0x4606u
#define FBIOBLANK           0x4611u

#define FB_TYPE_PACKED_PIXELS 0u
#define FB_VISUAL_TRUECOLOR   2u
#define FB_BLANK_UNBLANK      0u

struct fb_bitfield {
    u32 offset, length, msb_right;
};

struct fb_var_screeninfo {
    u32 xres, yres, xres_virtual, yres_virtual, xoffset, yoffset;
    u32 bits_per_pixel, grayscale;
    struct fb_bitfield red, green, blue, transp;
    u32 nonstd, activate;
    u32 height, width; /* millimetres; all ones: not known */
    u32 accel_flags;
    u32 pixclock, left_margin, right_margin, upper_margin, lower_margin, hsync_len,
        vsync_len;
    u32 sync, vmode, rotate, colorspace, reserved[4];
};
STATIC_ASSERT(sizeof(struct fb_var_screeninfo) == 160);

struct fb_fix_screeninfo {
    char id[16];
    u64 smem_start;
    u32 smem_len, type, type_aux, visual;
    u16 xpanstep, ypanstep, ywrapstep, pad1;
    u32 line_length, pad2;
    u64 mmio_start;
    u32 mmio_len, accel;
    u16 capabilities, reserved[2], pad3;
};
STATIC_ASSERT(sizeof(struct fb_fix_screeninfo) == 80);

#define KDSETMODE   0x4b3au
#define KDGETMODE   0x4b3bu
#define KD_TEXT     0u
#define KD_GRAPHICS 1u
