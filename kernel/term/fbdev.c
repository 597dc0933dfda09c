/* SPDX-License-Identifier: MIT
 *
 * /dev/fb0, the framebuffer as Linux' programs know it (docs/reference/fb0.md).
 *
 * What programs map is a shadow: an object of ordinary pages, so that every call of the
 * memory system works on it as on any file. Once it was mapped, each tick shows a quarter of
 * it: words that differ from what was shown last go to the screen, all others, also those
 * that the text console drew meanwhile, stay what they are. The screen is read once, when
 * the first file is opened, and never again.
 */
#include "kernel/term/fbdev.h"
#include "arch/framebuffer.h"
#include "arch/time.h"
#include "fs/file.h"
#include "kernel/devices.h"
#include "kernel/main.h"
#include "kernel/task/sched/timer.h"
#include "kernel/task/uaccess.h"
#include "kernel/term/tty.h"
#include "kernel/term/tty_ioctl.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fb.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"

#define FB_DEVICE DEVICE(29, 0)
#define SLICES    4u        /* ticks in which all of the shadow is looked at */
#define PERIOD    10000000u /* ns between two of them: the tick's */

struct shadow_page {
    struct page *now;   /* of the object, pinned */
    struct page *shown; /* what the screen was given last */
};

struct fbdev {
    const struct boot_framebuffer *info; /* [c] */
    volatile u8 *screen;                 /* [c] */
    u32 line;                            /* [c] bytes of a line in the shadow */
    size_t nbytes, npages;               /* [c] of the shadow */
    struct mutex open_lock;              /* nopen and the life of what follows */
    u32 nopen;
    bool mapped;
    struct vm_object *object; /* the shadow */
    struct shadow_page *pages;
    spinlock_t show_lock; /* irq-safe: what is shown, against the tick */
    struct ktimer timer;
    size_t next; /* page the next tick begins with */
};

static struct fbdev fb;

/* ---- from the shadow to the screen ---- */

/* Byte `offset` of the shadow on the screen, whose lines may be longer. */
static volatile u8 *on_screen(size_t offset)
{
    return fb.screen + offset / fb.line * fb.info->pitch + offset % fb.line;
}

/* Shows n bytes that lie in one line. */
static void show_run(const u8 *from, u8 *shown, volatile u8 *to, size_t n)
{
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        u64 word = READ_ONCE(*(const u64 *)(from + i));

        if (word != *(u64 *)(shown + i)) {
            *(u64 *)(shown + i) = word;
            *(volatile u64 *)(to + i) = word;
        }
    }
    for (; i < n; i++) {
        u8 byte = READ_ONCE(from[i]);

        if (byte != shown[i])
            shown[i] = to[i] = byte;
    }
}

static void show_page(size_t page)
{
    const u8 *now = page_to_virt(fb.pages[page].now);
    u8 *shown = page_to_virt(fb.pages[page].shown);
    size_t offset = page << PAGE_SHIFT, end = MIN(offset + PAGE_SIZE, fb.nbytes);

    while (offset < end) {
        size_t n = MIN(end - offset, fb.line - offset % fb.line), at = offset % PAGE_SIZE;

        show_run(now + at, shown + at, on_screen(offset), n);
        offset += n;
    }
}

static void show_pages(size_t first, size_t last)
{
    for (size_t i = first; i < last; i++) {
        irqflags_t flags = spin_lock_irq(&fb.show_lock);

        show_page(i);
        spin_unlock_irq(&fb.show_lock, flags);
    }
}

static u64 show_slice(struct ktimer *t)
{
    size_t last = MIN(fb.next + (fb.npages + SLICES - 1) / SLICES, fb.npages);

    (void)t;
    show_pages(fb.next, last);
    fb.next = last < fb.npages ? last : 0;
    return clock_monotonic_ns() + PERIOD;
}

/* ---- life of the shadow ---- */

static void shadow_drop(void)
{
    for (size_t i = 0; fb.pages && i < fb.npages; i++) {
        if (fb.pages[i].now)
            page_put(fb.pages[i].now);
        if (fb.pages[i].shown)
            page_free(fb.pages[i].shown, 0);
    }
    kfree(fb.pages);
    fb.pages = NULL;
    if (fb.object)
        object_put(fb.object);
    fb.object = NULL;
    fb.mapped = false;
}

