/* SPDX-License-Identifier: MIT
 *
 * tmpfs: a ramfs with limits, and with options that set them. Its pages, its inodes, names
 * beyond the first of an inode, and long texts of links count in the quota of the instance.
 */
#include "fs/ramfs/tmpfs.h"
#include "fs/dentry.h"
#include "fs/mount/mount.h"
#include "fs/mount/options.h"
#include "fs/ramfs/ramfs.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"

#define NOT_GIVEN (~0ull)

struct tmpfs_options {
    struct root_options root;
    u64 npages, ninodes; /* NOT_GIVEN; 0: no limit */
};

/* Sizes are in bytes, nr_blocks in pages; 0 is no limit. */
static int tmpfs_option(struct tmpfs_options *o, const char *key, const char *value)
{
    u64 bytes;
    int err = root_option(&o->root, key, value);

    if (err)
        return err < 0 ? err : 0;
    if (strcmp(key, "size") == 0) {
        err = option_size(value, page_count_total() << PAGE_SHIFT, &bytes);
        if (!err)
            o->npages = (bytes >> PAGE_SHIFT) + (bytes % PAGE_SIZE != 0);
        return err;
    }
    if (strcmp(key, "nr_blocks") == 0)
        return option_size(value, page_count_total(), &o->npages);
    if (strcmp(key, "nr_inodes") == 0)
        return option_size(value, 0, &o->ninodes);
    return -EINVAL;
}

/* A limit may be set, lifted, or moved, but none set where there was none, nor below what is
 * in use. */
static int check_limit(u64 wanted, u64 max, u64 used, bool remount)
{
    if (wanted == NOT_GIVEN || wanted == 0 || !remount)
        return 0;
    return max == QUOTA_NONE || wanted < used ? -EINVAL : 0;
}

static void set_limit(u64 wanted, u64 *max, u64 *kept)
{
    if (wanted == NOT_GIVEN)
        return;
    *max = wanted ? wanted : QUOTA_NONE;
    *kept = 0; /* who sets a limit gets just that */
}

static int set_limits(struct super *s, const struct tmpfs_options *o, bool remount)
{
    struct quota *q = s->quota;
    int err = check_limit(o->npages, q->max_pages, q->pages, remount);

    if (!err)
        err = check_limit(o->ninodes, q->max_inodes, q->inodes, remount);
    if (err)
        return err;
    set_limit(o->npages, &q->max_pages, &q->kept_pages);
    if (!remount)
        q->exact = o->npages != NOT_GIVEN;
    set_limit(o->ninodes, &q->max_inodes, &q->kept_inodes);
    return 0;
}

int tmpfs_configure(struct super *s, char *options, bool remount)
{
    struct tmpfs_options o = {{NOT_GIVEN, NOT_GIVEN, NOT_GIVEN}, NOT_GIVEN, NOT_GIVEN};
    char *key, *value;
    int err = 0;

    while (!err && option_next(&options, &key, &value))
        err = tmpfs_option(&o, key, value);
    if (!err)
        err = set_limits(s, &o, remount);
    if (!err && !remount)
        root_options_apply(&o.root, s);
    return err;
}

/* Of a limit; 0: none. */
static u64 limit(u64 most)
{
    return most == QUOTA_NONE ? 0 : most;
}

/* What differs from the defaults. */
static void tmpfs_show(const struct super *s, char *buf, size_t size)
{
    const struct quota *q = s->quota;
    u64 usual = page_count_total() / 2;
    int n = 0;

    *buf = '\0';
    if (q->max_pages != usual)
        n = fmt_snprintf(buf, size, ",size=%luk",
                         limit(q->max_pages) * (PAGE_SIZE / 1024));
    if (q->max_inodes != usual)
        n += fmt_snprintf(buf + n, size - (size_t)n, ",nr_inodes=%lu",
                          limit(q->max_inodes));
    root_options_show(s, buf + n, size - (size_t)n);
}

void tmpfs_limit_root(struct super *s)
{
    struct quota *q = s->quota;
    u64 half = page_count_free() / 2;

    q->max_pages = q->pages + half;
    q->max_inodes = q->inodes + half;
    q->kept_pages = q->kept_inodes = half / 16;
}

struct fs_type tmpfs_type = {
    .name = "tmpfs",
    .magic = 0x01021994,
    .root_mode = 01777,
    .make_root = ramfs_make_root,
    .configure = tmpfs_configure,
    .show = tmpfs_show,
};
