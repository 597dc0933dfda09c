/* SPDX-License-Identifier: MIT
 *
 * The multiboot2 boot protocol (GRUB on BIOS and UEFI): tags -> bootinfo. Every tag is checked
 * against its own size and the size of the block before it is read. The RSDP arrives as a
 * copy inside a tag, so it is kept in the image.
 */
#include "arch/x86_64/boot/multiboot2.h"
#include "arch/x86_64/boot/boot.h"
#include "arch/x86_64/boot/entry.h"
#include "arch/x86_64/mmu/image.h"
#include "lib/assert.h"
#include "lib/string.h"

enum {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_MODULE = 3,
    TAG_MMAP = 6,
    TAG_FB = 8,
    TAG_RSDP1 = 14,
    TAG_RSDP2 = 15
};

enum { FB_DIRECT = 1 };

struct mb2_info {
    u32 size, reserved;
};

struct mb2_tag {
    u32 type, size;
};

struct mb2_module {
    struct mb2_tag tag;
    u32 start, end;
};

struct mb2_range {
    u64 base, len;
    u32 type, reserved;
};

struct mb2_mmap {
    struct mb2_tag tag;
    u32 entry_size, entry_version;
};

struct mb2_fb {
    struct mb2_tag tag;
    u64 base;
    u32 pitch, width, height;
    u8 bpp, type;
    u16 reserved;
    u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};

static u8 rsdp_copy[64] __attribute__((aligned(16)));

static void read_mmap(const struct mb2_tag *tag, struct boot_map *map)
{
    const struct mb2_mmap *mm = (const void *)tag;
    const u8 *p = (const u8 *)(mm + 1);
    const u8 *end = (const u8 *)tag + tag->size;

    if (tag->size < sizeof(*mm) || mm->entry_size < sizeof(struct mb2_range))
        panic("boot: multiboot2 memory map with entries of %u bytes", mm->entry_size);
    for (; (size_t)(end - p) >= mm->entry_size; p += mm->entry_size) {
        const struct mb2_range *r = (const void *)p;

        memmap_add_e820(map, r->base, r->len, r->type);
    }
}

static void read_module(const struct mb2_tag *tag, struct bootinfo *bi)
{
    const struct mb2_module *mod = (const void *)tag;

    if (tag->size < sizeof(*mod) || bi->initrd_len)
        return; /* only the first module is ours */
    if (mod->end < mod->start)
        panic("boot: initramfs ends at %#x before it starts at %#x", mod->end,
              mod->start);
    bi->initrd = mod->start;
    bi->initrd_len = mod->end - mod->start;
}

static void read_fb(const struct mb2_tag *tag, struct bootinfo *bi)
{
    const struct mb2_fb *fb = (const void *)tag;

    /* To the last field: the specification's tag ends there, without the padding. */
    if (tag->size < offsetof(struct mb2_fb, blue_size) + 1 || fb->type != FB_DIRECT)
        return;
    bi->fb = (struct boot_framebuffer){
        .base = fb->base,
        .pitch = fb->pitch,
        .width = fb->width,
        .height = fb->height,
        .bpp = fb->bpp,
        .red_pos = fb->red_pos,
        .red_size = fb->red_size,
        .green_pos = fb->green_pos,
        .green_size = fb->green_size,
        .blue_pos = fb->blue_pos,
        .blue_size = fb->blue_size,
    };
}

static void read_rsdp(const struct mb2_tag *tag, struct bootinfo *bi)
{
    size_t n = tag->size - sizeof(*tag);

    if (bi->rsdp && tag->type == TAG_RSDP1) /* the newer one is there already */
        return;
    memcpy(rsdp_copy, tag + 1, MIN(n, sizeof(rsdp_copy)));
    bi->rsdp = image_to_phys(rsdp_copy);
}

static void read_tag(const struct mb2_tag *tag, struct bootinfo *bi, struct boot_map *map)
{
    switch (tag->type) {
    case TAG_CMDLINE:
        boot_set_cmdline(bi, (const char *)(tag + 1), tag->size - sizeof(*tag));
        break;
    case TAG_MODULE:
        read_module(tag, bi);
        break;
    case TAG_MMAP:
        read_mmap(tag, map);
        break;
    case TAG_FB:
        read_fb(tag, bi);
        break;
    case TAG_RSDP1:
    case TAG_RSDP2:
        read_rsdp(tag, bi);
        break;
    }
}

void multiboot2_read(paddr_t info, struct bootinfo *bi, struct boot_map *map)
{
    const struct mb2_info *head = boot_bytes(info, sizeof(*head), "multiboot2 block");
    const u8 *block = boot_bytes(info, head->size, "multiboot2 block");
    u64 at = sizeof(*head);

    bi->protocol = "multiboot2";
    while (at + sizeof(struct mb2_tag) <= head->size) {
        const struct mb2_tag *tag = (const void *)(block + at);

        if (tag->type == TAG_END)
            break;
        if (tag->size < sizeof(*tag) || tag->size > head->size - at)
            panic("boot: multiboot2 tag %u has a bad size of %u bytes", tag->type,
                  tag->size);
        read_tag(tag, bi, map);
        at = align_up(at + tag->size, 8);
    }
    if (map->n == 0)
        panic("boot: the multiboot2 loader gave no memory map");
}
