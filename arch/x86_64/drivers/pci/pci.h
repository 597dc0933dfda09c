/* SPDX-License-Identifier: MIT
 *
 * PCI configuration space through ports 0xcf8 and 0xcfc (PCI Local Bus 3.0, 3.2.2.3.2), and
 * the functions found on it. Configuration cycles take no lock: boot code and drivers'
 * set-up use them on one CPU.
 */
#pragma once

#include "lib/types.h"

/* Offsets in configuration space. */
enum {
    PCI_ID = 0x00,
    PCI_COMMAND = 0x04,
    PCI_CLASS = 0x08,  /* class, subclass, interface, revision: from the top byte down */
    PCI_HEADER = 0x0c, /* bits 16-22 layout, bit 23 several functions */
    PCI_BAR0 = 0x10,
    PCI_SUBORDINATE = 0x18, /* of a bridge: bus numbers */
    PCI_CAPABILITIES = 0x34,
};

#define PCI_COMMAND_IO     0x1u
#define PCI_COMMAND_MEMORY 0x2u
#define PCI_COMMAND_MASTER 0x4u

struct pci_device {
    u8 bus, slot, function;
    u8 class, subclass, interface;
    u16 vendor, device;
};

/* Whether configuration space answers at all. */
bool pci_present(void);

/* offset: a multiple of 4 below 256. All ones where nothing answers. */
u32 pci_read(const struct pci_device *d, u32 offset);
void pci_write(const struct pci_device *d, u32 offset, u32 value);

/* Address and size of memory BAR `index`, 32 or 64 bits wide; 0 when there is none, it is
 * of I/O space or firmware assigned nothing. nbytes may be NULL; asking for the size
 * switches the function's memory decoding off for a moment. */
paddr_t pci_bar(const struct pci_device *d, u32 index, u64 *nbytes);

/* Calls visit for each function, buses in order of their numbers; ends early on false.
 * Bounded by 256 buses. */
void pci_for_each(bool (*visit)(const struct pci_device *d, void *arg), void *arg);
