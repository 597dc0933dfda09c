/* SPDX-License-Identifier: MIT
 *
 * /dev/fb0, the framebuffer.
 */
#pragma once

#include "lib/types.h"

/* /dev/fb0 (29:0), when there is a framebuffer. */
void fbdev_init(void);
