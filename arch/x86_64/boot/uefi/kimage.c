/* SPDX-License-Identifier: MIT
 *
 * Checks and places the kernel's ELF file. Layout: ELF-64 Object File Format 1.5 and the
 * System V gABI, chapter 5 (program headers, notes). Only physical addresses count here; the
 * kernel maps itself to its virtual ones.
 */
#include "arch/x86_64/boot/uefi/kimage.h"
#include "arch/x86_64/boot/handover.h"
#include "lib/elf64.h"
#include "lib/string.h"

#define LIMIT_4G 0x100000000ull

struct nhdr {
    u32 namesz, descsz, type;
};

static const struct elf64_phdr *segment(const struct kimage *img, u32 i)
{
    return (const struct elf64_phdr *)(img->file + img->phoff) + i;
}

static const char *check_header(const struct elf64_ehdr *eh, size_t n, struct kimage *img)
{
    static const u8 magic[] = {0x7f, 'E', 'L', 'F'};

    if (n < sizeof(*eh) || memcmp(eh->ident, magic, sizeof(magic)) != 0)
        return "is no ELF file";
    if (eh->ident[4] != ELFCLASS64 || eh->ident[5] != ELFDATA2LSB ||
        eh->machine != EM_X86_64)
        return "is an ELF file for another machine, not x86-64";
    if (eh->type != ET_EXEC)
        return "is an ELF file, but no executable";
    if (eh->phentsize != sizeof(struct elf64_phdr) || eh->phnum == 0)
        return "has no program headers of the right size";
    if (eh->phoff % 8 != 0 || eh->phoff > n ||
        eh->phnum > (n - eh->phoff) / sizeof(struct elf64_phdr))
        return "is cut off: its program headers lie behind its end";
    img->file = (const u8 *)eh;
    img->phoff = eh->phoff;
    img->phnum = eh->phnum;
    return NULL;
}

static const char *check_segment(const struct elf64_phdr *ph, size_t n)
{
    if (ph->offset > n || ph->filesz > n - ph->offset)
        return "is cut off: a segment lies behind its end";
    if (ph->type != PT_LOAD)
        return NULL;
    if (ph->filesz > ph->memsz)
        return "has a segment that is larger in the file than in memory";
    if (ph->memsz > LIMIT_4G || ph->paddr > LIMIT_4G - ph->memsz)
        return "has a segment above 4 GiB";
    return NULL;
}

static bool overlap(const struct elf64_phdr *a, const struct elf64_phdr *b)
{
    return a->paddr < b->paddr + b->memsz && b->paddr < a->paddr + a->memsz;
}

/* Every pair, since the order is not promised; phnum is at most 65535 and the loadable ones
 * are limited before that can take time. */
static const char *check_overlaps(const struct kimage *img)
{
    u32 loads = 0;

    for (u32 i = 0; i < img->phnum; i++) {
        if (segment(img, i)->type != PT_LOAD)
            continue;
        if (++loads > 64)
            return "has more than 64 segments";
        for (u32 k = 0; k < i; k++) {
            if (segment(img, k)->type == PT_LOAD &&
                overlap(segment(img, k), segment(img, i)))
                return "has segments that overlap in memory";
        }
    }
    return loads ? NULL : "has nothing to load";
}

static const char *check_segments(struct kimage *img, size_t n)
{
    u64 low = LIMIT_4G, high = 0;
    const char *wrong;

    for (u32 i = 0; i < img->phnum; i++) {
        const struct elf64_phdr *ph = segment(img, i);

        if (ph->type != PT_LOAD && ph->type != PT_NOTE)
            continue;
        wrong = check_segment(ph, n);
        if (wrong)
            return wrong;
        if (ph->type == PT_LOAD && ph->memsz) {
            low = MIN(low, ph->paddr);
            high = MAX(high, ph->paddr + ph->memsz);
        }
    }
    wrong = check_overlaps(img);
    if (wrong)
        return wrong;
    if (low >= high)
        return "has nothing to load";
    if (low % KIMAGE_ALIGN != 0)
        return "is not linked at a multiple of 2 MiB";
    if (high - low > KIMAGE_MAX)
        return "needs more than 256 MiB";
    img->low = low;
    img->size = align_up(high - low, PAGE_SIZE);
    return NULL;
}

/* The entry in the notes of one segment; false when it is not there. */
static bool find_entry(const u8 *p, u64 n, u64 *entry)
{
    static const char name[] = "Tessera";

    while (n >= sizeof(struct nhdr)) {
        struct nhdr nh;
        u64 desc_at, next;

        memcpy(&nh, p, sizeof(nh)); /* notes are aligned to 4 bytes only */
        desc_at = sizeof(nh) + align_up(nh.namesz, 4);
        next = desc_at + align_up(nh.descsz, 4);
        if (desc_at > n || nh.descsz > n - desc_at)
            return false;
        if (nh.type == HANDOVER_NOTE && nh.namesz == sizeof(name) &&
            nh.descsz == sizeof(*entry) &&
            memcmp(p + sizeof(nh), name, sizeof(name)) == 0) {
            memcpy(entry, p + desc_at, sizeof(*entry));
            return true;
        }
        next = MIN(next, n); /* the last one may lack its filling */
        p += next;
        n -= next;
    }
    return false;
}

static bool is_code(const struct kimage *img, u64 paddr)
{
    for (u32 i = 0; i < img->phnum; i++) {
        const struct elf64_phdr *ph = segment(img, i);

        if (ph->type == PT_LOAD && (ph->flags & PF_X) && paddr >= ph->paddr &&
            paddr - ph->paddr < ph->filesz)
            return true;
    }
    return false;
}

const char *kimage_check(const void *file, size_t n, struct kimage *img)
{
    const char *wrong = check_header(file, n, img);

    if (!wrong)
        wrong = check_segments(img, n);
    if (wrong)
        return wrong;
    for (u32 i = 0; i < img->phnum; i++) {
        const struct elf64_phdr *ph = segment(img, i);

        if (ph->type == PT_NOTE &&
            find_entry(img->file + ph->offset, ph->filesz, &img->entry))
            return is_code(img, img->entry) ? NULL : "names a entry outside its code";
    }
    return "is no Tessera kernel: it names no 64-bit entry";
}

void kimage_place(const struct kimage *img, u8 *dst)
{
    memset(dst, 0, img->size);
    for (u32 i = 0; i < img->phnum; i++) {
        const struct elf64_phdr *ph = segment(img, i);

        if (ph->type == PT_LOAD && ph->memsz)
            memcpy(dst + (ph->paddr - img->low), img->file + ph->offset, ph->filesz);
    }
}
