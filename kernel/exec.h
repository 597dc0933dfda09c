/* SPDX-License-Identifier: MIT
 *
 * execve: builds a complete new address space from an ELF file or a #! script, then
 * switches in one step. A failure before the switch leaves the old program untouched.
 */
#pragma once

#include "fs/vfs.h"
#include "lib/types.h"

/* Kernel copies of the strings; the caller owns them. */
struct exec_args {
    const char *const *argv; /* NULL-terminated */
    const char *const *envp;
    size_t bytes; /* of all strings with NULs, for E2BIG */
};

/* Replaces the running process's program. 0 (the frame is set for the new program), or the
 * Linux errno: ENOENT EACCES ENOEXEC E2BIG ENOMEM ETXTBSY ELOOP EINVAL EIO ELIBBAD. */
int exec_file(const struct path *base, const char *name, u32 lookup_flags,
              const struct exec_args *args);
