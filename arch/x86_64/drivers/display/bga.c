/* SPDX-License-Identifier: MIT
 *
 * The display adapter of Bochs and QEMU ("bochs dispi"): switched to a linear framebuffer
 * where the loader gave none, as PVH never does. Runs before the final page tables.
 *
 * Registers: Bochs, vgabios/vbe_display_api.txt (index and data port); QEMU,
 * specification "standard-vga" (the same registers flat in memory, BAR 2 + 0x500; the VGA
 * ports at BAR 2 + 0x400). The legacy-free variants have no ports, Bochs has no BAR 2.
 */
#include "arch/x86_64/drivers/display/bga.h"
#include "arch/mmu.h"
#include "arch/x86_64/cpu/asm.h"
#include "arch/x86_64/drivers/pci/pci.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "lib/log.h"
#include "lib/string.h"

#define BGA_VENDOR    0x1234
#define BGA_DEVICE    0x1111
#define CLASS_DISPLAY 0x03
#define EARLY_REACH   (1ull << 32) /* end of the early direct map */

#define PORT_INDEX 0x1ce
#define PORT_DATA  0x1cf
#define MMIO_VGA   0x400 /* port 0x3c0 */
#define MMIO_DISPI 0x500
#define MMIO_END   0x600

#define VGA_ATTRIBUTE 0x3c0
#define VGA_STATUS    0x3da /* reading it makes the next attribute write an index */
#define VGA_UNBLANK   0x20

enum { ID = 0, XRES = 1, YRES = 2, BPP = 3, ENABLE = 4, VIRT_WIDTH = 6 };

#define ID_FIRST  0xb0c2 /* the first with 32 bits a pixel and a linear framebuffer */
#define ID_LAST   0xb0cf
#define ENABLE_ON 0x01
#define LINEAR    0x40

#define WIDTH_DEFAULT  1024u
#define HEIGHT_DEFAULT 768u
#define SIDE_MAX       4096u

struct bga {
    volatile u8 *mmio; /* NULL: by ports */
    u32 width, height;
    struct boot_framebuffer *fb;
};

static u16 reg_read(const struct bga *b, u16 index)
{
    if (b->mmio)
        return *(volatile u16 *)(b->mmio + MMIO_DISPI + index * 2);
    outw(PORT_INDEX, index);
    return inw(PORT_DATA);
}

static void reg_write(const struct bga *b, u16 index, u32 value)
{
    if (b->mmio) {
        *(volatile u16 *)(b->mmio + MMIO_DISPI + index * 2) = (u16)value;
        return;
    }
    outw(PORT_INDEX, index);
    outw(PORT_DATA, (u16)value);
}

/* Without a video BIOS the VGA part starts with a blank screen. */
static void unblank(const struct bga *b)
{
    if (b->mmio) {
        (void)b->mmio[MMIO_VGA + VGA_STATUS - VGA_ATTRIBUTE];
        b->mmio[MMIO_VGA] = VGA_UNBLANK;
    } else {
        (void)inb(VGA_STATUS);
        outb(VGA_ATTRIBUTE, VGA_UNBLANK);
    }
}

/* True when the adapter says itself that it shows what was asked for. */
static bool mode_set(const struct bga *b)
{
    u16 id = reg_read(b, ID);

    if (id < ID_FIRST || id > ID_LAST)
        return false;
    reg_write(b, ENABLE, 0);
    reg_write(b, XRES, b->width);
    reg_write(b, YRES, b->height);
    reg_write(b, BPP, 32);
    reg_write(b, ENABLE, ENABLE_ON | LINEAR);
    reg_write(b, VIRT_WIDTH, b->width);
    unblank(b);
    if (reg_read(b, XRES) == b->width && reg_read(b, YRES) == b->height &&
        reg_read(b, BPP) == 32 && reg_read(b, VIRT_WIDTH) == b->width &&
        reg_read(b, ENABLE) & ENABLE_ON)
        return true;
    reg_write(b, ENABLE, 0);
    return false;
}

/* Takes the first adapter that works; false ends the search. */
static bool try_device(const struct pci_device *d, void *arg)
{
    struct bga *b = arg;
    u64 memory_size = 0, mmio_size = 0;
    paddr_t memory, mmio;

    if (d->vendor != BGA_VENDOR || d->device != BGA_DEVICE || d->class != CLASS_DISPLAY)
        return true;
    memory = pci_bar(d, 0, &memory_size);
    mmio = pci_bar(d, 2, &mmio_size);
    if (!memory || memory_size < (u64)b->width * b->height * 4)
        return true; /* firmware assigned no address, or too little memory */
    if (mmio && (mmio > EARLY_REACH - MMIO_END || mmio_size < MMIO_END))
        return true;
    if (!mmio && d->subclass != 0)
        return true; /* the ports belong to the VGA compatible one */
    pci_write(d, PCI_COMMAND, (pci_read(d, PCI_COMMAND) & 0xffff) | PCI_COMMAND_MEMORY);
    b->mmio = mmio ? phys_to_virt(mmio) : NULL;
    if (!mode_set(b))
        return true;
    *b->fb = (struct boot_framebuffer){.base = memory,
                                       .pitch = b->width * 4,
                                       .width = b->width,
                                       .height = b->height,
                                       .bpp = 32,
                                       .red_pos = 16,
                                       .red_size = 8,
                                       .green_pos = 8,
                                       .green_size = 8,
                                       .blue_pos = 0,
                                       .blue_size = 8};
    return false;
}

/* A decimal number of at most five digits at *s, which moves behind it; 0: none. */
static u32 take_number(const char **s)
{
    u32 n = 0;

    for (u32 i = 0; i < 5 && **s >= '0' && **s <= '9'; i++, (*s)++)
        n = n * 10 + (u32)(**s - '0');
    return n;
}

/* video=WIDTHxHEIGHT; the width is a multiple of 8, as the adapter wants it. */
static void choose_mode(struct bga *b)
{
    const char *wanted = cmdline_get("video"), *s = wanted;
    u32 width, height = 0;

    b->width = WIDTH_DEFAULT;
    b->height = HEIGHT_DEFAULT;
    if (!wanted)
        return;
    width = take_number(&s);
    if (*s == 'x') {
        s++;
        height = take_number(&s);
    }
    if (*s || width < 320 || height < 200 || width > SIDE_MAX || height > SIDE_MAX ||
        width % 8) {
        printk("screen: video=%s is no mode, taking %ux%u\n", wanted, b->width,
               b->height);
        return;
    }
    b->width = width;
    b->height = height;
}

void bga_init(struct bootinfo *bi)
{
    const char *wanted = cmdline_get("fb");
    struct bga b = {.fb = &bi->fb};

    if (bi->fb.base || (wanted && strcmp(wanted, "off") == 0))
        return;
    choose_mode(&b);
    pci_for_each(try_device, &b);
}
