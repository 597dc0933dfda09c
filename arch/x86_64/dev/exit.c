/* SPDX-License-Identifier: MIT
 *
 * The end of the machine: exit status and power-off ports of emulators, resets of PCs.
 */
#include "arch/console.h"
#include "arch/x86_64/cpu/cpu.h"

#define DEBUG_EXIT       0xf4
#define ACPI_SLEEP       0x2000 /* S5 as QEMU numbers it */
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET   0xfe
#define RESET_CONTROL    0xcf9

noreturn void machine_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

void machine_debug_exit(u8 code)
{
    outb(DEBUG_EXIT, code);
}

noreturn void machine_poweroff(u8 code)
{
    irq_disable();
    machine_debug_exit(code);
    outw(0x604, ACPI_SLEEP);  /* q35, pc */
    outw(0xb004, ACPI_SLEEP); /* Bochs, old QEMU */
    outw(0x4004, 0x3400);     /* VirtualBox */
    machine_halt();
}

noreturn void machine_reboot(void)
{
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) no_idt = {0, 0};

    irq_disable();
    outb(RESET_CONTROL, 0x02);
    outb(RESET_CONTROL, 0x06);
    for (u32 i = 0; i < 100000 && inb(KEYBOARD_COMMAND) & 2; i++)
        cpu_relax();
    outb(KEYBOARD_COMMAND, KEYBOARD_RESET);
    for (u32 i = 0; i < 100000; i++)
        cpu_relax();
    __asm__ volatile("lidt %0; int3" ::"m"(no_idt));
    machine_halt();
}
