/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/maps, smaps, smaps_rollup, numa_maps, in Linux' form to the column. The areas are copied a
 * few at a time under the lock of the address space and printed without it, because names
 * need the lock of the tree of files. An area that shows file pages away from home has a
 * `Nonlinear:` line and the flag `nl`, as Linux 3.8 to 3.19 had them.
 */
#include "kernel/procfs/maps.h"
#include "arch/pkey.h"
#include "kernel/procfs/procfs.h"
#include "kernel/procfs/system.h"
#include "kernel/task/exec/vdso.h"
#include "lib/fmt.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/call/policy.h"
#include "mm/debug/report.h"
#include "mm/phys/page.h"
#include "mm/phys/slab.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"

#define BATCH       16
#define NAME_COLUMN 73

struct area {
    vaddr_t start, end;
    u64 offset; /* bytes, 0 for nameless private memory */
    u32 flags, policy;
    u64 object_id;
    bool has_object;
    struct vm_file *file; /* referenced */
    const char *special;  /* "[heap]", "[stack]", NULL */
    struct vma_counts counts;
};

struct map_walk {
    struct mm *mm;
    vaddr_t next; /* first address not yet seen */
    bool counts;
    struct area areas[BATCH];
};

const char *procfs_nameless(u32 vm_flags)
{
    return vm_flags & VM_HUGE ? "/anon_hugepage (deleted)" : "/dev/zero (deleted)";
}

static const char *special_name(const struct mm *mm, const struct vma *v)
{
    if (v->object)
        return vdso_is(v) ? "[vdso]" : NULL;
    if (v->flags & VM_HUGE)
        return procfs_nameless(v->flags);
    if (v->start <= mm->brk && v->end >= mm->brk_start && mm->brk > mm->brk_start)
        return "[heap]";
    if (v->start <= mm->program.start_stack && v->end > mm->program.start_stack)
        return "[stack]";
    return NULL;
}

static void copy_area(const struct map_walk *w, struct vma *v, struct area *a)
{
    *a = (struct area){.start = v->start,
                       .end = v->end,
                       .offset = v->object ? v->pgoff << PAGE_SHIFT : 0,
                       .flags = v->flags,
                       .policy = v->policy,
                       .object_id = v->object ? v->object->id : 0,
                       .has_object = v->object != NULL,
                       .file = v->file,
                       .special = special_name(w->mm, v)};
    if (v->object && a->special) /* of the kernel's: no file's place */
        a->offset = a->object_id = 0, a->has_object = false;
    if (a->file)
        vm_file_get(a->file);
    if (w->counts)
        vma_report(v, &a->counts);
}

/* The next areas: how many, 0 at the end. */
static int next_areas(struct map_walk *w)
{
    struct vma *v;
    int n = 0;

    mm_lock_shared(w->mm);
    for (v = vma_find(w->mm, w->next); v && n < (w->counts ? 1 : BATCH);
         v = vma_next(v)) { /* what is counted is printed, too */
        copy_area(w, v, &w->areas[n++]);
        w->next = v->end;
    }
    mm_unlock_shared(w->mm);
    return n;
}

/* The fields of a line are written without the formatter, which would take most of the time that a
 * long list takes. */
static char *put_hex(char *at, u64 value, unsigned digits)
{
    unsigned needed = (67u - (unsigned)__builtin_clzll(value | 1)) / 4;

    digits = MAX(digits, needed);
    for (unsigned i = digits; i-- > 0; value >>= 4)
        at[i] = "0123456789abcdef"[value % 16];
    return at + digits;
}

