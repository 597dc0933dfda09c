/* SPDX-License-Identifier: MIT
 *
 * /proc/net.
 */
#pragma once

#include "kernel/procfs/procfs.h"

int procfs_show_unix(struct seq *s, s32 pid);
int procfs_show_tcp(struct seq *s, s32 pid);
int procfs_show_tcp6(struct seq *s, s32 pid);
int procfs_show_udp(struct seq *s, s32 pid);
int procfs_show_udp6(struct seq *s, s32 pid);
int procfs_show_udplite(struct seq *s, s32 pid);
int procfs_show_udplite6(struct seq *s, s32 pid);
int procfs_show_net_dev(struct seq *s, s32 pid);
int procfs_show_if_inet6(struct seq *s, s32 pid);
int procfs_show_route(struct seq *s, s32 pid);
