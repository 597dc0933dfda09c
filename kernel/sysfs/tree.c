/* SPDX-License-Identifier: MIT
 *
 * What is in /sys. /sys/devices/system/cpu: which processors there are, run, and can run. A
 * processor that was not started at boot never will be, so "possible" is what is online; what each
 * of them tells is in topology.c. /sys/devices/system/node: the one node, where all memory and all
 * processors are. /sys/kernel/mm/hugepages: the pool of huge pages. /sys/devices/virtual/net:
 * the only interface. /sys/block and /sys/dev/block: the loop devices (kernel/loop/attr.c).
 */
#include "kernel/sysfs/tree.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "fs/hugetlb/pool.h"
#include "kernel/loop/attr.h"
#include "kernel/pause.h"
#include "kernel/procfs/meminfo.h"
#include "kernel/sysfs/topology.h"
#include "lib/string.h"
#include "lib/uapi/stat.h"
#include "mm/phys/stat.h"

/* Numbers of inodes: directories, then files; then topology.c's and the loop devices'. */
#define FIRST_FILE 24u

enum dir {
    ROOT = 1,
    DEVICES,
    SYSTEM,
    CPU,
    NODE,
    NODE_0,
    NODE_HUGE,
    NODE_2M,
    KERNEL,
    MM,
    HUGEPAGES,
    SIZE_2M,
    BLOCK,
    DEV,
    DEV_BLOCK,
    CLASS,
    NET,
    VIRTUAL,
    VIRTUAL_NET,
    NET_LO,
    DIRS_END
};

static const struct {
    const char *name;
    enum dir parent;
} dirs[DIRS_END] = {
    [DEVICES] = {"devices", ROOT},
    [SYSTEM] = {"system", DEVICES},
    [CPU] = {"cpu", SYSTEM},
    [NODE] = {"node", SYSTEM},
    [NODE_0] = {"node0", NODE},
    [NODE_HUGE] = {"hugepages", NODE_0},
    [NODE_2M] = {"hugepages-2048kB", NODE_HUGE},
    [KERNEL] = {"kernel", ROOT},
    [MM] = {"mm", KERNEL},
    [HUGEPAGES] = {"hugepages", MM},
    [SIZE_2M] = {"hugepages-2048kB", HUGEPAGES},
    [BLOCK] = {"block", ROOT},
    [DEV] = {"dev", ROOT},
    [DEV_BLOCK] = {"block", DEV},
    [CLASS] = {"class", ROOT},
    [NET] = {"net", CLASS},
    [VIRTUAL] = {"virtual", DEVICES},
    [VIRTUAL_NET] = {"net", VIRTUAL},
    [NET_LO] = {"lo", VIRTUAL_NET},
};

/* Processors [first, end). */
static void put_range(struct seq *s, u32 first, u32 end)
{
    if (first < end)
        seq_printf(s, "%u", first);
    if (first + 1 < end)
        seq_printf(s, "-%u", end - 1);
    seq_puts(s, "\n");
}

static void show_running(struct seq *s)
{
    put_range(s, 0, cpu_count);
}

static void show_present(struct seq *s)
{
    put_range(s, 0, arch_cpus_present());
}

static void show_offline(struct seq *s)
{
    put_range(s, cpu_count, arch_cpus_present());
}

static void show_most(struct seq *s)
{
    seq_printf(s, "%u\n", MAX_CPUS - 1);
}

/* ---- the node ---- */

static void show_node(struct seq *s)
{
    put_range(s, 0, 1);
}

static void show_cpumap(struct seq *s)
{
    topology_put_map(s, ~0ull >> (64 - cpu_count));
}

static void show_distance(struct seq *s)
{
    seq_puts(s, "10\n"); /* of itself, in the words of ACPI's SLIT */
}

static void show_numastat(struct seq *s)
{
    u64 here = mm_stat_sum(MM_STAT_pgalloc);

    seq_printf(s,
               "numa_hit %lu\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\n"
               "local_node %lu\nother_node 0\n",
               here, here);
}

/* ---- the pool of huge pages ---- */

static struct hugepool pool_at_rest(void)
{
    memory_settle();
    return hugepool_counts();
}

static void show_nr(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().total);
}

static void show_overcommit(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().overcommit);
}

static void show_free(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().free);
}

static void show_reserved(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().reserved);
}

static void show_surplus(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().surplus);
}

