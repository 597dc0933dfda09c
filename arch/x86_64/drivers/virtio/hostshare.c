/* SPDX-License-Identifier: MIT
 *
 * A virtio-9p device on PCI, by its legacy interface (virtio 0.9.5; 1.2, 4.1.4.8 "legacy
 * interface"): one queue, polled, with one chain of two buffers in it. Nothing that the device
 * writes is used as an index or a length before it was compared with what was asked.
 */
#include "arch/hostshare.h"
#include "arch/time.h"
#include "arch/x86_64/cpu/asm.h"
#include "arch/x86_64/drivers/pci/pci.h"
#include "lib/log.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page.h"

#define VENDOR    0x1af4u
#define DEVICE_9P 0x1009u

/* Registers, from the first port. */
#define REG_FEATURES     0x04u /* that the driver takes */
#define REG_QUEUE_FRAME  0x08u
#define REG_QUEUE_SIZE   0x0cu
#define REG_QUEUE_SELECT 0x0eu
#define REG_NOTIFY       0x10u
#define REG_STATUS       0x12u
#define REG_CONFIG       0x14u /* length of the tag, 16 bits; the tag */

#define STATUS_FOUND  1u
#define STATUS_DRIVER 2u
#define STATUS_READY  4u

#define QUEUE_MAX 1024u
#define NEXT      1u /* flags of descriptors */
#define WRITES    2u

#define PATIENCE_NS  20000000000ull
#define ANSWER_ORDER 4u
STATIC_ASSERT(PAGE_SIZE << ANSWER_ORDER == SHARE_ANSWER);

struct descriptor {
    u64 at;
    u32 len;
    u16 flags, next;
};

struct available {
    u16 flags, index, ring[];
};

struct used {
    u16 flags, index;
    struct {
        u32 id, len;
    } ring[];
};

static struct {
    u16 port, size, asked; /* asked: requests so far */
    struct descriptor *descriptors;
    struct available *available;
    volatile struct used *used;
    u8 *request, *answer;
    bool broken;
} share = {.broken = true};

static bool is_ours(const struct pci_device *d, void *arg)
{
    u32 bar = pci_read(d, PCI_BAR0);

    if (d->vendor != VENDOR || d->device != DEVICE_9P || !(bar & 1))
        return true;
    pci_write(d, PCI_COMMAND,
              (pci_read(d, PCI_COMMAND) & 0xffff) | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    *(u16 *)arg = (u16)(bar & 0xfffc);
    return false;
}

static int make_queue(u16 port)
{
    u32 size, order = 0;
    u64 used_at;
    struct page *ring, *request, *answer;

    outw(port + REG_QUEUE_SELECT, 0);
    size = inw(port + REG_QUEUE_SIZE);
    if (size < 2 || size > QUEUE_MAX || (size & (size - 1)))
        return -ENODEV;
    used_at = align_up(size * sizeof(struct descriptor) + 6 + 2 * size, PAGE_SIZE);
    while (PAGE_SIZE << order < used_at + 6 + 8 * size)
        order++;
    ring = page_alloc(order, PA_ZERO);
    request = page_alloc(0, PA_ZERO);
    answer = page_alloc(ANSWER_ORDER, PA_ZERO);
    if (!ring || !request || !answer) {
        if (ring)
            page_free(ring, order);
        if (request)
            page_free(request, 0);
        if (answer)
            page_free(answer, ANSWER_ORDER);
        return -ENOMEM;
    }
    share.port = port;
    share.size = (u16)size;
    share.descriptors = page_to_virt(ring);
    share.available = (void *)(share.descriptors + size);
    share.used = (void *)((u8 *)page_to_virt(ring) + used_at);
    share.request = page_to_virt(request);
    share.answer = page_to_virt(answer);
    outl(port + REG_QUEUE_FRAME, (u32)page_to_pfn(ring));
    return 0;
}

static void read_tag(u16 port, char *tag, size_t size)
{
    size_t len = inw(port + REG_CONFIG), i;

    for (i = 0; i < len && i + 1 < size; i++)
        tag[i] = (char)inb((u16)(port + REG_CONFIG + 2 + i));
    tag[i] = '\0';
}

int share_open(char *tag, size_t size, u8 **request, const u8 **answer)
{
    u16 port = 0;
    int err;

    if (pci_present())
        pci_for_each(is_ours, &port);
    if (!port)
        return -ENODEV;
    outb(port + REG_STATUS, 0);
    outb(port + REG_STATUS, STATUS_FOUND);
    outb(port + REG_STATUS, STATUS_FOUND | STATUS_DRIVER);
    outl(port + REG_FEATURES, 0);
    read_tag(port, tag, size);
    err = make_queue(port);
    if (err)
        return err;
    outb(port + REG_STATUS, STATUS_FOUND | STATUS_DRIVER | STATUS_READY);
    share.broken = false;
    *request = share.request;
    *answer = share.answer;
    return 0;
}

/* The device may write to the buffers as long as it runs: they stay its own. */
static int give_up(const char *why)
{
    share.broken = true;
    printk(LOG_ERROR "the server of the host's files %s: it is not asked again\n", why);
    return -EIO;
}

ssize_t share_exchange(size_t n)
{
    u64 end = clock_monotonic_ns() + PATIENCE_NS;
    u32 slot = share.asked % share.size, len;

    if (share.broken)
        return -EIO;
    share.descriptors[0] =
        (struct descriptor){virt_to_phys(share.request), (u32)n, NEXT, 1};
    share.descriptors[1] =
        (struct descriptor){virt_to_phys(share.answer), SHARE_ANSWER, WRITES, 0};
    share.available->ring[slot] = 0;
    __atomic_store_n(&share.available->index, ++share.asked, __ATOMIC_SEQ_CST);
    outw(share.port + REG_NOTIFY, 0);
    while (__atomic_load_n(&share.used->index, __ATOMIC_ACQUIRE) != share.asked) {
        if (clock_monotonic_ns() > end)
            return give_up("does not answer");
        pause_anyway();
        cpu_wait();
    }
    len = share.used->ring[slot].len;
    if (share.used->ring[slot].id != 0 || len > SHARE_ANSWER)
        return give_up("answers what nobody asked");
    return len;
}
