/* SPDX-License-Identifier: MIT
 *
 * See fstest.h.
 */
#include "tests/host/fstest.h"
#include "fs/dentry.h"
#include "fs/mount/mount.h"
#include "fs/mount/path_text.h"
#include "fs/namei.h"
#include "fs/names.h"
#include "fs/open.h"
#include "lib/string.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/buddy.h"

static struct fs_context fs;
static u64 free_before;

struct fs_context *fs_begin(void)
{
    vfs_init(&fs);
    test_no_balance(); /* the root stays: fs_end balances */
    fs_make("/warm", "caches are registered");
    fs_remove_all();
    free_before = page_count_free();
    return &fs;
}

/* Depth first, the newest name first: directories are empty when they are removed. */
static void remove_below(const struct dentry *dir)
{
    char text[PATH_MAX];

    while (dentry_has_children(dir)) {
        struct dentry *d = rb_entry(rb_last(&dir->children), struct dentry, sibling);
        struct path p = {fs.dirs->root.mnt, d};
        bool directory = S_ISDIR(d->inode->mode);

        if (directory)
            remove_below(d);
        if (vfs_path_text(&p, &fs.dirs->root, text, sizeof(text)) < 0)
            FAIL("a name too long to be removed");
        CHECK_EQ(directory ? vfs_rmdir(&fs, NULL, text) : vfs_unlink(&fs, NULL, text), 0);
    }
}

void fs_remove_all(void)
{
    remove_below(fs.dirs->root.dentry);
}

void fs_end(void)
{
    fs_remove_all();
    if (page_count_free() != free_before)
        FAIL("%lld pages are lost", (long long)(free_before - page_count_free()));
    CHECK_EQ(object_count(), 0);
}

struct file *fs_open(const char *name, u32 flags)
{
    struct file *f = NULL;
    int err = vfs_open(&fs, NULL, name, flags, 0644, &f);

    if (err)
        FAIL("open %s: %d", name, err);
    return f;
}

ssize_t fs_write(struct file *f, const void *buf, size_t n, u64 pos)
{
    struct iovec iov;
    struct uio u;

    uio_init_kernel(&u, &iov, (void *)(uintptr_t)buf, n);
    return file_writable(f) ? file_write_at(f, &u, &pos) : -EBADF;
}

ssize_t fs_read(struct file *f, void *buf, size_t n, u64 pos)
{
    struct iovec iov;
    struct uio u;

    uio_init_kernel(&u, &iov, buf, n);
    return file_readable(f) ? file_read_at(f, &u, &pos) : -EBADF;
}

void fs_make(const char *name, const char *text)
{
    struct file *f = fs_open(name, O_WRONLY | O_CREAT | O_TRUNC);

    CHECK_EQ(fs_write(f, text, strlen(text), 0), strlen(text));
    file_put(f);
}

bool fs_holds(const char *name, const char *text)
{
    size_t n = strlen(text);
    char buf[512];
    struct file *f = fs_open(name, O_RDONLY);
    ssize_t have = fs_read(f, buf, sizeof(buf), 0);

    file_put(f);
    return (size_t)have == n && memcmp(buf, text, n) == 0;
}

static u64 mix(u64 h, u64 x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

static u64 picture_below(const struct dentry *dir, u64 h, u32 *count)
{
    for (const struct dentry *d = dentry_child(dir, 0); d; d = dentry_next(d)) {
        const struct inode *ino = d->inode;

        ++*count;
        for (u32 i = 0; i < d->len; i++)
            h = mix(h, (u8)d->name[i]);
        h = mix(mix(mix(h, ino->ino), ino->mode), ino->nlink);
        if (ino->object) {
            struct page *pg;
            u32 number = 0;

            h = mix(h, ino->object->size);
            for (; (pg = index_next(&ino->object->pages, &number)) != NULL; number++) {
                const u64 *words = page_to_virt(pg);

                h = mix(h, number);
                for (u32 i = 0; i < PAGE_SIZE / 8; i++)
                    h = mix(h, words[i]);
            }
        }
        h = picture_below(d, mix(h, 1), count);
    }
    return mix(h, 2);
}

u32 fs_count(void)
{
    u32 count = 0;

    picture_below(fs.dirs->root.dentry, 0, &count);
    return count;
}

u64 fs_picture(void)
{
    u32 count = 0;

    return picture_below(fs.dirs->root.dentry, 0, &count);
}
