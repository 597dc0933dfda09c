/* SPDX-License-Identifier: MIT
 *
 * PCI configuration space by ports. All buses are looked at by number instead of along the
 * bridges: what firmware numbered is found even where a bridge lies about what is behind.
 */
#include "arch/x86_64/drivers/pci/pci.h"

#include "arch/x86_64/cpu/asm.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define ENABLE       0x80000000u

#define NOTHING      0xffffffffu
#define HEADER_MULTI (1u << 23)
#define BAR_IO       0x1u
#define BAR_64(bar)  (((bar)&0x6) == 0x4)
#define BAR_ADDRESS  0xfffffff0u

static void select(const struct pci_device *d, u32 offset)
{
    outl(PORT_ADDRESS, ENABLE | (u32)d->bus << 16 | (u32)d->slot << 11 |
                           (u32)d->function << 8 | (offset & 0xfc));
}

bool pci_present(void)
{
    u32 old = inl(PORT_ADDRESS);
    bool present;

    outl(PORT_ADDRESS, ENABLE);
    present = inl(PORT_ADDRESS) == ENABLE;
    outl(PORT_ADDRESS, old);
    return present;
}

u32 pci_read(const struct pci_device *d, u32 offset)
{
    select(d, offset);
    return inl(PORT_DATA);
}

void pci_write(const struct pci_device *d, u32 offset, u32 value)
{
    select(d, offset);
    outl(PORT_DATA, value);
}

/* What the BAR keeps of all ones, as a size. */
static u64 bar_size(const struct pci_device *d, u32 offset, bool wide)
{
    u32 command = pci_read(d, PCI_COMMAND) & 0xffff;
    u32 low = pci_read(d, offset), high = wide ? pci_read(d, offset + 4) : 0;
    u64 mask;

    pci_write(d, PCI_COMMAND, command & ~(PCI_COMMAND_MEMORY | PCI_COMMAND_IO));
    pci_write(d, offset, ~0u);
    mask = pci_read(d, offset) & BAR_ADDRESS;
    pci_write(d, offset, low);
    if (wide) {
        pci_write(d, offset + 4, ~0u);
        mask |= (u64)pci_read(d, offset + 4) << 32;
        pci_write(d, offset + 4, high);
    } else {
        mask |= 0xffffffff00000000ull;
    }
    pci_write(d, PCI_COMMAND, command);
    return ~mask + 1;
}

paddr_t pci_bar(const struct pci_device *d, u32 index, u64 *nbytes)
{
    u32 offset = PCI_BAR0 + index * 4;
    u32 low = pci_read(d, offset);
    bool wide = BAR_64(low);
    paddr_t base = low & BAR_ADDRESS;

    if (low == NOTHING || low & BAR_IO)
        return 0;
    if (wide)
        base |= (u64)pci_read(d, offset + 4) << 32;
    if (base && nbytes)
        *nbytes = bar_size(d, offset, wide);
    return base;
}

/* Fills the rest of *d; false when nothing answers there. */
static bool identify(struct pci_device *d)
{
    u32 id = pci_read(d, PCI_ID), class;

    if (id == NOTHING || id == 0)
        return false;
    class = pci_read(d, PCI_CLASS);
    d->vendor = (u16)id;
    d->device = (u16)(id >> 16);
    d->class = (u8)(class >> 24);
    d->subclass = (u8)(class >> 16);
    d->interface = (u8)(class >> 8);
    return true;
}

void pci_for_each(bool (*visit)(const struct pci_device *d, void *arg), void *arg)
{
    if (!pci_present())
        return;
    for (u32 bus = 0; bus < 256; bus++) {
        for (u32 slot = 0; slot < 32; slot++) {
            u32 functions = 1;

            for (u32 fn = 0; fn < functions; fn++) {
                struct pci_device d = {
                    .bus = (u8)bus, .slot = (u8)slot, .function = (u8)fn};

                if (!identify(&d))
                    continue;
                if (fn == 0 && pci_read(&d, PCI_HEADER) & HEADER_MULTI)
                    functions = 8;
                if (!visit(&d, arg))
                    return;
            }
        }
    }
}
