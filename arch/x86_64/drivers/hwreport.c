/* SPDX-License-Identifier: MIT
 *
 * The hardware report: what the machine is and what the kernel made of it, as lines of text
 * below headings. It tells what was found at boot and touches no device but PCI
 * configuration space (pci/hwpci.c).
 */
#include "arch/hwreport.h"
#include "arch/framebuffer.h"
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/acpi/power.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/cpu/smp.h"
#include "arch/x86_64/drivers/clock/tsc.h"
#include "arch/x86_64/drivers/irq/apic.h"
#include "arch/x86_64/drivers/irq/irq.h"
#include "arch/x86_64/drivers/pci/hwpci.h"
#include "arch/x86_64/drivers/serial/serial.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/procfs/seq.h"
#include "lib/string.h"

static const struct bootinfo *boot;

void arch_machine_init(const struct bootinfo *bi)
{
    boot = bi;
    acpi_init(bi);
    smp_init(bi);
    cpu_area_boot_stacks();
}

static void report_cpu(struct seq *s)
{
    struct cpuid_regs r = cpuid(0, 0);
    const struct cpu_features *f = &cpu_features;
    const struct {
        bool there;
        const char *name;
    } list[] = {{f->nx, "nx"},
                {f->pge, "pge"},
                {f->smep, "smep"},
                {f->smap, "smap"},
                {f->umip, "umip"},
                {f->xsave, "xsave"},
                {f->avx, "avx"},
                {f->rdrand, "rdrand"},
                {f->page1g, "pdpe1gb"},
                {f->mce, "mce"},
                {f->apic, "apic"},
                {f->x2apic, "x2apic"},
                {f->tsc_deadline, "tsc_deadline"},
                {f->invariant_tsc, "invariant_tsc"},
                {f->hypervisor, "hypervisor"}};
    char text[49] = {0};
    u32 sig = cpuid(1, 0).eax;

    memcpy(text, &r.ebx, 4);
    memcpy(text + 4, &r.edx, 4);
    memcpy(text + 8, &r.ecx, 4);
    seq_printf(s, "[cpu]\nvendor: %s, signature %#x, %u bits of address\n", text, sig,
               f->phys_bits);
    if (cpuid(0x80000000, 0).eax >= 0x80000004) {
        for (u32 i = 0; i < 3; i++) {
            r = cpuid(0x80000002 + i, 0);
            memcpy(text + 16 * i, &r, sizeof(r));
        }
        seq_printf(s, "name: %s\n", text);
    }
    for (u32 lacking = 0; lacking < 2; lacking++) {
        seq_puts(s, lacking ? "lacks:" : "has:");
        for (u32 i = 0; i < ARRAY_SIZE(list); i++) {
            if (list[i].there != (lacking != 0))
                seq_printf(s, " %s", list[i].name);
        }
        seq_puts(s, "\n");
    }
}

static void report_boot(struct seq *s)
{
    static const char *const types[] = {"?",   "usable", "reserved", "ACPI",
                                        "NVS", "bad",    "loader"};
    u64 usable = 0;

    seq_printf(s, "\n[boot]\nentered by: %s\ncommand line: %s\n", boot->protocol,
               cmdline_text());
    seq_printf(s, "kernel: %#lx-%#lx\ninitramfs: %#lx, %lu bytes\n", boot->kernel_start,
               boot->kernel_end, boot->initrd, boot->initrd_len);
    seq_puts(s, "\n[memory]\n");
    for (u32 i = 0; i < boot->nranges; i++) {
        const struct boot_range *r = &boot->ranges[i];

        seq_printf(s, "%016lx-%016lx %s\n", r->base, r->base + r->len,
                   types[r->type < ARRAY_SIZE(types) ? r->type : 0]);
        if (r->type == BOOT_MEM_USABLE || r->type == BOOT_MEM_LOADER)
            usable += r->len;
    }
    seq_printf(s, "RAM: %lu KiB\n", usable >> 10);
}

static void report_acpi(struct seq *s)
{
    const struct acpi_info *a = acpi_info();

    seq_puts(s, "\n[acpi]\n");
    if (!a->present) {
        seq_puts(s, "not used\n");
        return;
    }
    for (u32 i = 0; i < a->ntables; i++) {
        const struct acpi_table *t = &a->tables[i];

        seq_printf(s, "%s %#lx, %u bytes, revision %u, by %s%s\n", t->signature, t->pa,
                   t->length, t->revision, t->oem, t->used ? "" : ", damaged");
    }
    seq_printf(s, "power off: %s\nreset: %s\n", acpi_power_off_way(),
               a->reset.present ? "FADT register" : "chipset");
    seq_printf(s, "processors: %u, used %u\nIOAPICs: %u\n", a->processors, cpu_count,
               a->ioapics);
    seq_printf(s, "8042: %s\nCMOS clock: %s\nPM timer: %s\nHPET: %s\n",
               acpi_has_8042() ? "not excluded" : "none",
               acpi_has_rtc() ? "not excluded" : "none",
               a->pm_timer.present ? "yes" : "no", acpi_hpet() ? "yes" : "no");
}

static void report_screen(struct seq *s)
{
    const struct boot_framebuffer *fb = framebuffer_info();

    seq_puts(s, "\n[framebuffer]\n");
    if (!fb) {
        seq_puts(s, "none\n");
        return;
    }
    seq_printf(s, "%ux%u, %u bits, pitch %u, at %#lx\n", fb->width, fb->height, fb->bpp,
               fb->pitch, fb->base);
    seq_printf(s, "red %u+%u, green %u+%u, blue %u+%u\n", fb->red_pos, fb->red_size,
               fb->green_pos, fb->green_size, fb->blue_pos, fb->blue_size);
}

void arch_hwreport(struct seq *s)
{
    report_cpu(s);
    report_boot(s);
    report_acpi(s);
    hwreport_pci(s);
    report_screen(s);
    seq_printf(s, "\n[time and interrupts]\nTSC: %lu kHz by %s\ntimer: %s\n", tsc_khz(),
               tsc_source(), timer_source());
    seq_printf(s, "local APIC: %s\nserial port: %s\n", apic_mode(),
               serial_present() ? "yes" : "no");
}
