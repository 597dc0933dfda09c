/* SPDX-License-Identifier: MIT
 *
 * The end of the machine: exit status for emulators, then what ACPI says, then the ways
 * that most PCs and emulators share. Each way is tried in turn; the last resort is to halt.
 */
#include "arch/exit.h"
#include "arch/console.h"
#include "arch/stop.h"
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/acpi/power.h"
#include "arch/x86_64/cpu/cpu.h"

#define DEBUG_EXIT       0xf4
#define ACPI_SLEEP       0x2000 /* S5 as QEMU numbers it */
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_BUSY    0x02
#define KEYBOARD_RESET   0xfe
#define RESET_CONTROL    0xcf9
#define PORT_DELAY       0x80
#define WAIT_POLLS       50000u /* a microsecond each */

noreturn void machine_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void wait_moment(void)
{
    for (u32 i = 0; i < WAIT_POLLS; i++)
        outb(PORT_DELAY, 0);
}

void machine_debug_exit(u8 code)
{
    outb(DEBUG_EXIT, code);
}

noreturn void machine_poweroff(u8 code)
{
    irq_disable();
    arch_cpus_stop();
    machine_debug_exit(code);
    acpi_power_off();
    outw(0x604, ACPI_SLEEP);  /* q35, pc */
    outw(0xb004, ACPI_SLEEP); /* Bochs, old QEMU */
    outw(0x4004, 0x3400);     /* VirtualBox */
    machine_halt();
}

static void reset_by_keyboard(void)
{
    if (!acpi_has_8042())
        return;
    for (u32 i = 0; i < WAIT_POLLS && inb(KEYBOARD_COMMAND) & KEYBOARD_BUSY; i++)
        outb(PORT_DELAY, 0);
    outb(KEYBOARD_COMMAND, KEYBOARD_RESET);
    wait_moment();
}

noreturn void machine_reboot(void)
{
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) no_idt = {0, 0};

    irq_disable();
    arch_cpus_stop();
    acpi_reset();
    outb(RESET_CONTROL, 0x02);
    outb(RESET_CONTROL, 0x06);
    wait_moment();
    reset_by_keyboard();
    __asm__ volatile("lidt %0; int3" ::"m"(no_idt));
    machine_halt();
}
