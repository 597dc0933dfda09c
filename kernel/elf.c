/* SPDX-License-Identifier: MIT
 *
 * Checks of ELF64 programs. Where Linux would find a wrong segment only while mapping it,
 * after the old program is gone, and kill the process, this refuses the file instead.
 * Layouts: System V ABI, chapters 4 and 5.
 */
#include "kernel/elf.h"
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
    if (memcmp(eh.ident, "\177ELF", 4) != 0 || eh.ident[4] != ELFCLASS64 ||
        eh.ident[5] != ELFDATA2LSB)
        return -ENOEXEC;
    if ((eh.type != ET_EXEC && eh.type != ET_DYN) || eh.machine != EM_X86_64)
        return -ENOEXEC;
    if (eh.phentsize != ELF_PHDR_SIZE || eh.phnum == 0 || eh.phnum > ELF_PHDRS_MAX)
        return -ENOEXEC;
    img->dyn = eh.type == ET_DYN;
    img->entry = eh.entry;
    img->phoff = eh.phoff;
    img->phnum = eh.phnum;
    return 0;
}

static bool in_file(u64 offset, u64 size, u64 file_size)
{
    return size <= file_size && offset <= file_size - size;
}

static int check_load(const struct elf64_phdr *ph, u64 file_size,
                      const struct elf_image *img)
{
    u64 lowest = img->dyn ? 0 : MIN_ADDR;

    if (ph->align & (ph->align - 1))
        return -ENOEXEC;
    if ((ph->vaddr ^ ph->offset) & (PAGE_SIZE - 1))
        return -ENOEXEC;
    if (!in_file(ph->offset, ph->filesz, file_size))
        return -ENOEXEC;
    if (ph->memsz < ph->filesz || ph->memsz > USER_END ||
        ph->vaddr > USER_END - ph->memsz || ph->vaddr < lowest)
        return -EINVAL;
    /* Ascending without overlap; two may share a page. */
    if (img->nsegments && ph->vaddr < img->end)
        return -EINVAL;
    return 0;
}

static void add_load(const struct elf64_phdr *ph, struct elf_image *img)
{
    u64 table_size = (u64)img->phnum * ELF_PHDR_SIZE;

    if (!img->nsegments++)
        img->low = ph->vaddr & PAGE_MASK;
    img->end = ph->vaddr + ph->memsz;
    img->high = (img->end + PAGE_SIZE - 1) & PAGE_MASK;
    if (!img->phdr_vaddr && img->phoff >= ph->offset && ph->filesz >= table_size &&
        img->phoff - ph->offset <= ph->filesz - table_size)
        img->phdr_vaddr = ph->vaddr + (img->phoff - ph->offset);
}

static int check_interp(const struct elf64_phdr *ph, u64 file_size)
{
    if (ph->filesz < 2 || ph->filesz > INTERP_NAME_MAX)
        return -ENOEXEC;
    return in_file(ph->offset, ph->filesz, file_size) ? 0 : -ENOEXEC;
}

int elf_read_phdrs(const void *table, u64 file_size, struct elf_image *img)
{
    int err;

    for (u32 i = 0; i < img->phnum; i++) {
        struct elf64_phdr ph = phdr_at(table, i);

        if (ph.type == PT_LOAD && (ph.memsz || ph.filesz)) {
            err = check_load(&ph, file_size, img);
            if (err)
                return err;
            add_load(&ph, img);
        } else if (ph.type == PT_INTERP && !img->interp_size) {
            err = check_interp(&ph, file_size);
            if (err)
                return err;
            img->interp_offset = ph.offset;
            img->interp_size = (u32)ph.filesz;
        } else if (ph.type == PT_GNU_STACK) {
            img->exec_stack = ph.flags & PF_X;
        }
    }
    return img->nsegments ? 0 : -ENOEXEC;
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
