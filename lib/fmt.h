/* SPDX-License-Identifier: MIT
 *
 * Formatted text. Conversions: d i u x X o c s p %, with flags - 0 # + space, width and
 * precision (also *), lengths hh h l ll z t j. No floating point.
 */
#pragma once

#include "lib/types.h"
#include <stdarg.h>

/* As C's vsnprintf: writes at most size-1 bytes and a NUL (nothing if size is 0), returns
 * the length the whole text has. */
int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int fmt_snprintf(char *buf, size_t size, const char *fmt, ...) printf_like(3, 4);
