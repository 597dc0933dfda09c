/* SPDX-License-Identifier: MIT
 *
 * Memory for what is handed over, and the end of the boot services (UEFI 2.10, 7.2 and 7.4).
 * The map must be the newest when ExitBootServices is called, so its buffers are there
 * before, with room for the map to grow; allocating a larger one is the only thing allowed
 * between two attempts.
 */
#include "arch/x86_64/boot/uefi/memory.h"
#include "arch/x86_64/boot/uefi/console.h"
#include "arch/x86_64/boot/uefi/efimap.h"
#include "arch/x86_64/boot/uefi/loader.h"
#include "lib/string.h"

#define SLACK    64 /* descriptors the map may grow by */
#define KEEP_MAX 4
#define ATTEMPTS 8
#define HELD_MAX 16

_Static_assert(sizeof(struct efimap_descriptor) == sizeof(EFI_MEMORY_DESCRIPTOR),
               "the firmware's descriptor");

static struct {
    u64 raw; /* the firmware's descriptors */
    UINTN raw_size;
    u64 ranges; /* the same, converted */
    u64 ranges_size;
} map;

/* What was taken and not given back: all of it goes back when the boot fails. */
static struct {
    u64 address, pages;
} held[HELD_MAX];
static u32 nheld;

static u64 pages_of(u64 nbytes)
{
    return (nbytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

u64 pages_get(const char *what, EFI_MEMORY_TYPE type, u64 nbytes, u64 align)
{
    u64 slack = (align - PAGE_SIZE) >> PAGE_SHIFT, pages = pages_of(nbytes), head;
    EFI_PHYSICAL_ADDRESS at = BELOW_4G, address;
    EFI_STATUS status = EFI_OUT_OF_RESOURCES;

    if (nheld < HELD_MAX)
        status = BOOT->AllocatePages(AllocateMaxAddress, type, pages + slack, &at);
    if (EFI_ERROR(status)) {
        say("error: no memory below 4 GiB for %s (%llu KiB): %s\n", what,
            (unsigned long long)(pages * PAGE_SIZE >> 10), status_text(status));
        return 0;
    }
    address = align_up(at, align);
    head = (address - at) >> PAGE_SHIFT;
    if (head)
        BOOT->FreePages(at, head);
    if (slack - head)
        BOOT->FreePages(address + pages * PAGE_SIZE, slack - head);
    memset((void *)address, 0, pages * PAGE_SIZE);
    held[nheld].address = address;
    held[nheld++].pages = pages;
    return address;
}

static void free_held(u32 i)
{
    BOOT->FreePages(held[i].address, held[i].pages);
    held[i] = held[--nheld];
}

void pages_free(u64 address)
{
    for (u32 i = 0; i < nheld; i++) {
        if (held[i].address == address) {
            free_held(i);
            return;
        }
    }
}

void pages_free_all(void)
{
    while (nheld)
        free_held(0);
}

/* Buffers for a map of `nbytes` and what may be added to it. */
static EFI_STATUS get_buffers(UINTN nbytes, UINTN step)
{
    if (map.raw) {
        pages_free(map.raw);
        pages_free(map.ranges);
        map.raw = map.ranges = 0;
    }
    step = MAX(step, sizeof(EFI_MEMORY_DESCRIPTOR));
    map.raw_size = nbytes + SLACK * step;
    map.ranges_size = (map.raw_size / step + KEEP_MAX) * sizeof(struct handover_range);
    map.raw = pages_get("the memory map", EfiLoaderData, map.raw_size, PAGE_SIZE);
    if (!map.raw)
        return EFI_OUT_OF_RESOURCES;
    map.ranges = pages_get("the memory map", EfiLoaderData, map.ranges_size, PAGE_SIZE);
    if (map.ranges)
        return EFI_SUCCESS;
    pages_free(map.raw);
    map.raw = 0;
    return EFI_OUT_OF_RESOURCES;
}

static EFI_STATUS get_map(UINTN *nbytes, UINTN *key, UINTN *step)
{
    UINT32 version;

    *nbytes = map.raw_size;
    return BOOT->GetMemoryMap(nbytes, (EFI_MEMORY_DESCRIPTOR *)map.raw, key, step,
                              &version);
}

EFI_STATUS memory_prepare(void)
{
    UINTN nbytes, key, step = 0;
    EFI_STATUS status = get_map(&nbytes, &key, &step);

    if (status != EFI_BUFFER_TOO_SMALL) {
        say("error: the firmware gives no memory map: %s\n", status_text(status));
        return EFI_ERROR(status) ? status : EFI_LOAD_ERROR;
    }
    return get_buffers(nbytes, step);
}

EFI_STATUS memory_leave(struct handover *h, const struct handover_range *keep, u32 nkeep)
{
    struct handover_range *ranges;
    UINTN nbytes = 0, key = 0, step = 0;
    EFI_STATUS status = EFI_ABORTED;

    for (u32 i = 0; i < ATTEMPTS && EFI_ERROR(status); i++) {
        status = get_map(&nbytes, &key, &step);
        if (!EFI_ERROR(status))
            status = BOOT->ExitBootServices(loader_image, key);
        else if (status == EFI_BUFFER_TOO_SMALL && EFI_ERROR(get_buffers(nbytes, step)))
            break;
    }
    if (EFI_ERROR(status))
        return status;
    ranges = (struct handover_range *)map.ranges;
    h->map = map.ranges;
    h->map_count = efimap_convert((const void *)map.raw, nbytes, step, ranges,
                                  (u32)(map.ranges_size / sizeof(*ranges)) - KEEP_MAX);
    for (u32 i = 0; i < MIN(nkeep, (u32)KEEP_MAX); i++)
        ranges[h->map_count++] = keep[i];
    return EFI_SUCCESS;
}