static int shadow_alloc(void)
{
    int err = 0;

    fb.object = object_create(fb.npages << PAGE_SHIFT);
    fb.pages = kzalloc(fb.npages * sizeof(*fb.pages));
    if (!fb.object || !fb.pages)
        err = -ENOMEM;
    for (size_t i = 0; i < fb.npages && !err; i++) {
        err = object_get_page(fb.object, i, &fb.pages[i].now);
        fb.pages[i].shown = page_alloc(0, PA_USER);
        if (!err && !fb.pages[i].shown)
            err = -ENOMEM;
    }
    if (err)
        shadow_drop();
    else
        fb.object->sealed = true; /* its pages are for ever: no MADV_REMOVE */
    return err;
}

/* The shadow begins as what is on the screen now. */
static void shadow_fill(void)
{
    for (size_t offset = 0, n; offset < fb.nbytes; offset += n) {
        struct shadow_page *p = &fb.pages[offset >> PAGE_SHIFT];
        size_t at = offset % PAGE_SIZE;

        n = MIN(MIN(PAGE_SIZE - at, fb.line - offset % fb.line), fb.nbytes - offset);
        memcpy((u8 *)page_to_virt(p->now) + at, (const void *)on_screen(offset), n);
        memcpy((u8 *)page_to_virt(p->shown) + at, (u8 *)page_to_virt(p->now) + at, n);
    }
}

static int fb_open(struct file *f)
{
    int err = 0;

    (void)f;
    mutex_lock(&fb.open_lock);
    if (fb.nopen == 0) {
        err = shadow_alloc();
        if (!err)
            shadow_fill();
    }
    if (!err)
        fb.nopen++;
    mutex_unlock(&fb.open_lock);
    return err;
}

/* Mappings hold the file: after the last one nobody can write any more. */
static void fb_release(struct file *f)
{
    (void)f;
    mutex_lock(&fb.open_lock);
    if (--fb.nopen == 0) {
        ktimer_cancel(&fb.timer);
        if (fb.mapped)
            show_pages(0, fb.npages);
        shadow_drop();
        if (console_tty.mode != KD_TEXT) /* it died, or forgot */
            tty_set_mode(&console_tty, KD_TEXT);
    }
    mutex_unlock(&fb.open_lock);
}

static int fb_mmap(struct file *f, bool shared, struct vm_object **out)
{
    (void)f;
    if (shared) {
        mutex_lock(&fb.open_lock);
        if (!fb.mapped)
            ktimer_set(&fb.timer, clock_monotonic_ns() + PERIOD);
        fb.mapped = true;
        mutex_unlock(&fb.open_lock);
    }
    object_get(fb.object);
    *out = fb.object;
    return 0;
}

/* ---- read, write, lseek ---- */

static ssize_t fb_read(struct file *f, struct uio *u, u64 *pos)
{
    size_t done = 0;

    (void)f;
    while (u->left && *pos < fb.nbytes) {
        size_t offset = *pos % PAGE_SIZE, part = MIN(u->left, PAGE_SIZE - offset), n;

        part = MIN(part, fb.nbytes - *pos);
        n = uio_copy_to(u, (u8 *)page_to_virt(fb.pages[*pos >> PAGE_SHIFT].now) + offset,
                        part);
        done += n;
        *pos += n;
        if (n < part)
            return done ? (ssize_t)done : -EFAULT;
    }
    return (ssize_t)done;
}

/* What is written shows at once. */
static ssize_t fb_write(struct file *f, struct uio *u, u64 *pos)
{
    size_t done = 0;

    (void)f;
    if (*pos > fb.nbytes)
        return -EFBIG;
    while (u->left && *pos < fb.nbytes) {
        size_t page = *pos >> PAGE_SHIFT, offset = *pos % PAGE_SIZE, n;
        size_t part = MIN(u->left, PAGE_SIZE - offset);

        part = MIN(part, fb.nbytes - *pos);
        n = uio_copy_from(u, (u8 *)page_to_virt(fb.pages[page].now) + offset, part);
        show_pages(page, page + 1);
        done += n;
        *pos += n;
        if (n < part)
            return done ? (ssize_t)done : -EFAULT;
    }
    return done || !u->left ? (ssize_t)done : -ENOSPC;
}

