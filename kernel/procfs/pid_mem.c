/* SPDX-License-Identifier: MIT
 *
 * Files that look into memory: /proc/PID/mem, pagemap, arrangement, clear_refs, and
 * /proc/kpagecount. An open file remembers which address space it was opened for, but does
 * not hold it: once that is gone, by exit or exec, mem and pagemap read as empty. What
 * differs from Linux: docs/reference/proc-memory.md.
 */
#include "kernel/procfs/pid_mem.h"
#include "fs/uio.h"
#include "kernel/procfs/file.h"
#include "kernel/task/proc_access.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/debug/report.h"
#include "mm/op/access.h"
#include "mm/phys/blocks.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"

#define ENTRY       sizeof(u64)
#define CHUNK       (PAGE_SIZE / ENTRY) /* entries made at once */
#define PAGEMAP_END ((USER_END >> PAGE_SHIFT) * ENTRY)

struct window {
    s32 pid;
    u64 mm_id;   /* 0: there was no memory */
    bool frames; /* pagemap: frame numbers are shown */
};

static int window_open(struct file *f)
{
    const struct procfs_node *n = f->inode->data;
    const struct task_id id = procfs_node_task(n);
    struct window *w;
    struct mm *mm = NULL;
    struct pid_pin pin;
    int err;

    if (!procfs_node_pin(n, &pin))
        return -ENOENT;
    err = task_access_mm(&id, FS_IDS, &mm);
    pid_unpin(&pin);
    if (err == -EPERM)
        return -EACCES;
    w = kzalloc(sizeof(*w));
    if (w) {
        w->pid = n->pid;
        w->mm_id = mm ? mm->id : 0;
        w->frames = capable(CAP_SYS_ADMIN);
        f->data = w;
    }
    if (mm)
        mm_put(mm);
    return w ? 0 : -ENOMEM;
}

static void window_release(struct file *f)
{
    kfree(f->data);
}

/* The address space, referenced, if it is still the one the file was opened for. */
static struct mm *window_mm(const struct file *f)
{
    const struct window *w = f->data;
    struct mm *mm = proc_get_mm(w->pid);

    if (mm && mm->id != w->mm_id) {
        mm_put(mm);
        return NULL;
    }
    return mm;
}

/* ---- /proc/PID/mem ---- */

/* As on Linux the caller's own memory that is not there is told even after a part. */
static ssize_t outcome(ssize_t done, ssize_t err)
{
    return done && err != -EFAULT ? done : err;
}

static ssize_t mem_transfer(struct file *f, struct uio *u, u64 *pos, bool write)
{
    struct mm *mm = window_mm(f);
    char *page = mm ? kmalloc(PAGE_SIZE) : NULL;
    ssize_t done = 0, err = 0;

    if (!mm)
        return 0;
    if (!page)
        err = -ENOMEM;
    while (!err && u->left) {
        size_t part = MIN(u->left, PAGE_SIZE - *pos % PAGE_SIZE), n = part;

        if (write)
            n = uio_copy_from(u, page, part);
        if (n < part)
            err = -EFAULT;
        part = mm_access_force(mm, *pos, page, n, write ? MM_WRITE : MM_READ);
        if (part < n)
            err = -EIO;
        if (!write && part && (n = uio_copy_to(u, page, part)) < part) {
            err = -EFAULT;
            part = n;
        }
        *pos += part;
        done += (ssize_t)part;
        if (!err && pause_point())
            err = -EINTR;
    }
    kfree(page);
    mm_put(mm);
    return outcome(done, err);
}

static ssize_t mem_read(struct file *f, struct uio *u, u64 *pos)
{
    return mem_transfer(f, u, pos, false);
}

static ssize_t mem_write(struct file *f, struct uio *u, u64 *pos)
{
    return mem_transfer(f, u, pos, true);
}

const struct file_ops procfs_mem_fops = {.open = window_open,
                                         .release = window_release,
                                         .read = mem_read,
                                         .write = mem_write,
                                         .lseek = file_seek};

/* ---- tables of 8-byte entries ---- */

/* Fills in n entries from entry number `first`. */
typedef void (*entries_fn)(void *arg, u64 first, size_t n, u64 *out);

