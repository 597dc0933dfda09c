/* SPDX-License-Identifier: MIT
 *
 * What /proc/PID tells of its name space of users: uid_map, gid_map, setgroups. user_namespaces(7).
 */
#include "kernel/procfs/procfs.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

/* There is one name space of users, in which every number means itself. */
int procfs_show_id_map(struct seq *s, s32 pid)
{
    (void)pid;
    seq_printf(s, "%10u %10u %10u\n", 0, 0, ~0u);
    return 0;
}

int procfs_store_id_map(s32 pid, char *text, size_t n)
{
    (void)pid;
    (void)text;
    (void)n;
    return -EPERM; /* as of one that has its map */
}

int procfs_show_setgroups(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, "allow\n");
    return 0;
}

int procfs_store_setgroups(s32 pid, char *text, size_t n)
{
    (void)pid;
    if (strcmp(str_trim(text, &n), "allow") == 0)
        return capable(CAP_SYS_ADMIN) ? 0 : -EACCES;
    return strcmp(text, "deny") == 0 ? -EPERM : -EINVAL;
}
