/* SPDX-License-Identifier: MIT
 *
 * The headers of an ELF64 file as they lie in it (System V ABI, chapters 4 and 5), for those
 * who read files that may say anything, or write them: only the layout, no checks.
 */
#pragma once

#include "lib/types.h"

enum { ELFCLASS64 = 2, ELFDATA2LSB = 1, EM_X86_64 = 62 };
enum { ET_EXEC = 2, ET_DYN = 3, ET_CORE = 4 };
enum { PT_LOAD = 1, PT_INTERP = 3, PT_NOTE = 4 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

struct elf64_ehdr {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf64_phdr {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};
