/* SPDX-License-Identifier: MIT
 *
 * Reading ELF64 headers of programs: pure functions over bytes, for x86-64 executables. All
 * that a file can get wrong is found here, before anything is mapped.
 */
#pragma once

#include "lib/types.h"

#define ELF_HEADER_SIZE 64u
#define ELF_PHDR_SIZE   56u
#define ELF_PHDRS_MAX   (65536u / ELF_PHDR_SIZE) /* Linux's limit: a table of 64 KiB */

/* One part of the file to map. */
struct elf_segment {
    u64 vaddr, memsz;   /* as linked */
    u64 offset, filesz; /* offset and vaddr agree in the page */
    u32 prot;           /* PROT_* bits: 1 read, 2 write, 4 execute */
};

struct elf_image {
    bool dyn;  /* ET_DYN: may go anywhere */
    u64 entry; /* as linked; may point anywhere */
    u64 phoff;
    u32 phnum;
    u64 phdr_vaddr; /* where the table appears in memory, 0: nowhere */
    u64 low, high;  /* whole pages that hold all segments, as linked */
    u64 align;      /* the greatest a segment asks for, a power of 2, >= PAGE_SIZE */
    u64 end;        /* end of the highest segment, in bytes */
    u32 nsegments;
    u64 interp_offset; /* of the interpreter's name */
    u32 interp_size;   /* with its NUL; 0: no interpreter */
    bool exec_stack;   /* PT_GNU_STACK asks for it */
};

/* The file header: fills dyn, entry, phoff, phnum. n: bytes of it that exist (>= 64 is enough).
 * -ENOEXEC when it is no program for this machine. */
int elf_read_header(const void *bytes, size_t n, struct elf_image *img);

/* Both read the program header table (phnum * ELF_PHDR_SIZE bytes). The first PT_INTERP:
 * fills interp_*; -ENOEXEC when its length cannot be that of a name. */
int elf_find_interp(const void *table, struct elf_image *img);

/* All segments: fills the rest. -ENOEXEC: there is nothing to load; -EINVAL: a segment cannot
 * be mapped (range, memory below file size, offset and address differ in the page). What the
 * file holds is not asked: a touch beyond its end is SIGBUS, as with every mapping. */
int elf_read_segments(const void *table, struct elf_image *img);

/* The next PT_LOAD at or after *index, which moves behind it. false: no more. */
bool elf_next_segment(const void *table, u32 phnum, u32 *index, struct elf_segment *seg);
