/* SPDX-License-Identifier: MIT
 *
 * Debug registers, see arch/debugreg.h. They hold addresses of user space only, and only
 * while their thread runs. The kernel meets them where it copies for the program, and at its
 * very first instruction when the program made a hit with MOV SS before it called: the gate
 * of debug traps has a stack of its own and believes nothing about GS.
 */
#include "arch/x86_64/cpu/debugreg.h"
#include "arch/x86_64/cpu/cpu.h"

#define DR6_CLEAR 0xffff0ff0ull
#define DR7_CLEAR 0x400ull
#define DEBUG_ON  0xffull /* any slot */

void debug_load(const struct arch_debug *d)
{
    write_dr7(DR7_CLEAR);
    if (!d)
        return;
    __asm__ volatile(
        "mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(d->addr[0]),
        "r"(d->addr[1]), "r"(d->addr[2]), "r"(d->addr[3]));
    write_dr7(d->control | DR7_CLEAR);
}

void arch_debug_use(struct arch_thread *t, struct arch_debug *d)
{
    struct arch_debug *next = d && d->control & DEBUG_ON ? d : NULL;

    if (t->debug || next)
        debug_load(next);
    t->debug = next;
}

static bool slot_on(const struct arch_debug *d, unsigned slot)
{
    return d->control >> 2 * slot & 3;
}

/* Conditions that held, of slots that are on: the CPU tells of others too. */
static u64 taken_slots(const struct arch_debug *d, u64 dr6)
{
    u64 slots = 0;

    for (unsigned i = 0; d && i < DEBUG_SLOTS; i++)
        slots |= slot_on(d, i) ? dr6 & 1u << i : 0;
    return slots;
}

u64 debug_take(const struct arch_thread *t, struct trapframe *tf)
{
    u64 dr6 = read_dr6(), slots = taken_slots(t->debug, dr6);

    write_dr6(DR6_CLEAR);
    for (unsigned i = 0; i < DEBUG_SLOTS; i++)
        if (slots >> i & 1 && !(t->debug->control >> (16 + 4 * i) & 3))
            tf->rflags |= RFLAGS_RF; /* an instruction, not done yet: it is next time */
    return slots | (dr6 & DEBUG_STEP);
}

void debug_note(struct arch_thread *t)
{
    if (t->debug)
        t->debug->status |= taken_slots(t->debug, read_dr6());
    else
        write_dr7(DR7_CLEAR);
    write_dr6(DR6_CLEAR);
}
