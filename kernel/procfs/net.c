/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/net: the sockets there are, and the only interface. proc_pid_net(5).
 */
#include "fs/socket/all.h"
#include "kernel/procfs/procfs.h"
#include "lib/pause.h"
#include "lib/uapi/socket.h"

#define UNIX_LISTENS 0x10000u /* __SO_ACCEPTCON */

/* Lines from socket `from` on. */
static int show(struct seq *s, enum socket_table table, const char *head,
                void (*line)(struct seq *s, const struct socket_info *i, u64 n))
{
    struct socket_info i;
    u64 n = s->from;

    if (!n)
        seq_puts(s, head);
    for (u64 at = n; socket_next(table, &n, &i); at = n) {
        if (seq_full(s)) {
            s->next = at;
            break;
        }
        line(s, &i, n - 1);
        pause_anyway();
    }
    return 0;
}

static void show_unix(struct seq *s, const struct socket_info *i, u64 n)
{
    const char *name = (const char *)i->name.bytes + 2;

    (void)n;
    seq_printf(s, "%016x: %08X %08X %08X %04X %02X %5lu", 0, i->refs, 0,
               i->listens ? UNIX_LISTENS : 0, i->type, i->state, i->ino);
    if (i->name.len > 2)
        seq_puts(s, *name ? " " : " @");
    for (u32 at = 0; at + 2 < i->name.len; at++) {
        if (!name[at] && at && name[0])
            break; /* the end of a path */
        if (name[at] || at)
            seq_printf(s, "%c", name[at] ? name[at] : '@');
    }
    seq_puts(s, "\n");
}

/* An address as the words of the machine show it. */
static void show_address(struct seq *s, const struct socket_info *i, int side)
{
    for (u32 at = i->family == AF_INET ? 12 : 0; at < 16; at += 4) {
        const u8 *b = i->ip[side] + at;

        seq_printf(s, "%02X%02X%02X%02X", b[3], b[2], b[1], b[0]);
    }
    seq_printf(s, ":%04X", i->port[side]);
}

static void show_inet(struct seq *s, const struct socket_info *i, u64 n)
{
    seq_printf(s, "%4lu: ", n);
    show_address(s, i, 0);
    seq_puts(s, " ");
    show_address(s, i, 1);
    seq_printf(s, " %02X %08lX:%08lX 00:00000000 00000000 %5u        0 %lu %u %016x %u\n",
               i->state, i->sent, i->queued, i->uid, i->ino, i->refs, 0, i->drops);
}

#define WORDS4                                                                    \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt" \
    "   uid  timeout inode"
#define WORDS6                                                                      \
    "  sl  local_address                         remote_address                   " \
    "     st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
#define LOST " ref pointer drops\n" /* of what is no stream */

static int show_unix_file(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, TABLE_UNIX,
                "Num       RefCount Protocol Flags    Type St Inode Path\n", show_unix);
}

static int show_tcp_file(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, TABLE_TCP, WORDS4 "\n", show_inet);
}

static int show_tcp6_file(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, TABLE_TCP6, WORDS6 "\n", show_inet);
}

static int show_udp_file(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, TABLE_UDP, " " WORDS4 LOST, show_inet);
}

static int show_udp6_file(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, TABLE_UDP6, WORDS6 LOST, show_inet);
}

static int show_udplite_file(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, TABLE_UDPLITE, " " WORDS4 LOST, show_inet);
}

static int show_udplite6_file(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, TABLE_UDPLITE6, WORDS6 LOST, show_inet);
}

/* Nothing goes through the interface: one socket's bytes stand in the other's queue at once. */
static int show_net_dev(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, "Inter-|   Receive                                                |  "
                "Transmit\n face |bytes    packets errs drop fifo frame compressed "
                "multicast|bytes    packets errs drop fifo colls carrier compressed\n"
                "    lo:       0       0    0    0    0     0          0         0       "
                " 0       0    0    0    0     0       0          0\n");
    return 0;
}

static int show_if_inet6(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, "00000000000000000000000000000001 01 80 10 80       lo\n");
    return 0;
}

/* The loopback is no route of this table, as on Linux. */
static int show_route(struct seq *s, s32 pid)
{
    (void)pid;
    seq_printf(s, "%-127s\n",
               "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU"
               "\tWindow\tIRTT");
    return 0;
}

/* Nobody has neighbours here, raw sockets or packets. */
static int show_arp(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, "IP address       HW type     Flags       HW address            Mask     "
                "Device\n");
    return 0;
}

static int show_packet(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
    return 0;
}

static int show_raw(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, WORDS4 LOST);
    return 0;
}

static int show_raw6(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, WORDS6 LOST);
    return 0;
}

static u64 pages_of(u64 bytes)
{
    return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* A connection ends at once, so none is an orphan or waits; nothing comes in fragments. */
static int show_sockstat(struct seq *s, s32 pid)
{
    struct socket_counts c;

    (void)pid;
    socket_count(&c);
    seq_printf(s,
               "sockets: used %lu\nTCP: inuse %lu orphan 0 tw 0 alloc %lu mem %lu\n"
               "UDP: inuse %lu mem %lu\nUDPLITE: inuse %lu\nRAW: inuse 0\n"
               "FRAG: inuse 0 memory 0\n",
               c.all, c.shown[TABLE_TCP], c.tcp, pages_of(c.tcp_bytes),
               c.shown[TABLE_UDP], pages_of(c.udp_bytes), c.shown[TABLE_UDPLITE]);
    return 0;
}

static int show_sockstat6(struct seq *s, s32 pid)
{
    struct socket_counts c;

    (void)pid;
    socket_count(&c);
    seq_printf(s,
               "TCP6: inuse %lu\nUDP6: inuse %lu\nUDPLITE6: inuse %lu\nRAW6: inuse 0\n"
               "FRAG6: inuse 0 memory 0\n",
               c.shown[TABLE_TCP6], c.shown[TABLE_UDP6], c.shown[TABLE_UDPLITE6]);
    return 0;
}

const struct procfs_entry procfs_net_entries[PROCFS_NET_ENTRIES] = {
    {.name = "arp", .perm = 0444, .show = show_arp},
    {.name = "dev", .perm = 0444, .show = show_net_dev},
    {.name = "if_inet6", .perm = 0444, .show = show_if_inet6},
    {.name = "packet", .perm = 0444, .show = show_packet},
    {.name = "raw", .perm = 0444, .show = show_raw},
    {.name = "raw6", .perm = 0444, .show = show_raw6},
    {.name = "route", .perm = 0444, .show = show_route},
    {.name = "sockstat", .perm = 0444, .show = show_sockstat},
    {.name = "sockstat6", .perm = 0444, .show = show_sockstat6},
    {.name = "tcp", .perm = 0444, .show = show_tcp_file},
    {.name = "tcp6", .perm = 0444, .show = show_tcp6_file},
    {.name = "udp", .perm = 0444, .show = show_udp_file},
    {.name = "udp6", .perm = 0444, .show = show_udp6_file},
    {.name = "udplite", .perm = 0444, .show = show_udplite_file},
    {.name = "udplite6", .perm = 0444, .show = show_udplite6_file},
    {.name = "unix", .perm = 0444, .show = show_unix_file},
    {.name = NULL},
};