static ssize_t read_entries(struct uio *u, u64 *pos, u64 end, entries_fn fill, void *arg)
{
    u64 *out;
    ssize_t done = 0, err = 0;

    if (*pos % ENTRY || u->left % ENTRY)
        return -EINVAL;
    out = kmalloc(PAGE_SIZE);
    if (!out)
        return -ENOMEM;
    while (!err && u->left && *pos < end) {
        size_t part = MIN(MIN(u->left, end - *pos), CHUNK * ENTRY), n;

        fill(arg, *pos / ENTRY, part / ENTRY, out);
        n = uio_copy_to(u, out, part);
        if (n < part)
            err = -EFAULT;
        *pos += n;
        done += (ssize_t)n;
        if (!err && pause_point())
            err = -EINTR;
    }
    kfree(out);
    return outcome(done, err);
}

struct pagemap {
    struct mm *mm;
    bool frames;
    struct pagemap_reader reader;
};

static void fill_pagemap(void *arg, u64 first, size_t n, u64 *out)
{
    struct pagemap *m = arg;

    pagemap_read(m->mm, first << PAGE_SHIFT, n, out, &m->reader);
    for (size_t i = 0; i < n && !m->frames; i++)
        out[i] &= ~PAGEMAP_FRAME;
}

static ssize_t pagemap_file_read(struct file *f, struct uio *u, u64 *pos)
{
    struct pagemap m = {
        window_mm(f), ((struct window *)f->data)->frames, {u->left / ENTRY, 0}};
    ssize_t n;

    if (!m.mm)
        return 0;
    n = read_entries(u, pos, PAGEMAP_END, fill_pagemap, &m);
    mm_put(m.mm);
    return n;
}

const struct file_ops procfs_pagemap_fops = {.open = window_open,
                                             .release = window_release,
                                             .read = pagemap_file_read,
                                             .lseek = file_seek};

static void fill_counts(void *arg, u64 first, size_t n, u64 *out)
{
    (void)arg;
    for (size_t i = 0; i < n; i++)
        out[i] = page_exists(first + i) ? page_translations(pfn_to_page(first + i)) : 0;
}

static int kpagecount_open(struct file *f)
{
    (void)f;
    return capable(CAP_SYS_ADMIN) ? 0 : -EACCES;
}

static ssize_t kpagecount_read(struct file *f, struct uio *u, u64 *pos)
{
    (void)f;
    return read_entries(u, pos, page_limit() * ENTRY, fill_counts, NULL);
}

const struct file_ops procfs_kpagecount_fops = {
    .open = kpagecount_open, .read = kpagecount_read, .lseek = file_seek};

/* ---- texts ---- */

/* Until the piece is full. */
static bool print_run(const struct arrangement_run *r, void *arg)
{
    pgoff_t last = r->first + ((r->end - r->start) >> PAGE_SHIFT) - 1;
    struct seq *s = arg;

    if (seq_full(s))
        return false;
    seq_printf(s, "%08lx-%08lx %lu-%lu %s\n", r->start, r->end, (unsigned long)r->first,
               (unsigned long)last, r->away ? "away" : "home");
    s->next = r->end;
    return true;
}

int procfs_show_arrangement(struct seq *s, s32 pid)
{
    struct mm *mm;
    int err = proc_access_mm(pid, FS_IDS, &mm);

    if (err)
        return err == -ESRCH ? 0 : -EACCES;
    arrangement_report(mm, s->from, print_run, s);
    if (!seq_full(s)) /* there were no more */
        s->next = 0;
    mm_put(mm);
    return 0;
}

/* 1..3: forget accesses; 4: forget soft-dirty marks; 5: forget the peak of residence. Only
 * the last is kept here at all. */
int procfs_store_clear_refs(s32 pid, char *text, size_t n)
{
    struct mm *mm;
    u64 what;
    int err;

    if (n && text[n - 1] == '\n')
        text[n - 1] = '\0';
    if (str_to_u64(text, &what) != 0 || what < 1 || what > 5)
        return -EINVAL;
    err = proc_access_mm(pid, FS_IDS, &mm);
    if (err)
        return err == -ESRCH ? err : -EACCES;
    if (what == 5)
        mm->hiwater_rss = mm_rss(mm);
    mm_put(mm);
    return 0;
}
