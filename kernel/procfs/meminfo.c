/* SPDX-License-Identifier: MIT
 *
 * /proc/meminfo, vmstat, slabinfo, buddyinfo: the allocators' own counts, exact at the
 * moment of reading. Lines Linux does not have: FreePages, the frames that are free, to the page,
 * with those that slabs hold and need not: what is in use has one number, wherever it lies; and
 * AwayArrays, what remapped pages cost.
 */
#include "kernel/procfs/meminfo.h"
#include "arch/thread.h"
#include "fs/hugetlb/pool.h"
#include "kernel/pause.h"
#include "kernel/procfs/procfs.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"
#include "mm/phys/stat.h"
#include "mm/vm/backlink.h"
#include "mm/vm/commit.h"
#include "mm/vm/object.h"
#include "mm/vm/slot.h"

#define PAGE_KB    (PAGE_SIZE / 1024)
#define CACHES_MAX 64

struct totals {
    u64 anon, mapped, tables, locked;
};

static void add_mm(struct mm *mm, void *arg)
{
    struct totals *t = arg;

    t->anon += mm_resident(mm, RESIDENT_ANON);
    t->mapped += mm_resident(mm, RESIDENT_FILE) + mm_resident(mm, RESIDENT_SHMEM);
    t->tables += mm->tables;
    t->locked += mm->locked_vm;
}

/* As "%-15s %8lu kB\n" would have it. Programs read the file all the time, and formats cost more
 * than all that is counted for it. */
static void kb(struct seq *s, const char *key, u64 pages)
{
    char line[] = "                         kB\n", *at = line + 24;
    u64 value = pages * PAGE_KB;

    if (value > 99999999) {
        seq_printf(s, "%-15s %8lu kB\n", key, value);
        return;
    }
    memcpy(line, key, strlen(key));
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    seq_write(s, line, sizeof(line) - 1);
}

static void show_hugepages(struct seq *s)
{
    struct hugepool p = hugepool_counts();

    seq_printf(s,
               "HugePages_Total:   %5lu\nHugePages_Free:    %5lu\n"
               "HugePages_Rsvd:    %5lu\nHugePages_Surp:    %5lu\n",
               p.total, p.free, p.reserved, p.surplus);
    kb(s, "Hugepagesize:", HUGE_PAGES);
    kb(s, "Hugetlb:", p.total * HUGE_PAGES);
}

int procfs_show_meminfo(struct seq *s, s32 pid)
{
    u64 reserve = page_count_reserve(), free, cached, slab;
    struct totals t = {0};

    (void)pid;
    memory_settle();
    free = page_count_free();
    cached = object_pages_total();
    slab = slab_pages();
    mm_for_each(add_mm, &t);
    kb(s, "MemTotal:", page_count_total());
    kb(s, "MemFree:", free);
    kb(s, "MemAvailable:", free > reserve ? free - reserve : 0);
    kb(s, "Buffers:", 0);
    kb(s, "Cached:", cached);
    kb(s, "SwapCached:", 0);
    kb(s, "Active:", t.anon + cached);
    kb(s, "Inactive:", 0);
    kb(s, "Unevictable:", t.locked);
    kb(s, "Mlocked:", t.locked);
    kb(s, "SwapTotal:", 0);
    kb(s, "SwapFree:", 0);
    kb(s, "Dirty:", 0);
    kb(s, "Writeback:", 0);
    kb(s, "AnonPages:", t.anon);
    kb(s, "Mapped:", t.mapped);
    kb(s, "Shmem:", cached);
    kb(s, "KReclaimable:", 0);
    kb(s, "Slab:", slab);
    kb(s, "SReclaimable:", 0);
    kb(s, "SUnreclaim:", slab);
    kb(s, "KernelStack:", proc_count() * (KSTACK_SIZE / PAGE_SIZE));
    kb(s, "PageTables:", t.tables);
    kb(s, "CommitLimit:", commit_limit());
    kb(s, "Committed_AS:", commit_total());
    show_hugepages(s);
    seq_printf(s, "FreePages: %lu pages\n", free + slab_spare_pages());
    seq_printf(s, "AwayArrays: %lu bytes\n", away_bytes());
    return 0;
}