static char *put_decimal(char *at, u64 value)
{
    char text[20];
    unsigned n = 0;

    do
        text[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (n)
        *at++ = text[--n];
    return at;
}

static char *put_rights(char *at, u32 flags)
{
    *at++ = flags & VM_READ ? 'r' : '-';
    *at++ = flags & VM_WRITE ? 'w' : '-';
    *at++ = flags & VM_EXEC ? 'x' : '-';
    *at++ = flags & VM_SHARED ? 's' : 'p';
    *at++ = ' ';
    return at;
}

static void print_name(struct seq *s, const struct area *a)
{
    if (a->special)
        seq_puts(s, a->special);
    else if (a->file)
        seq_path(s, &container_of(a->file, struct file, vm)->path, "\n");
    else if (a->has_object)
        seq_puts(s, procfs_nameless(a->flags));
}

static void print_header(struct seq *s, const struct area *a)
{
    u64 dev = a->has_object ? 1 : 0, ino = a->object_id;
    char line[128], *at = line; /* at most 16 digits five times, 20, and the marks */

    if (a->file) {
        const struct inode *inode = container_of(a->file, struct file, vm)->inode;

        dev = inode->dev;
        ino = inode->ino;
    }
    at = put_hex(at, a->start, 8);
    *at++ = '-';
    at = put_hex(at, a->end, 8);
    *at++ = ' ';
    at = put_rights(at, a->flags);
    at = put_hex(at, a->offset, 8);
    *at++ = ' ';
    at = put_hex(at, dev >> 8, 2);
    *at++ = ':';
    at = put_hex(at, dev & 0xff, 2);
    *at++ = ' ';
    at = put_decimal(at, ino);
    *at++ = ' ';
    if (a->file || a->special || a->has_object)
        while (at < line + NAME_COLUMN)
            *at++ = ' ';
    seq_write(s, line, (size_t)(at - line));
    print_name(s, a);
    seq_puts(s, "\n");
}

#define KB_COLUMN    24u /* where the number ends, unless it has more than 8 digits */
#define KB_KEY(name) name ":                       "

/* key: a KB_KEY of at most 15 characters. */
static void put_kb(struct seq *s, const char *key, u64 bytes)
{
    char line[48], number[20];
    size_t digits = (size_t)(put_decimal(number, bytes / 1024) - number);
    size_t at = KB_COLUMN - MIN(digits, (size_t)8);

    memcpy(line, key, KB_COLUMN);
    memcpy(line + at, number, digits);
    memcpy(line + at + digits, " kB\n", 4);
    seq_write(s, line, at + digits + 4);
}

#define print_kb(s, key, bytes) put_kb(s, KB_KEY(key), bytes)

/* Every page of an object may have been written: nothing here is ever "clean". Huge pages count
 * in lines of their own. */
static void print_counts(struct seq *s, const struct vma_counts *c,
                         const struct vma_counts *huge, bool locked)
{
    static const char *const zero[] = {KB_KEY("LazyFree"), KB_KEY("AnonHugePages"),
                                       KB_KEY("ShmemPmdMapped"), KB_KEY("FilePmdMapped")};

    print_kb(s, "Rss", c->rss << PAGE_SHIFT);
    print_kb(s, "Pss", c->pss_bytes);
    print_kb(s, "Pss_Dirty", c->pss_bytes);
    print_kb(s, "Shared_Clean", 0);
    print_kb(s, "Shared_Dirty", c->shared << PAGE_SHIFT);
    print_kb(s, "Private_Clean", 0);
    print_kb(s, "Private_Dirty", (c->rss - c->shared) << PAGE_SHIFT);
    print_kb(s, "Referenced", c->rss << PAGE_SHIFT);
    print_kb(s, "Anonymous", c->anon << PAGE_SHIFT);
    for (size_t i = 0; i < ARRAY_SIZE(zero); i++)
        put_kb(s, zero[i], 0);
    print_kb(s, "Shared_Hugetlb", huge->shared << PAGE_SHIFT);
    print_kb(s, "Private_Hugetlb", (huge->rss - huge->shared) << PAGE_SHIFT);
    print_kb(s, "Swap", 0);
    print_kb(s, "SwapPss", 0);
    print_kb(s, "Locked", locked ? c->pss_bytes : 0);
}

static void print_flags(struct seq *s, const struct area *a)
{
    static const struct {
        u32 flag;
        char name[4];
    } names[] = {{VM_READ, "rd"},      {VM_WRITE, "wr"},       {VM_EXEC, "ex"},
                 {VM_SHARED, "sh"},    {VM_MAYREAD, "mr"},     {VM_MAYWRITE, "mw"},
                 {VM_MAYEXEC, "me"},   {VM_SHARED, "ms"},      {VM_GROWSDOWN, "gd"},
                 {VM_LOCKED, "lo"},    {VM_SEQ, "sr"},         {VM_RANDOM, "rr"},
                 {VM_DONTFORK, "dc"},  {VM_LOCKONFAULT, "lf"}, {VM_NORESERVE, "nr"},
                 {VM_DONTDUMP, "dd"},  {VM_HUGE, "ht"},        {VM_ASK_MISSING, "um"},
                 {VM_ASK_WRITE, "uw"}, {VM_ASK_MINOR, "ui"}};

    seq_puts(s, "VmFlags: ");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (a->flags & names[i].flag)
            seq_printf(s, "%s ", names[i].name);
    seq_puts(s, a->counts.away ? "nl \n" : "\n");
}

static void print_smaps(struct seq *s, const struct area *a)
{
    const struct vma_counts none = {0};

    print_header(s, a);
    print_kb(s, "Size", a->end - a->start);
    print_kb(s, "KernelPageSize", a->flags & VM_HUGE ? HUGE_SIZE : PAGE_SIZE);
    print_kb(s, "MMUPageSize", a->flags & VM_HUGE ? HUGE_SIZE : PAGE_SIZE);
    if (a->flags & VM_HUGE)
        print_counts(s, &none, &a->counts, false);
    else
        print_counts(s, &a->counts, &none, a->flags & VM_LOCKED);
    if (a->counts.away)
        print_kb(s, "Nonlinear", a->counts.away << PAGE_SHIFT);
    seq_puts(s, "THPeligible:    0\n");
    if (keys_on)
        seq_printf(s, "ProtectionKey:  %8u\n", a->flags >> VM_KEY_SHIFT);
    print_flags(s, a);
}

/* Visits all areas of a process from s->from on, as many as make a piece. An empty text for one
 * without memory. */
static int visit_areas(s32 pid, bool counts, struct seq *s,
                       void (*visit)(struct seq *s, const struct area *a, void *arg),
                       void *arg)
{
    struct mm *mm = proc_get_mm(pid);
    struct map_walk *w = mm ? kzalloc(sizeof(*w)) : NULL;
    int n;

    if (!mm)
        return 0;
    if (w) {
        w->mm = mm;
        w->counts = counts;
        w->next = s->from;
        while (!seq_full(s) && !pause_killed() && (n = next_areas(w)) > 0) {
            for (int i = 0; i < n; i++) {
                const struct area *a = &w->areas[i];

                if (!seq_full(s)) {
                    visit(s, a, arg);
                    s->next = a->end;
                }
                if (a->file)
                    vm_file_put(a->file);
                pause_anyway();
            }
        }
        if (!seq_full(s)) /* there were no more */
            s->next = 0;
        kfree(w);
    }
    mm_put(mm);
    return w ? 0 : -ENOMEM;
}

static void visit_maps(struct seq *s, const struct area *a, void *arg)
{
    (void)arg;
    print_header(s, a);
}

static void visit_smaps(struct seq *s, const struct area *a, void *arg)
{
    (void)arg;
    print_smaps(s, a);
}

int procfs_show_maps(struct seq *s, s32 pid)
{
    return visit_areas(pid, false, s, visit_maps, NULL);
}

int procfs_show_smaps(struct seq *s, s32 pid)
{
    return visit_areas(pid, true, s, visit_smaps, NULL);
}

static void print_policy(struct seq *s, u32 policy)
{
    static const char *const modes[MPOL_MAX] = {"default",    "prefer", "bind",
                                                "interleave", "local",  "prefer (many)"};

    seq_puts(s, modes[policy_mode(policy)]);
    if (policy & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES))
        seq_puts(s, policy & MPOL_F_STATIC_NODES ? "=static" : "=relative");
    if (policy >> POLICY_NODES_SHIFT)
        seq_puts(s, ":0");
}

