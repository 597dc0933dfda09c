/* SPDX-License-Identifier: MIT
 *
 * From an ELF file to mappings. The file part of a segment is a private mapping of the
 * file's own pages; the rest of its last page is zeroed, what follows is fresh memory.
 */
#include "kernel/loader.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/calls.h"
#include "mm/slab.h"

#define page_down(x) ((x)&PAGE_MASK)
#define page_up(x)   (((x) + PAGE_SIZE - 1) & PAGE_MASK)

int program_read(struct file *f, struct program *prog)
{
    u8 header[ELF_HEADER_SIZE];
    ssize_t n = file_pread_kernel(f, header, sizeof(header), 0);
    size_t size;
    int err;

    memset(prog, 0, sizeof(*prog));
    prog->file = f;
    if (n < 0)
        return (int)n;
    err = elf_read_header(header, (size_t)n, &prog->img);
    if (err)
        return err;
    size = (size_t)prog->img.phnum * ELF_PHDR_SIZE;
    if (!f->inode->object || !f->ops->mmap)
        return -ENOEXEC;
    prog->table = kmalloc(size);
    if (!prog->table)
        return -ENOMEM;
    n = file_pread_kernel(f, prog->table, size, prog->img.phoff);
    if (n != (ssize_t)size)
        return n == -ENOMEM ? -ENOMEM : -ENOEXEC;
    return elf_read_phdrs(prog->table, READ_ONCE(f->inode->object->size), &prog->img);
}

void program_free(struct program *prog)
{
    kfree(prog->table);
    prog->table = NULL;
}

static int map_anonymous(struct mm *mm, vaddr_t start, vaddr_t end, u32 prot)
{
    struct mmap_args args = {
        .addr = start,
        .len = end - start,
        .prot = prot,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
    };
    vaddr_t at;

    return start == end ? 0 : mm_mmap(mm, &args, &at);
}

static int map_file(struct mm *mm, struct file *f, vaddr_t start, vaddr_t end, u64 offset,
                    u32 prot)
{
    struct mmap_args args = {
        .addr = start,
        .len = end - start,
        .prot = prot,
        .flags = MAP_PRIVATE | MAP_FIXED,
        .file = &f->vm,
        .offset = offset,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
    };
    vaddr_t at;
    int err = f->ops->mmap(f, false, &args.object);

    if (err)
        return err;
    err = mm_mmap(mm, &args, &at);
    if (args.object)
        object_put(args.object);
    return err;
}

/* Zeroes from `start` to the end of its page. */
static int zero_page_tail(struct mm *mm, vaddr_t start)
{
    static const u8 zeros[256];
    vaddr_t end = page_up(start);

    while (start < end) {
        size_t n = MIN(end - start, sizeof(zeros));

        if (mm_access(mm, start, (void *)(uintptr_t)zeros, n, true) != n)
            return -ENOMEM;
        start += n;
    }
    return 0;
}

/* mapped_end: end of what the segments before have mapped. */
static int map_segment(struct mm *mm, struct file *f, const struct elf_segment *seg,
                       u64 bias, vaddr_t *mapped_end)
{
    vaddr_t start = page_down(seg->vaddr + bias);
    vaddr_t file_end = seg->vaddr + bias + seg->filesz;
    vaddr_t end = page_up(seg->vaddr + bias + seg->memsz);
    bool has_tail = seg->memsz > seg->filesz && file_end % PAGE_SIZE;
    bool must_unlock = has_tail && !(seg->prot & PROT_WRITE);
    vaddr_t fresh = page_up(file_end);
    int err = 0;

    if (seg->filesz)
        err = map_file(mm, f, start, fresh, page_down(seg->offset),
                       seg->prot | (must_unlock ? PROT_WRITE : 0));
    else if (start >= *mapped_end)
        fresh = start, has_tail = false;
    if (!err && has_tail)
        err = zero_page_tail(mm, file_end);
    if (!err && must_unlock && seg->filesz)
        err = mm_mprotect(mm, start, fresh - start, seg->prot);
    if (!err && fresh < end)
        err = map_anonymous(mm, fresh, end, seg->prot);
    *mapped_end = end;
    return err;
}

/* Finds room for a relocatable program; nobody else uses this address space yet. */
static int find_base(struct mm *mm, u64 span, vaddr_t *base)
{
    struct mmap_args args = {
        .len = span,
        .prot = PROT_NONE,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
    };
    int err = mm_mmap(mm, &args, base);

    return err ? err : mm_munmap(mm, *base, span);
}

static void note_segment(struct mm *mm, const struct elf_segment *seg, u64 bias)
{
    vaddr_t start = seg->vaddr + bias, end = start + seg->filesz;

    if (seg->prot & PROT_EXEC) {
        if (!mm->start_code || start < mm->start_code)
            mm->start_code = start;
        mm->end_code = MAX(mm->end_code, end);
    } else {
        if (!mm->start_data || start < mm->start_data)
            mm->start_data = start;
        mm->end_data = MAX(mm->end_data, end);
    }
}

int program_map(struct mm *mm, struct program *prog, vaddr_t base)
{
    const struct elf_image *img = &prog->img;
    struct elf_segment seg;
    vaddr_t mapped_end = 0;
    u64 span = img->high - img->low;
    u32 i = 0;
    bool is_main = base != 0 || !img->dyn;
    int err;

    if (img->dyn) {
        if (!base && (err = find_base(mm, span, &base)) != 0)
            return err;
        if (span > USER_END - base)
            return -ENOMEM;
        prog->bias = base - img->low;
    }
    while (elf_next_segment(prog->table, img->phnum, &i, &seg)) {
        err = map_segment(mm, prog->file, &seg, prog->bias, &mapped_end);
        if (err)
            return err == -EPERM ? -EINVAL : err;
        if (is_main)
            note_segment(mm, &seg, prog->bias);
    }
    return 0;
}
