/* SPDX-License-Identifier: MIT
 *
 * Normalises a firmware memory map: every entry becomes two events (it begins, it ends),
 * the events are sorted by address, and one sweep emits for each stretch between two
 * events the strongest type that covers it.
 */
#include "arch/x86_64/boot/memmap.h"
#include "lib/sort.h"

#define LOW_MEMORY 0x100000ull
#define TYPES      7

/* Entries that usable memory leaves free: the kernel, the initramfs and the framebuffer come
 * after the firmware's map, however long that is. */
#define RESERVATIONS 8

struct event {
    paddr_t addr;
    u32 type;
    s32 step; /* +1: an entry of this type begins, -1: it ends */
};

static struct event events[2 * (MEMMAP_RAW_MAX + 1)];

/* Strongest first. */
static const u8 strength[] = {BOOT_MEM_LOADER,   BOOT_MEM_BAD,  BOOT_MEM_NVS,
                              BOOT_MEM_RESERVED, BOOT_MEM_ACPI, BOOT_MEM_USABLE};

void memmap_init(struct boot_map *m)
{
    m->n = 0;
    m->full = false;
}

void memmap_add(struct boot_map *m, paddr_t base, u64 len, enum boot_mem type)
{
    if (len == 0)
        return;
    if (len > ~base) /* would wrap: ends at the top */
        len = ~base;
    /* Losing usable memory is a pity, losing a reservation is fatal. */
    if (m->n >= MEMMAP_RAW_MAX - (type == BOOT_MEM_USABLE ? RESERVATIONS : 0)) {
        m->full |= type != BOOT_MEM_USABLE;
        return;
    }
    m->raw[m->n++] = (struct boot_range){.base = base, .len = len, .type = type};
}

void memmap_add_e820(struct boot_map *m, paddr_t base, u64 len, u32 e820_type)
{
    switch (e820_type) {
    case 1:
        memmap_add(m, base, len, BOOT_MEM_USABLE);
        break;
    case 3:
        memmap_add(m, base, len, BOOT_MEM_ACPI);
        break;
    case 4:
        memmap_add(m, base, len, BOOT_MEM_NVS);
        break;
    case 5:
        memmap_add(m, base, len, BOOT_MEM_BAD);
        break;
    default:
        memmap_add(m, base, len, BOOT_MEM_RESERVED);
    }
}

bool memmap_is_ram(const struct boot_map *m, paddr_t base, u64 len)
{
    paddr_t end = base + len;

    if (end < base)
        return false;
    while (base < end) {
        paddr_t next = base;

        for (u32 i = 0; i < m->n; i++) {
            const struct boot_range *r = &m->raw[i];

            if (r->type == BOOT_MEM_USABLE && r->base <= base && r->base + r->len > next)
                next = r->base + r->len;
        }
        if (next == base)
            return false;
        base = next;
    }
    return true;
}

static bool is_claimed(const struct boot_map *m, paddr_t base, u64 len)
{
    for (u32 i = 0; i < m->n; i++) {
        const struct boot_range *r = &m->raw[i];

        if (r->type != BOOT_MEM_USABLE && r->base < base + len && r->base + r->len > base)
            return true;
    }
    return false;
}

paddr_t memmap_low_page(const struct boot_map *m)
{
    for (paddr_t pa = LOW_MEMORY - PAGE_SIZE; pa; pa -= PAGE_SIZE) {
        if (memmap_is_ram(m, pa, PAGE_SIZE) && !is_claimed(m, pa, PAGE_SIZE))
            return pa;
    }
    return 0;
}

static bool event_before(const void *a, const void *b)
{
    return ((const struct event *)a)->addr < ((const struct event *)b)->addr;
}

static u32 add_events(u32 n, paddr_t base, paddr_t end, u32 type)
{
    events[n++] = (struct event){base, type, 1};
    events[n++] = (struct event){end, type, -1};
    return n;
}

/* Removes entry i. */
static void drop_range(struct bootinfo *bi, u32 i)
{
    for (bi->nranges--; i < bi->nranges; i++)
        bi->ranges[i] = bi->ranges[i + 1];
}

/* Makes room for one more range: forgets the last reserved one, else the smallest. False
 * when a usable range of `len` bytes would itself be the smallest. */
static bool make_room(struct bootinfo *bi, u64 len)
{
    u32 smallest = bi->nranges;

    for (u32 i = bi->nranges; i-- > 0;) {
        u32 type = bi->ranges[i].type;

        if (type == BOOT_MEM_RESERVED || type == BOOT_MEM_BAD || type == BOOT_MEM_NVS) {
            drop_range(bi, i);
            return true;
        }
        if (type == BOOT_MEM_USABLE && bi->ranges[i].len < len) {
            len = bi->ranges[i].len;
            smallest = i;
        }
    }
    if (smallest == bi->nranges)
        return false;
    drop_range(bi, smallest);
    return true;
}

static void emit(struct bootinfo *bi, paddr_t base, paddr_t end, u32 type)
{
    if (type == BOOT_MEM_USABLE) {
        base = align_up(base, PAGE_SIZE);
        end = align_down(end, PAGE_SIZE);
    }
    if (type == 0 || base >= end)
        return;
    if (bi->nranges == BOOT_RANGES_MAX &&
        !make_room(bi, type == BOOT_MEM_USABLE ? end - base : ~0ull))
        return;
    bi->ranges[bi->nranges++] =
        (struct boot_range){.base = base, .len = end - base, .type = type};
}

static u32 strongest(const u32 count[TYPES])
{
    for (u32 i = 0; i < ARRAY_SIZE(strength); i++) {
        if (count[strength[i]])
            return strength[i];
    }
    return 0;
}

static void sweep(struct bootinfo *bi, u32 n)
{
    u32 count[TYPES] = {0};
    u32 type = 0; /* of the stretch that begins at `start` */
    paddr_t start = 0;

    for (u32 i = 0; i < n;) {
        paddr_t addr = events[i].addr;
        u32 next;

        for (; i < n && events[i].addr == addr; i++)
            count[events[i].type] += (u32)events[i].step;
        next = strongest(count);
        if (next == type)
            continue;
        emit(bi, start, addr, type);
        start = addr;
        type = next;
    }
}

u64 memmap_normalise(struct boot_map *m, paddr_t limit, struct bootinfo *bi)
{
    u32 n = add_events(0, 0, LOW_MEMORY, BOOT_MEM_RESERVED);
    u64 usable = 0;

    for (u32 i = 0; i < m->n; i++) {
        const struct boot_range *r = &m->raw[i];
        paddr_t end = MIN(r->base + r->len, limit);

        if (r->base < end)
            n = add_events(n, r->base, end, r->type);
    }
    sort(events, n, sizeof(events[0]), event_before);
    bi->nranges = 0;
    sweep(bi, n);
    for (u32 i = 0; i < bi->nranges; i++) {
        if (bi->ranges[i].type == BOOT_MEM_USABLE)
            usable += bi->ranges[i].len;
    }
    return usable;
}
