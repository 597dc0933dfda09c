/* SPDX-License-Identifier: MIT
 *
 * PCI functions for the hardware report. BARs are shown as firmware left them: asking for
 * their sizes would switch decoding off under running drivers.
 */
#include "arch/x86_64/drivers/pci/hwpci.h"
#include "arch/x86_64/drivers/pci/pci.h"
#include "kernel/procfs/seq.h"

/* PCI Code and ID Assignment Specification 1.11, chapter 1. */
static const struct {
    u8 class, subclass;
    const char *name;
} classes[] = {
    {0x01, 0x01, "IDE controller"},  {0x01, 0x06, "SATA controller"},
    {0x01, 0x08, "NVMe controller"}, {0x02, 0x00, "Ethernet"},
    {0x02, 0x80, "network"},         {0x03, 0x00, "VGA display"},
    {0x03, 0x80, "display"},         {0x04, 0x03, "audio"},
    {0x06, 0x00, "host bridge"},     {0x06, 0x01, "ISA bridge"},
    {0x06, 0x04, "PCI bridge"},      {0x06, 0x80, "bridge"},
    {0x08, 0x05, "SD host"},         {0x0c, 0x03, "USB controller"},
    {0x0c, 0x05, "SMBus"},
};

static const char *class_name(const struct pci_device *d)
{
    for (u32 i = 0; i < ARRAY_SIZE(classes); i++) {
        if (classes[i].class == d->class && classes[i].subclass == d->subclass)
            return classes[i].name;
    }
    return "other";
}

static bool show(const struct pci_device *d, void *arg)
{
    struct seq *s = arg;
    /* Only the plain layout has six BARs; bridges have two. */
    u32 layout = pci_read(d, PCI_HEADER) >> 16 & 0x7f;
    u32 bars = layout == 0 ? 6 : layout == 1 ? 2 : 0;

    seq_printf(s, "%02x:%02x.%u %04x:%04x %02x%02x%02x %s\n", d->bus, d->slot,
               d->function, d->vendor, d->device, d->class, d->subclass, d->interface,
               class_name(d));
    for (u32 i = 0; i < bars; i++) {
        bool wide = (pci_read(d, PCI_BAR0 + i * 4) & 7) == 4;
        paddr_t base = wide && i + 1 == bars ? 0 : pci_bar(d, i, NULL);

        if (base)
            seq_printf(s, "  BAR %u at %#lx\n", i, base);
        i += wide;
    }
    return true;
}

void hwreport_pci(struct seq *s)
{
    seq_puts(s, "\n[pci]\n");
    if (!pci_present()) {
        seq_puts(s, "none\n");
        return;
    }
    pci_for_each(show, s);
}
