/* SPDX-License-Identifier: MIT
 *
 * Starting the other CPUs, one after the other: an area for it, INIT and startup interrupts,
 * then it is waited for. One that does not come in time is left out, and stays out: what it
 * would start with is given to nobody else by then (boot/ap.asm). Intel SDM vol. 3A, 8.4.
 */
#include "arch/x86_64/cpu/smp.h"
#include "arch/mmu.h"
#include "arch/time.h"
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/gdt.h"
#include "arch/x86_64/cpu/idt.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/drivers/clock/tsc.h"
#include "arch/x86_64/drivers/irq/apic.h"
#include "arch/x86_64/drivers/irq/irq.h"
#include "arch/x86_64/mmu/framebuffer.h"
#include "arch/x86_64/mmu/image.h"
#include "arch/x86_64/mmu/mmu.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"

#define NOBODY    0xffffffffu
#define INIT_NS   10000000u
#define AGAIN_NS  300000u        /* until the second startup interrupt */
#define ABSENT_NS 10000000000ull /* spent on CPUs that do not come, in all */
#define COME_NS   20000000u      /* then each gets so much */
#define READY_NS  10000000000ull

/* What one CPU costs at most; a machine must not lose its last memory to its CPUs. */
#define MEMORY_SHARE 8u /* one part in so many of what is free */

/* boot/ap.asm */
extern char ap_code[], ap_code_end[], ap_root[];
extern struct ap_start {
    u32 wanted; /* who may take the rest: it writes NOBODY then */
    u32 efer;
    u64 root, stack;
    uintptr_t gs_base;
} ap_start;
noreturn void ap_main(void);
extern char boot_root[]; /* boot/start.asm: the first tables */

enum phase { STARTING, READY, RUNNING, GIVEN_UP };
static u64 clocks_apart; /* cycles, at most */
static DEFINE_PER_CPU(u32, phase);

static u32 apic_ids[MAX_CPUS];
static paddr_t low_page;
static u64 boot_cr4;

u32 smp_apic_id(u32 id)
{
    return apic_ids[id];
}

void arch_cpu_kick(u32 id)
{
    ASSERT(id < cpu_count && id != cpu_id());
    apic_send(apic_ids[id], VEC_KICK);
}

/* ---- on the CPU that is started ---- */