static const struct {
    const char *name;
    enum dir parent;
    void (*show)(struct seq *s);
    void (*set)(u64 number); /* NULL: it is only read */
    const char *text;        /* what it says when nobody shows it */
} files[] = {
    {"kernel_max", CPU, show_most, NULL, NULL},
    {"offline", CPU, show_offline, NULL, NULL},
    {"online", CPU, show_running, NULL, NULL},
    {"possible", CPU, show_running, NULL, NULL},
    {"present", CPU, show_present, NULL, NULL},
    {"has_cpu", NODE, show_node, NULL, NULL},
    {"has_memory", NODE, show_node, NULL, NULL},
    {"has_normal_memory", NODE, show_node, NULL, NULL},
    {"online", NODE, show_node, NULL, NULL},
    {"possible", NODE, show_node, NULL, NULL},
    {"cpulist", NODE_0, show_running, NULL, NULL},
    {"cpumap", NODE_0, show_cpumap, NULL, NULL},
    {"distance", NODE_0, show_distance, NULL, NULL},
    {"meminfo", NODE_0, procfs_show_node, NULL, NULL},
    {"numastat", NODE_0, show_numastat, NULL, NULL},
    {"free_hugepages", NODE_2M, show_free, NULL, NULL},
    {"nr_hugepages", NODE_2M, show_nr, hugepool_resize, NULL},
    {"surplus_hugepages", NODE_2M, show_surplus, NULL, NULL},
    {"free_hugepages", SIZE_2M, show_free, NULL, NULL},
    {"nr_hugepages", SIZE_2M, show_nr, hugepool_resize, NULL},
    {"nr_overcommit_hugepages", SIZE_2M, show_overcommit, hugepool_set_overcommit, NULL},
    {"resv_hugepages", SIZE_2M, show_reserved, NULL, NULL},
    {"surplus_hugepages", SIZE_2M, show_surplus, NULL, NULL},
    {"address", NET_LO, NULL, NULL, "00:00:00:00:00:00\n"},
    {"addr_len", NET_LO, NULL, NULL, "6\n"},
    {"broadcast", NET_LO, NULL, NULL, "00:00:00:00:00:00\n"},
    {"carrier", NET_LO, NULL, NULL, "1\n"},
    {"flags", NET_LO, NULL, NULL, "0x9\n"},
    {"ifindex", NET_LO, NULL, NULL, "1\n"},
    {"iflink", NET_LO, NULL, NULL, "1\n"},
    {"mtu", NET_LO, NULL, NULL, "65536\n"},
    {"operstate", NET_LO, NULL, NULL, "unknown\n"},
    {"tx_queue_len", NET_LO, NULL, NULL, "1000\n"},
    {"type", NET_LO, NULL, NULL, "772\n"},
    {"addr_assign_type", NET_LO, NULL, NULL, "0\n"},
    {"carrier_changes", NET_LO, NULL, NULL, "0\n"},
    {"dev_id", NET_LO, NULL, NULL, "0x0\n"},
    {"dev_port", NET_LO, NULL, NULL, "0\n"},
    {"dormant", NET_LO, NULL, NULL, "0\n"},
    {"link_mode", NET_LO, NULL, NULL, "0\n"},
    {"netdev_group", NET_LO, NULL, NULL, "0\n"},
    {"uevent", NET_LO, NULL, NULL, "INTERFACE=lo\nIFINDEX=1\n"},
    {"subsystem", NET_LO, NULL, NULL, "../../../../class/net"},
    {"lo", NET, NULL, NULL, "../../devices/virtual/net/lo"},
};

STATIC_ASSERT(DIRS_END <= FIRST_FILE);
STATIC_ASSERT(FIRST_FILE + ARRAY_SIZE(files) <= TOPOLOGY_FIRST);
STATIC_ASSERT(TOPOLOGY_END <= LOOP_ATTRS);

static bool is_file(u64 ino)
{
    return ino >= FIRST_FILE && ino < FIRST_FILE + ARRAY_SIZE(files);
}

/* The text of a file ends its line, that of a link does not. */
static bool is_link(u64 ino)
{
    const char *text = is_file(ino) ? files[ino - FIRST_FILE].text : NULL;

    return text && text[strlen(text) - 1] != '\n';
}

static bool is_topology(u64 ino)
{
    return ino >= TOPOLOGY_FIRST && ino < TOPOLOGY_END;
}

bool tree_is_loop(u64 ino)
{
    return ino >= LOOP_ATTRS;
}

bool tree_may_set(u64 ino)
{
    return is_file(ino) && files[ino - FIRST_FILE].set;
}

void tree_set(u64 ino, u64 number)
{
    files[ino - FIRST_FILE].set(number);
}

void tree_show(u64 ino, struct seq *s)
{
    if (is_topology(ino))
        topology_show(ino, s);
    else if (files[ino - FIRST_FILE].text)
        seq_puts(s, files[ino - FIRST_FILE].text);
    else
        files[ino - FIRST_FILE].show(s);
}

u32 tree_type(u64 ino)
{
    return tree_is_loop(ino)  ? loop_attr_type(ino)
           : is_topology(ino) ? topology_type(ino)
           : is_link(ino)     ? S_IFLNK
           : is_file(ino)     ? S_IFREG
                              : S_IFDIR;
}

size_t tree_link(u64 ino, char *text, size_t size)
{
    if (tree_is_loop(ino))
        return loop_attr_text(ino, text, size);
    if (is_file(ino))
        str_copy(text, files[ino - FIRST_FILE].text, size);
    else
        topology_link(ino, text, size);
    return strlen(text);
}

bool tree_entry(u64 dir, u64 i, char *name, u64 *ino)
{
    const char *found = NULL;

    for (u64 d = ROOT + 1; d < DIRS_END && !found; d++) {
        if (dirs[d].parent == dir && i-- == 0) {
            found = dirs[d].name;
            *ino = d;
        }
    }
    for (u64 f = 0; f < ARRAY_SIZE(files) && !found; f++) {
        if (files[f].parent == dir && i-- == 0) {
            found = files[f].name;
            *ino = FIRST_FILE + f;
        }
    }
    if (found)
        str_copy(name, found, TREE_TEXT);
    else if (dir == BLOCK || dir == DEV_BLOCK)
        return loop_attr_device(i, dir == DEV_BLOCK, name, TREE_TEXT, ino);
    else if (tree_is_loop(dir))
        return loop_attr_at(dir, i, name, TREE_TEXT, ino);
    else if (dir == CPU || dir == NODE_0 || is_topology(dir))
        return topology_entry(dir == CPU      ? TOPOLOGY_CPUS
                              : dir == NODE_0 ? TOPOLOGY_NODE
                                              : dir,
                              i, name, TREE_TEXT, ino);
    return found;
}