void procfs_show_node(struct seq *s)
{
    u64 total = page_count_total(), free, cached, slab = slab_pages();
    struct hugepool huge = hugepool_counts();
    struct totals t = {0};

    memory_settle();
    free = page_count_free();
    cached = object_pages_total();
    mm_for_each(add_mm, &t);
    const struct {
        const char *key;
        u64 pages;
    } lines[] = {{"MemTotal:", total},
                 {"MemFree:", free},
                 {"MemUsed:", total - free},
                 {"Active:", t.anon + cached},
                 {"Inactive:", 0},
                 {"Unevictable:", t.locked},
                 {"Mlocked:", t.locked},
                 {"Dirty:", 0},
                 {"Writeback:", 0},
                 {"FilePages:", cached},
                 {"Mapped:", t.mapped},
                 {"AnonPages:", t.anon},
                 {"Shmem:", cached},
                 {"KernelStack:", proc_count() * (KSTACK_SIZE / PAGE_SIZE)},
                 {"PageTables:", t.tables},
                 {"Slab:", slab},
                 {"SReclaimable:", 0},
                 {"SUnreclaim:", slab}};

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        seq_puts(s, "Node 0 ");
        kb(s, lines[i].key, lines[i].pages);
    }
    seq_printf(s,
               "Node 0 HugePages_Total: %5lu\nNode 0 HugePages_Free:  %5lu\n"
               "Node 0 HugePages_Surp:  %5lu\n",
               huge.total, huge.free, huge.surplus);
}

int procfs_show_vmstat(struct seq *s, s32 pid)
{
    struct totals t = {0};

    (void)pid;
    mm_for_each(add_mm, &t);
    seq_printf(s,
               "nr_free_pages %lu\nnr_anon_pages %lu\nnr_mapped %lu\nnr_file_pages %lu\n",
               page_count_free(), t.anon, t.mapped, object_pages_total());
    seq_printf(s, "nr_shmem %lu\nnr_page_table_pages %lu\nnr_slab_unreclaimable %lu\n",
               object_pages_total(), t.tables, slab_pages());
    seq_printf(s, "nr_objects %lu\nbytes_away %lu\nbytes_backlink_logs %lu\n",
               object_count(), away_bytes(), backlink_bytes());
    for (unsigned i = 0; i < MM_STAT_COUNT; i++)
        seq_printf(s, "%s %lu\n", mm_stat_name(i), mm_stat_sum(i));
#ifdef TESSERA_DEBUG
    seq_printf(s, "longest_stretch_cycles %lu\nlongest_stretch_call %ld\n",
               stall_longest.cycles, stall_longest.call);
    seq_printf(s, "longest_stretch_end %lu\n", stall_longest.end);
    seq_printf(s, "longest_irqoff_cycles %lu\nlongest_irqoff_where %lu\n",
               irqoff_longest.cycles, irqoff_longest.where);
#endif
    return 0;
}

#ifdef TESSERA_DEBUG
int procfs_store_vmstat(s32 pid, char *text, size_t n)
{
    (void)pid;
    (void)text;
    (void)n;
    stall_longest = (struct stall){0};
    irqoff_longest = (struct irqoff){0};
    return 0;
}
#endif

struct cache_list {
    struct slab_cache copy[CACHES_MAX];
    size_t n;
};

static void copy_cache(const struct slab_cache *c, void *arg)
{
    struct cache_list *list = arg;

    if (list->n == CACHES_MAX)
        return;
    list->copy[list->n] = *c;
    list->copy[list->n++].objects = slab_objects(c);
}

int procfs_show_slabinfo(struct seq *s, s32 pid)
{
    struct cache_list *list = kzalloc(sizeof(*list));

    (void)pid;
    if (!list)
        return -ENOMEM;
    slab_for_each(copy_cache, list);
    seq_puts(s, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> "
                "<objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> "
                "<sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
    for (size_t i = 0; i < list->n; i++) {
        const struct slab_cache *c = &list->copy[i];

        seq_printf(s,
                   "%-17s %6lu %6lu %6u %4u %4u : tunables    0    0    0 : slabdata "
                   "%6lu %6lu      0\n",
                   c->name, c->objects, c->slabs * c->per_slab, c->size, c->per_slab,
                   1u << c->order, c->slabs, c->slabs);
    }
    kfree(list);
    return 0;
}

int procfs_show_buddyinfo(struct seq *s, s32 pid)
{
    u64 blocks[BUDDY_ORDERS];

    (void)pid;
    memory_settle();
    page_count_orders(blocks);
    seq_puts(s, "Node 0, zone   Normal ");
    for (unsigned order = 0; order < BUDDY_ORDERS; order++)
        seq_printf(s, "%6lu ", blocks[order]);
    seq_puts(s, "\n");
    return 0;
}