/* As on Linux the end is where the device's node ends: at 0. */
static s64 fb_lseek(struct file *f, s64 offset, int whence)
{
    s64 base = whence == SEEK_CUR ? (s64)f->pos : 0;

    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
        return -EINVAL;
    if (__builtin_add_overflow(base, offset, &base) || base < 0)
        return -EINVAL;
    f->pos = (u64)base;
    return base;
}

/* ---- requests ---- */

static struct fb_bitfield field(u8 pos, u8 size)
{
    return (struct fb_bitfield){.offset = pos, .length = size};
}

static struct fb_var_screeninfo var_info(void)
{
    const struct boot_framebuffer *i = fb.info;

    return (struct fb_var_screeninfo){.xres = i->width,
                                      .yres = i->height,
                                      .xres_virtual = i->width,
                                      .yres_virtual = i->height,
                                      .bits_per_pixel = i->bpp,
                                      .red = field(i->red_pos, i->red_size),
                                      .green = field(i->green_pos, i->green_size),
                                      .blue = field(i->blue_pos, i->blue_size),
                                      .height = ~0u,
                                      .width = ~0u};
}

static int get_fix(uintptr_t arg)
{
    struct fb_fix_screeninfo fix = {.id = "Tessera",
                                    .smem_len = (u32)(fb.npages << PAGE_SHIFT),
                                    .type = FB_TYPE_PACKED_PIXELS,
                                    .visual = FB_VISUAL_TRUECOLOR,
                                    .line_length = fb.line};

    return copy_to_user(arg, &fix, sizeof(fix));
}

static bool same_field(const struct fb_bitfield *a, const struct fb_bitfield *b)
{
    return a->offset == b->offset && a->length == b->length;
}

/* The mode cannot be changed: asking for the present one is all that works. */
static int put_var(uintptr_t arg)
{
    struct fb_var_screeninfo want, have = var_info();
    int err = copy_from_user(&want, arg, sizeof(want));

    if (err)
        return err;
    if (want.xres != have.xres || want.yres != have.yres ||
        want.xres_virtual != have.xres || want.yres_virtual != have.yres ||
        want.xoffset || want.yoffset || want.bits_per_pixel != have.bits_per_pixel ||
        want.rotate || !same_field(&want.red, &have.red) ||
        !same_field(&want.green, &have.green) || !same_field(&want.blue, &have.blue))
        return -EINVAL;
    return copy_to_user(arg, &have, sizeof(have));
}

/* There is nothing to pan to; it shows what is drawn so far, without waiting for ticks. */
static int pan(uintptr_t arg)
{
    struct fb_var_screeninfo want, have = var_info();
    int err = copy_from_user(&want, arg, sizeof(want));

    if (err)
        return err;
    if (want.xoffset || want.yoffset)
        return -EINVAL;
    show_pages(0, fb.npages);
    return copy_to_user(arg, &have, sizeof(have));
}

static long fb_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    struct fb_var_screeninfo var = var_info();

    (void)f;
    switch (cmd) {
    case FBIOGET_VSCREENINFO:
        return copy_to_user(arg, &var, sizeof(var));
    case FBIOPUT_VSCREENINFO:
        return put_var(arg);
    case FBIOGET_FSCREENINFO:
        return get_fix(arg);
    case FBIOPAN_DISPLAY:
        return pan(arg);
    case FBIOBLANK:
        return arg == FB_BLANK_UNBLANK ? 0 : -EINVAL;
    default:
        return -ENOTTY;
    }
}

static const struct file_ops fb_ops = {.open = fb_open,
                                       .release = fb_release,
                                       .read = fb_read,
                                       .write = fb_write,
                                       .lseek = fb_lseek,
                                       .ioctl = fb_ioctl,
                                       .mmap = fb_mmap};

void fbdev_init(void)
{
    fb.info = framebuffer_info();
    if (!fb.info)
        return;
    fb.screen = framebuffer_memory();
    fb.line = fb.info->width * (fb.info->bpp / 8);
    fb.nbytes = (size_t)fb.line * fb.info->height;
    fb.npages = (fb.nbytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
    mutex_init(&fb.open_lock);
    ktimer_init(&fb.timer, show_slice);
    device_add("fb0", FB_DEVICE, 0660, &fb_ops);
}
