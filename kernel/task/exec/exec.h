/* SPDX-License-Identifier: MIT
 *
 * execve: builds a complete new address space from an ELF file or a #! script, then
 * switches in one step. A failure before the switch leaves the old program untouched.
 */
#pragma once

#include "fs/vfs.h"
#include "lib/types.h"

struct file;

/* Kernel copies of the strings; the caller owns them. */
struct exec_args {
    const char *name; /* AT_EXECFN; its last part is the program's name */
    bool name_closes; /* a descriptor that is closed by exec: no script can use it */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp;
};

/* Replaces the running process's program; takes f over in any case. 0 (the frame is set for
 * the new program), or the Linux errno: ENOEXEC E2BIG ENOMEM ELOOP EINVAL EIO ELIBBAD, and
 * for interpreters those of exec_open. */
int exec_file(struct file *f, const struct exec_args *args);
