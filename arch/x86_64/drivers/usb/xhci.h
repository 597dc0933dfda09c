/* SPDX-License-Identifier: MIT
 *
 * Inside the xHCI driver: registers, rings, contexts, and the state of a controller. Names
 * and numbers follow "eXtensible Host Controller Interface for USB", revision 1.2; section
 * numbers in these files are its.
 */
#pragma once

#include "arch/x86_64/drivers/pci/pci.h"
#include "arch/x86_64/drivers/usb/device.h"
#include "lib/spinlock.h"
#include "mm/phys/page.h"

#define XHCI_PORTS 256u /* one more than there can be: they count from 1 */
#define XHCI_SLOTS 32u  /* devices per controller that we handle at once */

/* ---- registers (5.3 to 5.6); offsets from the base each has ---- */

enum {
    CAP_LENGTH = 0x00,
    CAP_PARAMS1 = 0x04,
    CAP_PARAMS2 = 0x08,
    CAP_HCC1 = 0x10,
    CAP_DOORBELLS = 0x14,
    CAP_RUNTIME = 0x18
};

#define HCC1_AC64          0x1u
#define HCC1_CONTEXT_64    0x4u
#define HCC1_EXTENDED(hcc) ((hcc) >> 16 << 2)

enum {
    OP_COMMAND = 0x00,
    OP_STATUS = 0x04,
    OP_PAGESIZE = 0x08,
    OP_CRCR = 0x18,
    OP_DCBAAP = 0x30,
    OP_CONFIG = 0x38,
    OP_PORTSC = 0x400
};

#define COMMAND_RUN   0x1u
#define COMMAND_RESET 0x2u

#define STATUS_HALTED       0x1u
#define STATUS_SYSTEM_ERROR 0x4u
#define STATUS_NOT_READY    0x800u
#define STATUS_HOST_ERROR   0x1000u

enum { RUN_ERSTSZ = 0x28, RUN_ERSTBA = 0x30, RUN_ERDP = 0x38 };

#define ERDP_BUSY 0x8u

#define PORT_CONNECTED   (1u << 0)
#define PORT_ENABLED     (1u << 1)
#define PORT_RESET       (1u << 4)
#define PORT_POWER       (1u << 9)
#define PORT_SPEED(sc)   ((sc) >> 10 & 0xf)
#define PORT_CONNECT_CHG (1u << 17)
#define PORT_RESET_CHG   (1u << 21)
#define PORT_CHANGES     0x00fe0000u /* written ones clear them */
#define PORT_WARM_RESET  (1u << 31)
#define PORT_KEPT        0x0e00c200u /* power, indicators, wake: written back as read */

/* ---- extended capabilities (7) ---- */

#define EXTENDED_LEGACY   1u
#define EXTENDED_PROTOCOL 2u

/* ---- transfer request blocks (6.4) ---- */

struct trb {
    u64 parameter;
    u32 status;
    u32 control;
};

#define TRB_CYCLE       0x1u
#define TRB_TOGGLE      0x2u /* link */
#define TRB_SHORT       0x4u /* event on a short packet */
#define TRB_EVENT       0x20u
#define TRB_IMMEDIATE   0x40u
#define TRB_IN          0x10000u
#define TRB_TYPE(t)     ((u32)(t) << 10)
#define TRB_TYPE_OF(c)  ((c) >> 10 & 0x3f)
#define TRB_SLOT(s)     ((u32)(s) << 24)
#define TRB_ENDPOINT(e) ((u32)(e) << 16)

enum {
    TRB_NORMAL = 1,
    TRB_SETUP = 2,
    TRB_DATA = 3,
    TRB_STATUS = 4,
    TRB_LINK = 6,
    TRB_ENABLE_SLOT = 9,
    TRB_DISABLE_SLOT = 10,
    TRB_ADDRESS_DEVICE = 11,
    TRB_CONFIGURE_ENDPOINT = 12,
    TRB_EVALUATE_CONTEXT = 13,
    TRB_RESET_ENDPOINT = 14,
    TRB_STOP_ENDPOINT = 15,
    TRB_SET_DEQUEUE = 16,
    TRB_TRANSFER_EVENT = 32,
    TRB_COMMAND_EVENT = 33,
    TRB_PORT_EVENT = 34,
    TRB_HOST_EVENT = 37
};

enum {
    CODE_SUCCESS = 1,
    CODE_STALL = 6,
    CODE_NO_SLOTS = 9,
    CODE_SHORT = 13,
    CODE_UNDERRUN = 14,
    CODE_OVERRUN = 15,
    CODE_STOPPED = 26,
    CODE_STOPPED_SHORT = 28
};

