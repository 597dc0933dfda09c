/* SPDX-License-Identifier: MIT
 *
 * cpuN/topology: how processors lie together, as /proc/cpuinfo has it: each is a core of its own,
 * all are in one package. A processor has a directory and, while it runs, one in that with its
 * files, a link to the node, and one that leads from there.
 */
#include "kernel/sysfs/topology.h"
#include "arch/smp.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/stat.h"

#define DIRS    TOPOLOGY_FIRST
#define INNER   (DIRS + MAX_CPUS)
#define TO_NODE (INNER + MAX_CPUS)
#define TO_CPU  (TO_NODE + MAX_CPUS)
#define FILES   (TO_CPU + MAX_CPUS)

enum what { PACKAGE, CORE, ONE_MAP, ONE_LIST, ALL_MAP, ALL_LIST };

static const struct {
    const char *name;
    enum what what;
} files[TOPOLOGY_FILES] = {
    {"core_cpus", ONE_MAP},
    {"core_cpus_list", ONE_LIST},
    {"core_id", CORE},
    {"core_siblings", ALL_MAP},
    {"core_siblings_list", ALL_LIST},
    {"die_cpus", ALL_MAP},
    {"die_cpus_list", ALL_LIST},
    {"die_id", PACKAGE},
    {"package_cpus", ALL_MAP},
    {"package_cpus_list", ALL_LIST},
    {"physical_package_id", PACKAGE},
    {"thread_siblings", ONE_MAP},
    {"thread_siblings_list", ONE_LIST},
};

u32 topology_type(u64 ino)
{
    return ino >= FILES ? S_IFREG : ino >= TO_NODE ? S_IFLNK : S_IFDIR;
}

void topology_link(u64 ino, char *text, size_t size)
{
    if (ino >= TO_CPU)
        fmt_snprintf(text, size, "../../cpu/cpu%u", (u32)(ino - TO_CPU));
    else
        str_copy(text, "../../node/node0", size);
}

bool topology_entry(u64 dir, u64 i, char *name, size_t size, u64 *ino)
{
    if (dir == TOPOLOGY_CPUS || dir == TOPOLOGY_NODE) {
        fmt_snprintf(name, size, "cpu%u", (u32)i);
        *ino = (dir == TOPOLOGY_NODE ? TO_CPU : DIRS) + i;
        return i < (dir == TOPOLOGY_NODE ? cpu_count : arch_cpus_present());
    }
    if (dir < INNER) {
        str_copy(name, i ? "node0" : "topology", size);
        *ino = dir - DIRS + (i ? TO_NODE : INNER);
        return i < 2 && dir - DIRS < cpu_count;
    }
    if (i >= TOPOLOGY_FILES)
        return false;
    str_copy(name, files[i].name, size);
    *ino = FILES + (dir - INNER) * TOPOLOGY_FILES + i;
    return true;
}

void topology_put_map(struct seq *s, u64 cpus)
{
    for (u32 digit = (cpu_count + 3) / 4; digit-- > 0;)
        seq_printf(s, digit && digit % 8 == 0 ? "%lx," : "%lx", cpus >> (4 * digit) & 15);
    seq_puts(s, "\n");
}

void topology_show(u64 ino, struct seq *s)
{
    u32 cpu = (u32)(ino - FILES) / TOPOLOGY_FILES;

    switch (files[(ino - FILES) % TOPOLOGY_FILES].what) {
    case PACKAGE:
        seq_puts(s, "0\n");
        break;
    case CORE:
    case ONE_LIST:
        seq_printf(s, "%u\n", cpu);
        break;
    case ONE_MAP:
        topology_put_map(s, 1ull << cpu);
        break;
    case ALL_MAP:
        topology_put_map(s, ~0ull >> (64 - cpu_count));
        break;
    case ALL_LIST:
        seq_printf(s, cpu_count > 1 ? "0-%u\n" : "%u\n", cpu_count - 1);
        break;
    }
}
