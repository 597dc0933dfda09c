/* SPDX-License-Identifier: MIT
 *
 * Checks of ELF64 programs. Accepted is what Linux runs: segments in any order, sharing
 * pages, one over the other (a later one wins), longer than the file. Where Linux would find
 * a segment that cannot be mapped only after the old program is gone, and kill the process,
 * this refuses the file instead. Layouts: System V ABI, chapters 4 and 5.
 */
#include "kernel/task/exec/elf.h"
#include "lib/elf64.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define PT_GNU_STACK 0x6474e551u

#define MIN_ADDR        0x10000ul /* mm's MMAP_MIN_ADDR */
#define INTERP_NAME_MAX 4096u

_Static_assert(sizeof(struct elf64_ehdr) == ELF_HEADER_SIZE, "ELF header");
_Static_assert(sizeof(struct elf64_phdr) == ELF_PHDR_SIZE, "program header");

static struct elf64_phdr phdr_at(const void *table, u32 i)
{
    struct elf64_phdr ph;

    memcpy(&ph, (const u8 *)table + (size_t)i * sizeof(ph), sizeof(ph));
    return ph;
}

int elf_read_header(const void *bytes, size_t n, struct elf_image *img)
{
    struct elf64_ehdr eh;

    memset(img, 0, sizeof(*img));
    if (n < sizeof(eh))
        return -ENOEXEC;
    memcpy(&eh, bytes, sizeof(eh));
    /* Class and byte order are told by the machine and the size of a table entry. */
    if (memcmp(eh.ident, "\177ELF", 4) != 0 || eh.machine != EM_X86_64 ||
        (eh.type != ET_EXEC && eh.type != ET_DYN))
        return -ENOEXEC;
    if (eh.phentsize != ELF_PHDR_SIZE || eh.phnum == 0 || eh.phnum > ELF_PHDRS_MAX)
        return -ENOEXEC;
    img->dyn = eh.type == ET_DYN;
    img->entry = eh.entry;
    img->phoff = eh.phoff;
    img->phnum = eh.phnum;
    return 0;
}

int elf_find_interp(const void *table, struct elf_image *img)
{
    for (u32 i = 0; i < img->phnum; i++) {
        struct elf64_phdr ph = phdr_at(table, i);

        if (ph.type != PT_INTERP)
            continue;
        if (ph.filesz < 2 || ph.filesz > INTERP_NAME_MAX)
            return -ENOEXEC;
        if (ph.offset > INT64_MAX - ph.filesz)
            return -EINVAL;
        img->interp_offset = ph.offset;
        img->interp_size = (u32)ph.filesz;
        return 0;
    }
    return 0;
}

static int check_load(const struct elf64_phdr *ph, const struct elf_image *img)
{
    u64 lowest = img->dyn ? 0 : MIN_ADDR;

    if (ph->filesz && ((ph->vaddr ^ ph->offset) & (PAGE_SIZE - 1)))
        return -EINVAL;
    if (ph->offset > INT64_MAX - USER_END)
        return -EINVAL;
    if (ph->memsz < ph->filesz || ph->memsz > USER_END ||
        ph->vaddr > USER_END - ph->memsz || (ph->memsz && ph->vaddr < lowest))
        return -EINVAL;
    return 0;
}

static void add_load(const struct elf64_phdr *ph, struct elf_image *img)
{
    u64 low = ph->vaddr & PAGE_MASK, end = ph->vaddr + ph->memsz;

    img->low = img->nsegments++ ? MIN(img->low, low) : low;
    img->end = MAX(img->end, end);
    img->high = (img->end + PAGE_SIZE - 1) & PAGE_MASK;
    if (!(ph->align & (ph->align - 1)))
        img->align = MAX(img->align, ph->align);
    if (img->phoff >= ph->offset && img->phoff - ph->offset < ph->filesz)
        img->phdr_vaddr = ph->vaddr + (img->phoff - ph->offset);
}

int elf_read_segments(const void *table, struct elf_image *img)
{
    img->align = PAGE_SIZE;
    for (u32 i = 0; i < img->phnum; i++) {
        struct elf64_phdr ph = phdr_at(table, i);

        if (ph.type == PT_LOAD) {
            int err = check_load(&ph, img);

            if (err)
                return err;
            add_load(&ph, img);
        } else if (ph.type == PT_GNU_STACK) {
            img->exec_stack = ph.flags & PF_X;
        }
    }
    return img->high > img->low ? 0 : -ENOEXEC;
}

bool elf_next_segment(const void *table, u32 phnum, u32 *index, struct elf_segment *seg)
{
    while (*index < phnum) {
        struct elf64_phdr ph = phdr_at(table, (*index)++);

        if (ph.type != PT_LOAD || !ph.memsz)
            continue;
        *seg = (struct elf_segment){
            .vaddr = ph.vaddr,
            .memsz = ph.memsz,
            .offset = ph.offset,
            .filesz = ph.filesz,
            .prot = (ph.flags & PF_R ? 1u : 0) | (ph.flags & PF_W ? 2u : 0) |
                    (ph.flags & PF_X ? 4u : 0),
        };
        return true;
    }
    return false;
}
