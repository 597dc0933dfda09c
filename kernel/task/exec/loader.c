/* SPDX-License-Identifier: MIT
 *
 * From an ELF file to mappings. The file part of a segment is a private mapping of the
 * file's own pages; what follows is fresh memory. Later segments lie over earlier ones.
 */
#include "kernel/task/exec/loader.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/access.h"
#include "mm/phys/slab.h"

#define page_down(x) ((x)&PAGE_MASK)
#define ALIGN_MAX    (1ul << 30)
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
    return 0;
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
        int err = mm_store(mm, start, zeros, n);

        if (err)
            return err;
        start += n;
    }
    return 0;
}

/* As on Linux the memory behind the file part can always be written, and the rest of the
 * file's last page is zeroed only in a segment that can. A segment without a file part takes
 * its first page whole. */
static int map_segment(struct mm *mm, struct file *f, const struct elf_segment *seg,
                       u64 bias)
{
    vaddr_t start = page_down(seg->vaddr + bias);
    vaddr_t file_end = seg->vaddr + bias + seg->filesz;
    vaddr_t end = page_up(seg->vaddr + bias + seg->memsz);
    vaddr_t fresh = seg->filesz ? page_up(file_end) : start;
    int err = 0;

    if (seg->filesz)
        err = map_file(mm, f, start, fresh, page_down(seg->offset), seg->prot);
    if (!err && seg->filesz && seg->memsz > seg->filesz && (seg->prot & PROT_WRITE))
        err = zero_page_tail(mm, file_end);
    if (!err && fresh < end)
        err = map_anonymous(mm, fresh, end,
                            PROT_READ | PROT_WRITE | (seg->prot & PROT_EXEC));
    return err;
}

/* Finds room for a relocatable program; nobody else uses this address space yet. */
static int find_base(struct mm *mm, u64 span, u64 align, vaddr_t *base)
{
    struct mmap_args args = {
        .len = span + (align - PAGE_SIZE),
        .prot = PROT_NONE,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
    };
    vaddr_t at;
    int err = mm_mmap(mm, &args, &at);

    if (err)
        return err;
    *base = align_up(at, align);
    return mm_munmap(mm, at, args.len);
}

/* Where the program goes. An alignment that leaves no address is not asked for. */
static int choose_bias(struct mm *mm, struct program *prog, vaddr_t base)
{
    const struct elf_image *img = &prog->img;
    u64 align = img->align <= ALIGN_MAX ? img->align : PAGE_SIZE;
    u64 low = align_down(img->low, align), span = img->high - low;
    int err;

    base = align_down(base, align);
    if (!base && (err = find_base(mm, span, align, &base)) != 0)
        return err;
    if (base > USER_END || span > USER_END - base)
        return -ENOMEM;
    prog->bias = base - low;
    return 0;
}

static void note_segment(struct mm_program *at, const struct elf_segment *seg, u64 bias)
{
    vaddr_t start = seg->vaddr + bias, end = start + seg->filesz;

    if (seg->prot & PROT_EXEC) {
        if (!at->start_code || start < at->start_code)
            at->start_code = start;
        at->end_code = MAX(at->end_code, end);
    } else {
        if (!at->start_data || start < at->start_data)
            at->start_data = start;
        at->end_data = MAX(at->end_data, end);
    }
}

int program_map(struct mm *mm, struct program *prog, vaddr_t base)
{
    const struct elf_image *img = &prog->img;
    struct elf_segment seg;
    u32 i = 0;
    bool is_main = base != 0 || !img->dyn;
    int err;

    if (img->dyn) {
        err = choose_bias(mm, prog, base);
        if (err)
            return err;
    }
    while (elf_next_segment(prog->table, img->phnum, &i, &seg)) {
        err = map_segment(mm, prog->file, &seg, prog->bias);
        if (err)
            return err == -EPERM ? -EINVAL : err;
        if (is_main)
            note_segment(&mm->program, &seg, prog->bias);
    }
    return 0;
}
