/* SPDX-License-Identifier: MIT
 *
 * Interrupt descriptor table: interrupt gates only, so every handler starts with
 * interrupts off. User code may raise #BP and #OF by itself, nothing else.
 */
#include "arch/x86_64/cpu/idt.h"
#include "arch/x86_64/cpu/cpu.h"

struct gate {
    u16 offset_low, selector;
    u8 ist, type;
    u16 offset_mid;
    u32 offset_high, reserved;
};

#define GATE_INTERRUPT 0x8e
#define GATE_DPL3      0x60

static struct gate idt[256] __attribute__((aligned(16)));

static u8 stack_of(u32 vector)
{
    switch (vector) {
    case VEC_DF: /* neither comes back */
    case VEC_MC:
        return IST_FATAL;
    case VEC_NMI:
        return IST_NMI;
    case VEC_DB:
        return IST_DB;
    default:
        return 0;
    }
}

void idt_init(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(idt); i++) {
        uintptr_t entry = (uintptr_t)trap_gates + i * GATE_SIZE;

        idt[i] = (struct gate){
            .offset_low = (u16)entry,
            .offset_mid = (u16)(entry >> 16),
            .offset_high = (u32)(entry >> 32),
            .selector = KERNEL_CS,
            .ist = stack_of(i),
            .type = GATE_INTERRUPT | (i == VEC_BP || i == VEC_OF ? GATE_DPL3 : 0),
        };
    }
}

void idt_load(void)
{
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) idtr = {sizeof(idt) - 1, (uintptr_t)idt};

    __asm__ volatile("lidt %0" ::"m"(idtr));
}
