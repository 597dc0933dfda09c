/* SPDX-License-Identifier: MIT
 *
 * Inside exec: reading a program's headers, mapping it into an address space that is not
 * running yet, building the first stack.
 */
#pragma once

#include "fs/file.h"
#include "kernel/task/exec/elf.h"
#include "lib/types.h"
#include "mm/op/mm.h"

#define SCRIPT_DEPTH    5
#define SCRIPT_LINE_MAX 256u

struct program {
    struct file *file; /* not owned */
    struct elf_image img;
    void *table; /* program headers; owned */
    u64 bias;    /* address in memory - address as linked */
};

/* Reads the headers; the table is not checked yet. 0, -ENOEXEC, -ENOMEM, -EIO. program_free
 * afterwards in any case. */
int program_read(struct file *f, struct program *prog);
void program_free(struct program *prog);

/* Maps all segments; a relocatable program goes to `base` (0: where there is room). */
int program_map(struct mm *mm, struct program *prog, vaddr_t base);

struct stack_request {
    const char *const *argv, *const *envp;
    u32 argc;
    const char *execfn;
    const struct program *main;
    u64 interp_base; /* AT_BASE */
    u64 stack_limit;
    u64 vdso; /* AT_SYSINFO_EHDR, 0: none */
    u32 uid, euid, gid, egid;
    bool secure;
};