static bool phase_step(u32 *p, u32 from, u32 to)
{
    return __atomic_compare_exchange_n(p, &from, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static noreturn void stay_out(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* From boot/ap.asm, on the idle stack, GS set. Nobody waits for answers of this CPU before it
 * is READY. */
noreturn void ap_main(void)
{
    u32 *mine = this_cpu_ptr(phase);

    gdt_init();
    idt_load();
    if (!features_agree() || !apic_init_cpu()) {
        phase_step(mine, STARTING, GIVEN_UP);
        stay_out();
    }
    write_cr4(boot_cr4);
    pat_init();
    fpu_init_cpu();
    syscall_init();
    if (!phase_step(mine, STARTING, READY))
        stay_out();
    tsc_meet();
    while (__atomic_load_n(mine, __ATOMIC_ACQUIRE) != RUNNING)
        cpu_wait();
    tlb_flush_everything(); /* what changed before we were counted */
    irq_init_cpu();
    cpu_main();
}

/* ---- on the boot CPU ---- */

void smp_init(const struct bootinfo *bi)
{
    low_page = bi->low_page;
}

static void wait_ns(u64 ns)
{
    u64 end = clock_monotonic_ns() + ns;

    while (clock_monotonic_ns() < end)
        cpu_wait();
}

static bool wait_until_gone(u32 *word, u32 value, u64 ns)
{
    u64 end = clock_monotonic_ns() + ns;

    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value) {
        if (clock_monotonic_ns() >= end)
            return false;
        cpu_wait();
    }
    return true;
}

/* The code and its few words where they can be reached in 16-bit mode. */
static bool place_code(void)
{
    size_t n = (size_t)(ap_code_end - ap_code);
    char *copy = phys_to_virt(low_page);
    u32 root = (u32)image_to_phys(boot_root);

    memcpy(copy, ap_code, n);
    if (memcmp(copy, ap_code, n) != 0)
        return false;
    memcpy(copy + (ap_root - ap_code), &root, sizeof(root));
    ap_start.root = kernel_root;
    ap_start.efer = (u32)(rdmsr(MSR_EFER) & EFER_NXE);
    boot_cr4 = read_cr4();
    return true;
}

/* Whether the CPU has taken what ap_start holds. A startup interrupt is lost on a CPU that has
 * not yet done with its INIT, as one that a busy host runs late: it is told again and again. */
static bool call_in(u32 apic)
{
    static u64 spent; /* on those that did not come */
    u64 start = clock_monotonic_ns();
    u64 end = start + MAX(ABSENT_NS - MIN(spent, ABSENT_NS), COME_NS);

    __atomic_store_n(&ap_start.wanted, apic, __ATOMIC_RELEASE);
    for (u64 now = start, again = AGAIN_NS; now < end; again *= 2) {
        apic_send(apic, APIC_STARTUP | (u32)(low_page >> PAGE_SHIFT));
        if (wait_until_gone(&ap_start.wanted, apic, MIN(again, end - now)))
            break;
        now = clock_monotonic_ns();
    }
    if (__atomic_exchange_n(&ap_start.wanted, NOBODY, __ATOMIC_ACQ_REL) == NOBODY)
        return true;
    spent += clock_monotonic_ns() - start;
    return false;
}

/* NULL, or what is wrong with the CPU. */
static const char *start(u32 apic)
{
    u32 id = cpu_count;
    struct cpu *cpu = cpu_area_create(id);
    u32 *its_phase;

    if (!cpu)
        return "finds no memory";
    its_phase = &per_cpu(phase, id);
    ap_start.gs_base = cpu->offset - GS_BIAS;
    ap_start.stack = cpu->kernel_stack;
    apic_ids[id] = apic;
    if (!call_in(apic)) {
        cpu_area_destroy(id);
        return "does not answer";
    }
    /* It is here; its area is its own from now on. */
    wait_until_gone(its_phase, STARTING, READY_NS);
    if (phase_step(its_phase, STARTING, GIVEN_UP))
        return "got stuck";
    if (!phase_step(its_phase, READY, READY))
        return "is of another kind";
    clocks_apart = tsc_meet();
    WRITE_ONCE(cpu_count, id + 1);
    __atomic_store_n(its_phase, RUNNING, __ATOMIC_RELEASE);
    return NULL;
}

/* How many CPUs the command line allows. */
static u32 wanted_cpus(void)
{
    const char *most = cmdline_get("maxcpus");
    u64 n = MAX_CPUS;

    if (cmdline_get("nosmp"))
        return 1;
    if (most && str_to_u64(most, &n) != 0)
        printk(LOG_WARNING "smp: maxcpus=%s is no number\n", most);
    return (u32)MIN(MAX(n, 1ull), (u64)MAX_CPUS);
}

static bool memory_is_short(void)
{
    return page_count_free() / MEMORY_SHARE < cpu_area_pages();
}

static void start_all(const struct acpi_info *a, u32 most)
{
    u32 self = apic_ids[0];

    for (u32 i = 0; i < a->nlocal_apics; i++) {
        if (a->local_apics[i] != self && apic_reaches(a->local_apics[i]))
            apic_send(a->local_apics[i], APIC_INIT);
    }
    wait_ns(INIT_NS);
    for (u32 i = 0; i < a->nlocal_apics && cpu_count < most; i++) {
        u32 apic = a->local_apics[i];
        const char *fault;

        if (apic == self)
            continue;
        fault = !apic_reaches(apic) ? "cannot be reached without x2APIC"
                : memory_is_short() ? "would take too much of the memory"
                                    : start(apic);
        if (fault)
            printk(LOG_WARNING "smp: the CPU with APIC id %u %s: left out\n", apic,
                   fault);
    }
}

u32 arch_cpus_present(void)
{
    return MAX(cpu_count, acpi_info()->nlocal_apics);
}

void arch_cpus_start(void)
{
    const struct acpi_info *a = acpi_info();
    u32 most = wanted_cpus();

    if (apic_works())
        apic_ids[0] = apic_id();
    if (most > 1 && (a->nlocal_apics > 1 ||
                     (a->nlocal_apics == 1 && a->local_apics[0] != apic_ids[0]))) {
        if (!irq_timer_per_cpu())
            printk(LOG_WARNING "smp: no local APIC that keeps time: one CPU runs\n");
        else if (!low_page || !place_code())
            printk(LOG_WARNING "smp: no memory below 1 MiB: one CPU runs\n");
        else
            start_all(a, most);
    }
    if (clocks_apart)
        printk("smp: TSCs differ by %lu cycles: time is what any CPU was told last\n",
               clocks_apart);
    if (a->has_madt)
        printk("smp: %u processor%s, using %u\n", a->processors,
               a->processors == 1 ? "" : "s", cpu_count);
}
