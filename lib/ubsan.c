/* SPDX-License-Identifier: MIT
 *
 * What gcc's -fsanitize=undefined calls when a program does what the language does not define.
 * Each block of data starts with the place in the source, so one report serves all (the
 * names and that layout: libubsan's interface). Only in kernels built with UBSAN=1.
 */
#include "lib/assert.h"

#ifdef TESSERA_UBSAN
struct ubsan_data {
    const char *file;
    u32 line, column;
};

#define HANDLER(name, text)                                                    \
    void __ubsan_handle_##name(const struct ubsan_data *d);                    \
    void __ubsan_handle_##name(const struct ubsan_data *d)                     \
    {                                                                          \
        panic("ubsan: %s at %s:%u:%u", text, d->file ? d->file : "?", d->line, \
              d->column);                                                      \
    }

HANDLER(type_mismatch_v1, "null, misaligned or too small object")
HANDLER(add_overflow, "signed addition overflows")
HANDLER(sub_overflow, "signed subtraction overflows")
HANDLER(mul_overflow, "signed multiplication overflows")
HANDLER(negate_overflow, "negation overflows")
HANDLER(divrem_overflow, "division by zero, or overflow")
HANDLER(shift_out_of_bounds, "shift by too much, or of a negative number")
HANDLER(out_of_bounds, "index out of bounds")
HANDLER(pointer_overflow, "pointer arithmetic wraps")
HANDLER(load_invalid_value, "value its type does not have")
HANDLER(vla_bound_not_positive, "array of no positive length")
HANDLER(nonnull_arg, "null argument")
HANDLER(nonnull_return_v1, "null result")
HANDLER(invalid_builtin, "builtin called with zero")
HANDLER(alignment_assumption, "assumed alignment is not there")
HANDLER(builtin_unreachable, "unreachable code reached")
HANDLER(missing_return, "function ends without a result")
#endif
