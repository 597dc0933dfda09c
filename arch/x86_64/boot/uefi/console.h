/* SPDX-License-Identifier: MIT
 *
 * The firmware's console: text, keys, one line of input.
 */
#pragma once

#include "arch/x86_64/boot/uefi/loader.h"

/* console.c: formatted text (lib/fmt.h) on the firmware's console; '\n' ends a line. */
void say(const char *fmt, ...) printf_like(1, 2);

/* What the firmware calls an error, as text. */
const char *status_text(EFI_STATUS status);

/* A key, or false when none came within that many tenths of a second. */
bool wait_key(u32 tenths, EFI_INPUT_KEY *key);

/* Lets the user edit `text` (size bytes) on the line of the screen where the cursor stands.
 * False: given up, text as before. */
bool edit_line(char *text, size_t size);
