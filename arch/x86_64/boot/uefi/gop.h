/* SPDX-License-Identifier: MIT
 *
 * The framebuffer as the firmware's graphics output protocol sets it up.
 */
#pragma once

#include "arch/x86_64/boot/uefi/loader.h"

struct config;
struct handover_framebuffer;

/* gop.c: picks width x height when the config asks for it; fb->base 0: no framebuffer. */
void screen_set_up(const struct config *c, struct handover_framebuffer *fb);
