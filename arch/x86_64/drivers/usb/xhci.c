/* SPDX-License-Identifier: MIT
 *
 * A controller from its registers to running (4.2), and its end. Interrupts stay off: the
 * event ring is polled. Nothing is believed of the registers before it is checked: offsets
 * must lie inside the BAR, a register that reads all ones is a controller that is gone.
 */
#include "arch/x86_64/drivers/usb/xhci.h"

#include "arch/time.h"
#include "arch/x86_64/cpu/asm.h"
#include "arch/x86_64/drivers/usb/legacy.h"
#include "arch/x86_64/drivers/usb/port.h"
#include "arch/x86_64/drivers/usb/trb.h"
#include "arch/x86_64/drivers/usb/usb.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"
#include "mm/phys/kspace.h"

#define REGISTERS_MIN 0x1000u
#define REGISTERS_MAX 0x100000u
#define GONE          0xffffffffu

#define HALT_MS  100u
#define RESET_MS 1000u

#define COMMAND_NO_INTX    0x400u /* of PCI */
#define CPUID_ADDRESS_BITS 0x80000008u

void *xhci_alloc(const struct xhci *x, unsigned order)
{
    struct page *pg = page_alloc(order, PA_ZERO);

    if (!pg)
        return NULL;
    if (!x->wide && page_to_phys(pg) + (PAGE_SIZE << order) > 1ull << 32) {
        printk("usb: controller %u reaches only 4 GiB, the free memory lies above\n",
               x->number);
        page_free(pg, order);
        return NULL;
    }
    return page_to_virt(pg);
}

void xhci_free(void *memory, unsigned order)
{
    if (memory)
        page_free(virt_to_page(memory), order);
}

static bool unusable(const struct xhci *x, const char *why)
{
    printk("usb: xHCI at %02x:%02x.%u not used: %s\n", x->pci.bus, x->pci.slot,
           x->pci.function, why);
    return false;
}

static bool read_layout(struct xhci *x)
{
    u32 length = xhci_read(x, CAP_LENGTH), params = xhci_read(x, CAP_PARAMS1);
    u32 hcc = xhci_read(x, CAP_HCC1), scratch = xhci_read(x, CAP_PARAMS2);

    if (length == GONE || params == GONE)
        return unusable(x, "its registers do not answer");
    x->op = length & 0xff;
    x->doorbells = xhci_read(x, CAP_DOORBELLS) & ~0x3u;
    x->runtime = xhci_read(x, CAP_RUNTIME) & ~0x1fu;
    x->nports = params >> 24;
    x->nslots = MIN(params & 0xff, XHCI_SLOTS);
    x->wide = hcc & HCC1_AC64;
    x->context_bytes = hcc & HCC1_CONTEXT_64 ? 64 : 32;
    x->extended = HCC1_EXTENDED(hcc);
    x->nscratch = (scratch >> 21 & 0x1f) << 5 | scratch >> 27;
    if (x->op < 0x20 || x->op + OP_PORTSC + x->nports * 16ull + 16 > x->nbytes ||
        x->doorbells + 4ull * (XHCI_SLOTS + 1) > x->nbytes ||
        x->runtime + 0x40ull > x->nbytes || x->nports == 0 || x->nslots == 0)
        return unusable(x, "its registers make no sense");
    if (!(xhci_read(x, x->op + OP_PAGESIZE) & 1))
        return unusable(x, "it does not use pages of 4 KiB");
    printk("usb: controller %u: xHCI %x.%02x at %02x:%02x.%u (%04x:%04x), %u ports\n",
           x->number, length >> 24, length >> 16 & 0xff, x->pci.bus, x->pci.slot,
           x->pci.function, x->pci.vendor, x->pci.device, x->nports);
    return true;
}

bool xhci_map(struct xhci *x, const struct pci_device *pci)
{
    paddr_t base;
    u32 command;

    x->pci = *pci;
    base = pci_bar(pci, 0, &x->nbytes);
    if (!base || base >> (cpuid(CPUID_ADDRESS_BITS, 0).eax & 0x3f))
        return unusable(x, "the firmware gave it no address");
    x->nbytes = MIN(x->nbytes, (u64)REGISTERS_MAX);
    if (x->nbytes < REGISTERS_MIN)
        return unusable(x, "its register window is too small");
    command = pci_read(pci, PCI_COMMAND) & 0xffff;
    pci_write(pci, PCI_COMMAND, command | PCI_COMMAND_MEMORY | COMMAND_NO_INTX);
    x->regs = kspace_map_device(base, x->nbytes);
    if (!x->regs)
        return unusable(x, "no memory");
    return read_layout(x);
}

/* ---- starting ---- */

