/* SPDX-License-Identifier: MIT
 *
 * Registers that ACPI tables name: in I/O space, in memory, in PCI configuration space.
 * Those in memory are mapped at boot, because they are used when nothing may be allocated.
 */
#include "arch/x86_64/acpi/register.h"
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/drivers/pci/pci.h"
#include "arch/x86_64/mmu/mmu.h"
#include "lib/log.h"

#define REGISTERS_MAX 8u

static struct {
    paddr_t pa;
    volatile u8 *va;
} mapped[REGISTERS_MAX];
static u32 nmapped;

static bool in_ram(paddr_t pa, const struct bootinfo *bi)
{
    for (u32 i = 0; i < bi->nranges; i++) {
        const struct boot_range *r = &bi->ranges[i];

        if ((r->type == BOOT_MEM_USABLE || r->type == BOOT_MEM_LOADER) && pa >= r->base &&
            pa < r->base + r->len)
            return true;
    }
    return false;
}

volatile void *acpi_register_map(struct acpi_register *r, const char *name,
                                 const struct bootinfo *bi)
{
    if (!r->present || r->space != ACPI_MEMORY)
        return NULL;
    if (r->addr >> cpu_features.phys_bits || r->addr % PAGE_SIZE > PAGE_SIZE - 4 ||
        in_ram(r->addr, bi) || nmapped == REGISTERS_MAX) {
        printk("acpi: %s register at %#lx cannot be right, not used\n", name,
               (unsigned long)r->addr);
        r->present = false;
        return NULL;
    }
    mapped[nmapped].pa = r->addr;
    mapped[nmapped].va = fixmap_device(r->addr);
    return mapped[nmapped++].va;
}

/* The register is one of those mapped: present says so. */
static volatile void *address_of(const struct acpi_register *r)
{
    u32 i = 0;

    while (i + 1 < nmapped && mapped[i].pa != r->addr)
        i++;
    return mapped[i].va;
}

static struct pci_device pci_function(const struct acpi_register *r)
{
    return (struct pci_device){.slot = (u8)(r->addr >> 32 & 31),
                               .function = (u8)(r->addr >> 16 & 7)};
}

u32 acpi_register_read(const struct acpi_register *r, u32 bits)
{
    u16 port = (u16)r->addr;

    if (r->space == ACPI_IO)
        return bits == 8 ? inb(port) : bits == 16 ? inw(port) : inl(port);
    if (r->space == ACPI_MEMORY) {
        volatile void *p = address_of(r);

        return bits == 8    ? *(volatile u8 *)p
               : bits == 16 ? *(volatile u16 *)p
                            : *(volatile u32 *)p;
    }
    const struct pci_device d = pci_function(r);

    return pci_read(&d, r->addr & 0xfc) >> (r->addr % 4 * 8) &
           (u32)(((u64)1 << bits) - 1);
}

/* PCI: only bytes, which is what a reset register is. */
static void pci_write_byte(const struct acpi_register *r, u8 value)
{
    const struct pci_device d = pci_function(r);
    u32 shift = r->addr % 4 * 8, offset = r->addr & 0xfc;

    pci_write(&d, offset,
              (pci_read(&d, offset) & ~(0xffu << shift)) | (u32)value << shift);
}

void acpi_register_write(const struct acpi_register *r, u32 bits, u32 value)
{
    u16 port = (u16)r->addr;

    if (r->space == ACPI_PCI_CONFIG) {
        pci_write_byte(r, (u8)value);
    } else if (r->space == ACPI_MEMORY) {
        volatile void *p = address_of(r);

        if (bits == 8)
            *(volatile u8 *)p = (u8)value;
        else if (bits == 16)
            *(volatile u16 *)p = (u16)value;
        else
            *(volatile u32 *)p = value;
    } else if (bits == 8) {
        outb(port, (u8)value);
    } else if (bits == 16) {
        outw(port, (u16)value);
    } else {
        outl(port, value);
    }
}