/* task: the policy of memory that has none of its own. */
static void visit_numa(struct seq *s, const struct area *a, void *task)
{
    bool huge = a->flags & VM_HUGE;
    u64 pages = huge ? a->counts.rss >> HUGE_ORDER : a->counts.rss;
    u64 anon = huge ? a->counts.anon >> HUGE_ORDER : a->counts.anon;

    seq_printf(s, "%08lx ", a->start);
    print_policy(s, a->policy ?: *(u32 *)task);
    if (a->file) {
        seq_puts(s, " file=");
        seq_path(s, &container_of(a->file, struct file, vm)->path, "\n\t= ");
    } else if (a->special && (a->special[1] == 'h' || a->special[1] == 's')) {
        seq_printf(s, a->special[1] == 'h' ? " heap" : " stack");
    }
    if (huge)
        seq_puts(s, " huge");
    if (anon)
        seq_printf(s, " anon=%lu", anon);
    if (pages) /* as in smaps: nothing is ever clean */
        seq_printf(s, " dirty=%lu N0=%lu kernelpagesize_kB=%u", pages, pages,
                   (u32)((huge ? HUGE_SIZE : PAGE_SIZE) / 1024));
    seq_puts(s, "\n");
}

int procfs_show_numa_maps(struct seq *s, s32 pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct thread *t = thread_find(pid, pid);
    u32 policy = t ? READ_ONCE(t->mempolicy) : 0;

    spin_unlock_irq(&proc_lock, flags);
    return visit_areas(pid, true, s, visit_numa, &policy);
}

struct rollup {
    vaddr_t start, end;
    struct vma_counts sum, huge;
};

static void add_counts(struct vma_counts *to, const struct vma_counts *c)
{
    to->rss += c->rss;
    to->anon += c->anon;
    to->shared += c->shared;
    to->away += c->away;
    to->pss_bytes += c->pss_bytes;
}

static void visit_rollup(struct seq *s, const struct area *a, void *arg)
{
    struct rollup *r = arg;

    (void)s;
    if (!r->end)
        r->start = a->start;
    r->end = a->end;
    add_counts(a->flags & VM_HUGE ? &r->huge : &r->sum, &a->counts);
}

int procfs_show_smaps_rollup(struct seq *s, s32 pid)
{
    struct rollup r = {0};
    char line[80]; /* two addresses, and the rest of the column */
    struct mm *mm = proc_get_mm(pid);
    int err;

    if (!mm)
        return 0; /* it has no memory; one that is empty is told all the same */
    mm_put(mm);
    err = visit_areas(pid, true, s, visit_rollup, &r);
    if (err)
        return err;
    fmt_snprintf(line, sizeof(line), "%08lx-%08lx ---p 00000000 00:00 0 ", r.start,
                 r.end);
    seq_puts(s, line);
    for (size_t n = strlen(line); n < NAME_COLUMN; n++)
        seq_puts(s, " ");
    seq_puts(s, "[rollup]\n");
    print_counts(s, &r.sum, &r.huge, false);
    if (r.sum.away + r.huge.away)
        print_kb(s, "Nonlinear", (r.sum.away + r.huge.away) << PAGE_SHIFT);
    return 0;
}