/* Waits until the bits of `mask` in a register are `want`. */
static bool wait_register(const struct xhci *x, u32 offset, u32 mask, u32 want, u32 ms)
{
    u64 deadline = clock_monotonic_ns() + ms * 1000000ull;

    for (;;) {
        u32 value = xhci_read(x, offset);

        if (value != GONE && (value & mask) == want)
            return true;
        if (value == GONE || clock_monotonic_ns() >= deadline)
            return false;
        usb_sleep(1);
    }
}

void xhci_stop(const struct xhci *x)
{
    xhci_write(x, x->op + OP_COMMAND, xhci_read(x, x->op + OP_COMMAND) & ~COMMAND_RUN);
}

static bool halt(const struct xhci *x)
{
    xhci_stop(x);
    return wait_register(x, x->op + OP_STATUS, STATUS_HALTED, STATUS_HALTED, HALT_MS);
}

static bool reset(const struct xhci *x)
{
    if (!wait_register(x, x->op + OP_STATUS, STATUS_NOT_READY, 0, RESET_MS) || !halt(x))
        return false;
    xhci_write(x, x->op + OP_COMMAND, COMMAND_RESET);
    usb_sleep(1); /* some controllers hang when they are asked at once */
    return wait_register(x, x->op + OP_COMMAND, COMMAND_RESET, 0, RESET_MS) &&
           wait_register(x, x->op + OP_STATUS, STATUS_NOT_READY, 0, RESET_MS);
}

static unsigned scratch_order(const struct xhci *x)
{
    return x->nscratch * sizeof(u64) > PAGE_SIZE ? 1 : 0;
}

void xhci_release(struct xhci *x)
{
    for (u32 i = 0; x->scratch && i < x->nscratch && x->scratch[i]; i++)
        xhci_free(phys_to_virt(x->scratch[i]), 0);
    xhci_free(x->scratch, scratch_order(x));
    xhci_free(x->memory, MEMORY_ORDER);
    x->scratch = NULL;
    x->memory = NULL;
}

static bool alloc_memory(struct xhci *x)
{
    x->memory = xhci_alloc(x, MEMORY_ORDER);
    if (!x->memory)
        return false;
    if (!x->nscratch)
        return true;
    x->scratch = xhci_alloc(x, scratch_order(x));
    for (u32 i = 0; x->scratch && i < x->nscratch; i++) {
        void *page = xhci_alloc(x, 0);

        if (!page)
            return false;
        x->scratch[i] = virt_to_phys(page);
    }
    if (!x->scratch)
        return false;
    x->memory->contexts[0] = virt_to_phys(x->scratch);
    return true;
}

static void give_memory(struct xhci *x)
{
    struct xhci_memory *m = x->memory;

    trb_init(&x->commands, m->commands);
    m->segment = (struct event_segment){virt_to_phys(m->events), EVENT_TRBS, 0};
    x->event_next = 0;
    x->event_cycle = TRB_CYCLE;
    xhci_write(x, x->op + OP_CONFIG, x->nslots);
    xhci_write64(x, x->op + OP_DCBAAP, virt_to_phys(m->contexts));
    xhci_write64(x, x->op + OP_CRCR, virt_to_phys(m->commands) | TRB_CYCLE);
    xhci_write(x, x->runtime + RUN_ERSTSZ, 1);
    xhci_write64(x, x->runtime + RUN_ERDP, virt_to_phys(m->events));
    xhci_write64(x, x->runtime + RUN_ERSTBA, virt_to_phys(&m->segment));
}

static void set_master(const struct xhci *x, bool on)
{
    u32 command = pci_read(&x->pci, PCI_COMMAND) & 0xffff & ~PCI_COMMAND_MASTER;

    pci_write(&x->pci, PCI_COMMAND, command | (on ? PCI_COMMAND_MASTER : 0));
}

void xhci_start(struct xhci *x)
{
    bool ready = reset(x);

    set_master(x, false);
    if (!ready) {
        printk("usb: controller %u cannot be reset\n", x->number);
        return;
    }
    if (!alloc_memory(x)) {
        printk("usb: controller %u: no memory\n", x->number);
        xhci_release(x);
        return;
    }
    xhci_read_protocols(x);
    set_master(x, true); /* the segment table may be read as soon as it is named */
    give_memory(x);
    x->broken = false;
    WRITE_ONCE(x->running, true);
    xhci_write(x, x->op + OP_COMMAND, COMMAND_RUN);
    if (!wait_register(x, x->op + OP_STATUS, STATUS_HALTED, 0, HALT_MS)) {
        xhci_fail(x, "it does not start");
        xhci_release(x);
        return;
    }
    xhci_route_ports(x);
    root_power_all(x);
}

void xhci_fail(struct xhci *x, const char *why)
{
    if (!x->running)
        return;
    printk("usb: controller %u given up: %s\n", x->number, why);
    WRITE_ONCE(x->running, false);
    /* Without bus mastering it reaches no memory, halted or not. */
    halt(x);
    set_master(x, false);
}
