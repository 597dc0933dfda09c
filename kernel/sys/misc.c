/* SPDX-License-Identifier: MIT
 *
 * System calls about the machine as a whole: sysinfo, reboot, getrandom.
 */
#include "arch/console.h"
#include "arch/exit.h"
#include "arch/time.h"
#include "fs/uio.h"
#include "kernel/main.h"
#include "kernel/pause.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/loadavg.h"
#include "kernel/task/uaccess.h"
#include "kernel/term/keyboard.h"
#include "lib/uapi/errno.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"
#include "mm/vm/object.h"

/* ---- sysinfo(2) ---- */

struct sysinfo {
    s64 uptime;
    u64 loads[3]; /* 1 << 16 is 1.0 */
    u64 totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    u16 procs, pad;
    u32 pad2;
    u64 totalhigh, freehigh;
    u32 mem_unit, pad3;
};
_Static_assert(sizeof(struct sysinfo) == 112, "struct sysinfo of x86-64");

long sys_sysinfo(const struct syscall_args *a)
{
    struct sysinfo info;

    memory_settle();
    info = (struct sysinfo){.uptime = (s64)(clock_monotonic_ns() / 1000000000),
                            .totalram = page_count_total() * PAGE_SIZE,
                            .freeram = page_count_free() * PAGE_SIZE,
                            .sharedram = object_pages_total() * PAGE_SIZE,
                            .procs = (u16)proc_count(),
                            .mem_unit = 1};

    loadavg_get(info.loads);
    for (int i = 0; i < 3; i++)
        info.loads[i] <<= 16 - LOAD_SHIFT;
    return copy_to_user(a->a0, &info, sizeof(info));
}

/* ---- reboot(2) ---- */

#define REBOOT_MAGIC 0xfee1deadu

enum {
    REBOOT_CAD_OFF = 0,
    REBOOT_RESTART = 0x01234567,
    REBOOT_POWER_OFF = 0x4321fedc,
};
#define REBOOT_CAD_ON 0x89abcdefu
#define REBOOT_HALT   0xcdef0123u

static bool magic2_ok(u32 magic)
{
    return magic == 672274793 || magic == 85072278 || magic == 369367448 ||
           magic == 537993216;
}

long sys_reboot(const struct syscall_args *a)
{
    if (!capable(CAP_SYS_BOOT))
        return -EPERM;
    if ((u32)a->a0 != REBOOT_MAGIC || !magic2_ok((u32)a->a1))
        return -EINVAL;
    switch ((u32)a->a2) {
    case REBOOT_CAD_OFF:
        keyboard_restart_at_once(false);
        return 0;
    case REBOOT_CAD_ON:
        keyboard_restart_at_once(true);
        return 0;
    case REBOOT_RESTART:
        printk(LOG_EMERG "restarting\n");
        machine_reboot();
    case REBOOT_POWER_OFF:
        printk(LOG_EMERG "power off\n");
        machine_poweroff(EXIT_PASSED);
    case REBOOT_HALT:
        printk(LOG_EMERG "halted\n");
        machine_halt();
    default:
        return -EINVAL;
    }
}

/* The terminal of the caller's session is hung up: nothing to do where there is none. */
long sys_vhangup(const struct syscall_args *a)
{
    const struct proc *p = current_proc();

    (void)a;
    if (!capable(CAP_SYS_TTY_CONFIG))
        return -EPERM;
    return READ_ONCE(p->tty) ? -EOPNOTSUPP : 0;
}

/* ---- getrandom(2) ---- */

#define GRND_NONBLOCK 1u
#define GRND_RANDOM   2u
#define GRND_INSECURE 4u

long sys_getrandom(const struct syscall_args *a)
{
    u32 flags = (u32)a->a2;
    size_t len = MIN(a->a1, (u64)0x7ffff000);
    struct iovec iov;
    struct uio u;

    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if (!user_range_ok(a->a0, len))
        return -EFAULT;
    uio_init_user(&u, &iov, a->a0, len);
    return random_to_uio(&u);
}
