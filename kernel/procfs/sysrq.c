/* SPDX-License-Identifier: MIT
 *
 * /proc/sysrq-trigger: a letter written by root does at once what it says, as on Linux.
 */
#include "kernel/procfs/sysrq.h"
#include "arch/console.h"
#include "arch/exit.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/procfs/procfs.h"
#include "lib/uapi/errno.h"

int procfs_store_sysrq(s32 pid, char *text, size_t n)
{
    (void)pid;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    switch (n ? text[0] : 0) {
    case 'c':
        panic("a crash was asked for through /proc/sysrq-trigger");
    case 'b':
        machine_reboot();
    case 'o':
        machine_poweroff(EXIT_PASSED);
    default:
        return -EINVAL;
    }
}