#define EVENT_CODE(status) ((u8)((status) >> 24))
#define EVENT_LEFT(status) ((status)&0xffffff)

/* The last TRB of a ring links back to the first; the others are a multiple of the reports
 * in flight, so that each of those has a buffer of its own. */
#define RING_TRBS   33u
#define REPORTS     8u
#define REPORT_SIZE 64u
#define EVENT_TRBS  256u

/* ---- memory shared with the controller; physically contiguous, 64-byte aligned ---- */

struct event_segment {
    u64 base;
    u32 ntrbs, reserved;
};

struct xhci_memory {
    struct trb events[EVENT_TRBS];
    u64 contexts[256]; /* of devices by slot; [0]: the scratchpad's array */
    struct trb commands[RING_TRBS] __attribute__((aligned(64)));
    struct event_segment segment __attribute__((aligned(64)));
};

#define MEMORY_ORDER 1u /* two pages, of both structures */

#define CONTEXT_MAX 64u

/* 32 contexts of a device; the input has its control context before them (6.2.1, 6.2.5). */
struct device_memory {
    u8 output[32 * CONTEXT_MAX];
    struct trb control[RING_TRBS] __attribute__((aligned(64)));
    struct trb pipe[RING_TRBS] __attribute__((aligned(64)));
    u8 reports[REPORTS][REPORT_SIZE];
    u8 input[33 * CONTEXT_MAX] __attribute__((aligned(4096)));
    u8 buffer[USB_BUFFER_BYTES];
};

_Static_assert(sizeof(struct xhci_memory) <= PAGE_SIZE << MEMORY_ORDER, "two pages");
_Static_assert(sizeof(struct device_memory) <= PAGE_SIZE << MEMORY_ORDER, "two pages");
_Static_assert((RING_TRBS - 1) % REPORTS == 0, "buffers follow the ring");

/* ---- a controller ---- */

struct xhci_port {
    u8 major;     /* of the USB it speaks: 2 or 3; 0: not told */
    u8 slot_type; /* for Enable Slot */
    bool changed; /* set by the tick, cleared by the thread */
    bool known;   /* what is plugged in was dealt with */
};

struct xhci {
    struct pci_device pci;
    u32 number; /* in messages, from 1 */
    volatile u8 *regs;
    u64 nbytes; /* of registers */
    u32 op, runtime, doorbells;
    u32 extended; /* first extended capability, 0: none */
    u32 nports, nslots, context_bytes, nscratch;
    bool wide; /* reaches memory above 4 GiB */
    bool running;
    bool broken; /* [P] its status tells of an error */
    u8 restarts;
    spinlock_t lock; /* irq-safe: events, devices[], all that is [P] */
    struct xhci_memory *memory;
    u64 *scratch; /* addresses of the scratchpad's pages, or NULL */
    struct trb_ring commands;
    u32 event_next, event_cycle;
    struct usb_wait command;
    struct usb_device *devices[XHCI_SLOTS + 1]; /* by slot */
    struct xhci_port ports[XHCI_PORTS];
};

static inline u32 xhci_read(const struct xhci *x, u32 offset)
{
    return *(const volatile u32 *)(x->regs + offset);
}

static inline void xhci_write(const struct xhci *x, u32 offset, u32 value)
{
    *(volatile u32 *)(x->regs + offset) = value;
}

/* A 64-bit register in two halves, which every controller takes (5.1). */
static inline void xhci_write64(const struct xhci *x, u32 offset, u64 value)
{
    xhci_write(x, offset, (u32)value);
    xhci_write(x, offset + 4, (u32)(value >> 32));
}

/* ---- xhci.c ---- */

/* Finds the registers of a function; false, with a line in the log: not usable. */
bool xhci_map(struct xhci *x, const struct pci_device *pci);
/* Tells it to halt, without waiting: what the firmware left running writes to memory that is
 * no longer the firmware's. */
void xhci_stop(const struct xhci *x);
/* Halts, resets, starts: x->running tells how it went. USB thread. */
void xhci_start(struct xhci *x);
/* The controller answers no more: stops it. Its devices are for the caller to forget, and
 * then its memory to release. USB thread. */
void xhci_fail(struct xhci *x, const char *why);
void xhci_release(struct xhci *x);
/* Zeroed memory the controller can reach, or NULL. */
void *xhci_alloc(const struct xhci *x, unsigned order);
void xhci_free(void *memory, unsigned order);
