/* SPDX-License-Identifier: MIT
 *
 * The framebuffer by the Graphics Output Protocol (UEFI 2.10, 12.9): the mode that is set, or
 * the one the configuration asks for. A protocol that can only be drawn through (Blt) has
 * nothing for the kernel, and a machine without any is fine.
 */
#include "arch/x86_64/boot/uefi/gop.h"
#include "arch/x86_64/boot/uefi/console.h"
#include "arch/x86_64/boot/uefi/loader.h"

typedef EFI_GRAPHICS_OUTPUT_PROTOCOL gop_t;
typedef EFI_GRAPHICS_OUTPUT_MODE_INFORMATION gop_info_t;

static EFI_GUID gop_guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;

/* Position and width of a mask's bits; false when they do not stand together. */
static bool read_mask(u32 mask, u8 *pos, u8 *size)
{
    if (!mask)
        return false;
    *pos = (u8)__builtin_ctz(mask);
    mask >>= *pos;
    *size = (u8)(32 - __builtin_clz(mask));
    return (mask & (mask + 1)) == 0;
}

/* Colours and bytes per pixel; false when there is no linear framebuffer in this mode. */
static bool read_format(const gop_info_t *info, struct handover_framebuffer *fb)
{
    EFI_PIXEL_BITMASK m = info->PixelInformation;
    u32 all;

    if (info->PixelFormat == PixelRedGreenBlueReserved8BitPerColor)
        m = (EFI_PIXEL_BITMASK){0xff, 0xff00, 0xff0000, 0xff000000};
    else if (info->PixelFormat == PixelBlueGreenRedReserved8BitPerColor)
        m = (EFI_PIXEL_BITMASK){0xff0000, 0xff00, 0xff, 0xff000000};
    else if (info->PixelFormat != PixelBitMask)
        return false;
    if (!read_mask(m.RedMask, &fb->red_pos, &fb->red_size) ||
        !read_mask(m.GreenMask, &fb->green_pos, &fb->green_size) ||
        !read_mask(m.BlueMask, &fb->blue_pos, &fb->blue_size))
        return false;
    all = m.RedMask | m.GreenMask | m.BlueMask | m.ReservedMask;
    fb->bpp = (u8)((32 - __builtin_clz(all) + 7) / 8 * 8);
    fb->width = info->HorizontalResolution;
    fb->height = info->VerticalResolution;
    fb->pitch = info->PixelsPerScanLine * (fb->bpp / 8u);
    return fb->width && fb->height && info->PixelsPerScanLine >= fb->width &&
           info->PixelsPerScanLine <= CONFIG_SCREEN_MAX;
}

static void set_mode(gop_t *gop, u32 width, u32 height)
{
    for (u32 i = 0; i < gop->Mode->MaxMode; i++) {
        struct handover_framebuffer fb = {0};
        gop_info_t *info;
        UINTN nbytes;
        bool fits;

        if (EFI_ERROR(gop->QueryMode(gop, i, &nbytes, &info)))
            continue;
        fits = read_format(info, &fb) && fb.width == width && fb.height == height;
        BOOT->FreePool(info);
        if (!fits)
            continue;
        if (i != gop->Mode->Mode && EFI_ERROR(gop->SetMode(gop, i)))
            say("screen: the firmware could not set %ux%u\n", width, height);
        return;
    }
    say("screen: there is no mode %ux%u\n", width, height);
}

static bool take(gop_t *gop, struct handover_framebuffer *fb)
{
    struct handover_framebuffer found = {0};

    if (!gop->Mode || !gop->Mode->Info || !read_format(gop->Mode->Info, &found) ||
        !gop->Mode->FrameBufferBase)
        return false;
    found.base = gop->Mode->FrameBufferBase;
    *fb = found;
    return true;
}

/* The console's own first, then any: with several screens the console's may be Blt only. */
static gop_t *find_gop(void)
{
    struct handover_framebuffer fb;
    EFI_HANDLE *handles;
    gop_t *gop, *first = NULL;
    UINTN n = 0;

    if (!EFI_ERROR(BOOT->HandleProtocol(loader_table->ConsoleOutHandle, &gop_guid,
                                        (void **)&gop)) &&
        take(gop, &fb))
        return gop;
    if (EFI_ERROR(BOOT->LocateHandleBuffer(ByProtocol, &gop_guid, NULL, &n, &handles)))
        return NULL;
    for (UINTN i = 0; i < n && !first; i++) {
        if (!EFI_ERROR(BOOT->HandleProtocol(handles[i], &gop_guid, (void **)&gop)) &&
            take(gop, &fb))
            first = gop;
    }
    BOOT->FreePool(handles);
    return first;
}

void screen_set_up(const struct config *c, struct handover_framebuffer *fb)
{
    gop_t *gop = find_gop();

    if (gop && c->width)
        set_mode(gop, c->width, c->height);
    if (gop && take(gop, fb))
        say("screen: %ux%u, %u bits, at 0x%llx\n", fb->width, fb->height, fb->bpp,
            fb->base);
    else
        say("screen: no framebuffer that can be handed over\n");
}
