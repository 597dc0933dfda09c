/* SPDX-License-Identifier: MIT
 *
 * u_debugreg, see debugreg.h. Of eight words the first four are addresses, 6 is the status and
 * 7 the control; each slot's kind and length are four bits of the latter from bit 16 on.
 */
#include "kernel/ptrace/debugreg.h"
#include "kernel/ptrace/tracee.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define WORD_STATUS  6
#define WORD_CONTROL 7
#define STATUS_FLIP  0xffff0ff0ull /* bits that read as 1 */
#define KIND_EXEC    0
#define KIND_WRITE   1
#define KIND_IO      2

static bool slot_on(u64 control, unsigned slot)
{
    return (control >> 2 * slot & 3) != 0;
}

static bool slot_fits(u64 control, unsigned slot, u64 addr)
{
    static const u8 bytes[] = {1, 2, 8, 4};
    u64 kind = control >> (16 + 4 * slot) & 3, size = control >> (18 + 4 * slot) & 3;

    if (kind == KIND_IO || (kind == KIND_EXEC && size))
        return false;
    return addr < USER_END && addr % bytes[size] == 0;
}

/* A slot's bits in the control word. */
static u64 slot_bits(unsigned slot)
{
    return 3ull << 2 * slot | 0xfull << (16 + 4 * slot);
}

u64 debug_word(const struct debug_words *d, unsigned nr)
{
    if (nr < DEBUG_SLOTS)
        return d->cpu.addr[nr];
    if (nr == WORD_STATUS)
        return d->cpu.status ^ STATUS_FLIP;
    return nr == WORD_CONTROL ? d->control : 0;
}

static int set_address(struct debug_words *d, unsigned slot, u64 addr)
{
    bool set = d->set >> slot & 1;
    u64 control = set ? d->cpu.control : (u64)KIND_WRITE << (16 + 4 * slot);

    if (!slot_fits(control, slot, addr))
        return -EINVAL;
    d->cpu.addr[slot] = addr;
    d->cpu.control |= control & slot_bits(slot);
    d->set |= 1u << slot;
    return 0;
}

static int set_control(struct debug_words *d, u64 control)
{
    u8 set = d->set;
    u64 used = 0;

    for (unsigned i = 0; i < DEBUG_SLOTS; i++) {
        set |= slot_on(control, i) << i;
        if (!(set >> i & 1))
            continue;
        if (!slot_fits(control, i, d->cpu.addr[i]))
            return -EINVAL;
        used |= slot_bits(i);
    }
    d->set = set;
    d->control = control;
    d->cpu.control = control & used;
    return 0;
}

int debug_word_set(struct debug_words *d, unsigned nr, u64 value)
{
    if (nr < DEBUG_SLOTS)
        return set_address(d, nr, value);
    if (nr == WORD_CONTROL)
        return set_control(d, value);
    if (nr != WORD_STATUS)
        return -EIO;
    d->cpu.status = value ^ STATUS_FLIP;
    return 0;
}

void debug_inherit(struct debug_words *d, const struct debug_words *from)
{
    d->control = from->control;
    d->cpu.status = from->cpu.status;
}

void debug_exec(struct thread *t)
{
    irqflags_t flags = irq_save();

    arch_debug_use(&t->arch, NULL);
    memset(&t->trace->debug, 0, sizeof(t->trace->debug));
    irq_restore(flags);
}

int debug_trap_code(struct thread *t, u64 status)
{
    if (t->trace)
        t->trace->debug.cpu.status = status;
    if (status & DEBUG_STEP)
        return TRAP_TRACE;
    return status ? TRAP_HWBKPT : TRAP_BRKPT; /* the latter: INT1 */
}
