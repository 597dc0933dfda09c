/* SPDX-License-Identifier: MIT
 *
 * The names of the machine: uname, and how its own name and domain are set.
 */
#include "kernel/uts.h"
#include "kernel/main.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/personality.h"

struct utsname {
    char sysname[UTS_SIZE], nodename[UTS_SIZE], release[UTS_SIZE], version[UTS_SIZE],
        machine[UTS_SIZE], domainname[UTS_SIZE];
};

static spinlock_t lock;
static char names[2][UTS_SIZE] = {[UTS_NODE] = "tessera", [UTS_DOMAIN] = "(none)"};

void uts_get(enum uts_name which, char out[UTS_SIZE])
{
    irqflags_t flags = spin_lock_irq(&lock);

    memcpy(out, names[which], UTS_SIZE);
    spin_unlock_irq(&lock, flags);
}

void uts_set(enum uts_name which, const char *name, size_t len)
{
    char fresh[UTS_SIZE] = {0};
    irqflags_t flags;

    memcpy(fresh, name, MIN(len, sizeof(fresh) - 1));
    flags = spin_lock_irq(&lock);
    memcpy(names[which], fresh, UTS_SIZE);
    spin_unlock_irq(&lock, flags);
}

/* 6.1.0-x is 2.6.61-x for programs that know releases of three numbers only, as on Linux. */
static void tell_26(char release[UTS_SIZE])
{
    const char *rest = kernel_release, *minor = strchr(rest, '.') + 1;
    u64 n = 0;

    for (; *minor >= '0' && *minor <= '9'; minor++)
        n = n * 10 + (u64)(*minor - '0');
    while ((*rest >= '0' && *rest <= '9') || *rest == '.')
        rest++;
    fmt_snprintf(release, UTS_SIZE, "2.6.%lu%s", n + 60, rest);
}

long sys_uname(const struct syscall_args *a)
{
    u32 persona = current_thread()->personality;
    struct utsname u;

    memset(&u, 0, sizeof(u));
    str_copy(u.sysname, "Linux", sizeof(u.sysname));
    uts_get(UTS_NODE, u.nodename);
    str_copy(u.release, kernel_release, sizeof(u.release));
    str_copy(u.version, kernel_version, sizeof(u.version));
    if (persona & UNAME26)
        tell_26(u.release);
    str_copy(u.machine, (persona & PER_MASK) == PER_LINUX32 ? "i686" : "x86_64",
             sizeof(u.machine));
    uts_get(UTS_DOMAIN, u.domainname);
    return copy_to_user(a->a0, &u, sizeof(u));
}

static long set_name(enum uts_name which, vaddr_t src, s32 len)
{
    char buf[UTS_SIZE];

    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (len < 0 || len >= UTS_SIZE)
        return -EINVAL;
    if (copy_from_user(buf, src, (size_t)len) != 0)
        return -EFAULT;
    uts_set(which, buf, (size_t)len);
    return 0;
}

long sys_sethostname(const struct syscall_args *a)
{
    return set_name(UTS_NODE, a->a0, (s32)a->a1);
}

long sys_setdomainname(const struct syscall_args *a)
{
    return set_name(UTS_DOMAIN, a->a0, (s32)a->a1);
}
