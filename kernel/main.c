/* SPDX-License-Identifier: MIT
 *
 * Boot order, in one screen. Each step may use only what stands above it.
 */
#include "kernel/main.h"
#include "arch/console.h"
#include "arch/hwreport.h"
#include "arch/irq.h"
#include "arch/mmu.h"
#include "arch/smp.h"
#include "arch/time.h"
#include "fs/anon.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/host/hostfs.h"
#include "fs/hugetlb/pool.h"
#include "fs/hugetlb/promise.h"
#include "fs/initramfs/initramfs.h"
#include "fs/mount/mount.h"
#include "fs/pipe/capacity.h"
#include "fs/vfs.h"
#include "kernel/cmdline.h"
#include "kernel/devices.h"
#include "kernel/event/alarm.h"
#include "kernel/event/epoll.h"
#include "kernel/panic.h"
#include "kernel/pause.h"
#include "kernel/printk.h"
#include "kernel/procfs/file.h"
#include "kernel/random.h"
#include "kernel/seeded.h"
#include "kernel/sys/exec.h"
#include "kernel/sys/fs_async.h"
#include "kernel/sysfs/sysfs.h"
#include "kernel/task/exec/vdso.h"
#include "kernel/task/futex/futex_key.h"
#include "kernel/task/jobs.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/loadavg.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/visit.h"
#include "kernel/term/keyboard.h"
#include "kernel/term/screen.h"
#include "kernel/term/tty.h"
#include "lib/kcsan.h"
#include "lib/string.h"
#include "mm/phys/boot_alloc.h"
#include "mm/phys/buddy.h"
#include "mm/phys/kspace.h"
#include "mm/vm/commit.h"

const char kernel_release[] = "6.1.0-tessera";
const char kernel_version[] = "#1 Tessera 0.1";

static void print_memory(const struct bootinfo *bi)
{
    u64 usable = 0;

    for (u32 i = 0; i < bi->nranges; i++) {
        const struct boot_range *r = &bi->ranges[i];

        if (r->type == BOOT_MEM_USABLE)
            usable += r->len;
    }
    printk("Tessera 0.1, entered by %s, %llu MiB of memory in %u ranges\n", bi->protocol,
           (unsigned long long)(usable >> 20), bi->nranges);
}

static void init_memory(const struct bootinfo *bi)
{
    boot_alloc_init(bi);
    arch_mmu_init(bi);
    buddy_init();
    commit_init(page_count_free());
    zero_page = page_alloc(0, PA_ZERO);
    if (!zero_page)
        panic("no memory at all");
    kspace_init();
}

/* The archive's pages are free once it is unpacked. */
static void unpack_initramfs(struct fs_context *fs, const struct bootinfo *bi)
{
    if (!bi->initrd_len)
        panic("no initramfs: give one to the loader (QEMU: -initrd FILE)");
    if (initramfs_unpack(fs, phys_to_virt(bi->initrd), bi->initrd_len) != 0)
        printk(LOG_WARNING "initramfs: incomplete, going on with what was unpacked\n");
    buddy_add(bi->initrd, bi->initrd + bi->initrd_len);
    vfs_limit_root(fs);
}

/* hugepages=N: pages of 2 MiB from the start. */
/* What programs choose the keys of is hashed with numbers that they do not know. */
static void seed_hashes(void)
{
    u64 seed[2];

    random_bytes(seed, sizeof(seed));
    dentry_seed(seed[0]);
    futex_seed(seed[1]);
}

static void init_hugepages(void)
{
    const char *text = cmdline_get("hugepages");
    u64 n;

    hugetlb_init(memory_settle);
    if (text && str_to_u64(text, &n) == 0)
        hugepool_resize(n);
}

noreturn void kmain(struct bootinfo *bi)
{
    static const char *const argv[] = {"/init", NULL};
    const char *envp[] = {"HOME=/root", "TERM=vt100",
                          "PATH=/bin:/sbin:/usr/bin:/usr/sbin", NULL};
    u32 cols, rows;
    struct fs_context fs;

    printk_init(cmdline_get("loglevel"));
    if (screen_size(&cols, &rows))
        envp[1] = "TERM=linux";
    arch_cpu_init();
    print_memory(bi);
    init_memory(bi);
    screen_alternate();
    sched_init();
    arch_machine_init(bi);
    arch_timer_init();
    pause_init();
    files_init();
    pipe_init();
    vfs_init(&fs);
    anon_init();
    devices_init();
    seed_hashes();
    tty_init();
    keyboard_init();
    procfs_init();
    sysfs_init();
    hostfs_init();
    loadavg_init();
    jobs_init();
    visits_init();
    file_async_init();
    epoll_init();
    alarms_init();
    seeded_fault();
    unpack_initramfs(&fs, bi);
    init_hugepages();
    console_enable_input();
    arch_cpus_start();
    vdso_init();
    kcsan_start(cmdline_get("kcsan") != NULL);
    seeded_race();
    proc_start_init("/init", argv, envp, &fs);
    sched_run();
}

noreturn void cpu_main(void)
{
    sched_init();
    sched_run();
}
