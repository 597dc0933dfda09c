/* SPDX-License-Identifier: MIT
 *
 * Files and names of ramfs: contents against an array of bytes, names against a naive tree,
 * limits, failed allocations.
 */
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "fs/names.h"
#include "fs/open.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/buddy.h"
#include "tests/host/fstest.h"

static int truncate_to(struct inode *ino, u64 size)
{
    SCOPED_LOCK(&ino->lock);
    return vfs_truncate(ino, size);
}

/* ---- contents ---- */

#define MAX_BYTES (20 * PAGE_SIZE)

static u8 bytes[MAX_BYTES], buf[MAX_BYTES];
static u64 size;

static void step(struct file *f)
{
    u64 pos = test_rand() % (MAX_BYTES - 1), n = test_rand() % (3 * PAGE_SIZE);
    ssize_t got;

    n = MIN(n, MAX_BYTES - pos);
    switch (test_rand() % 5) {
    case 0:
    case 1:
        for (u64 i = 0; i < n; i++)
            buf[i] = (u8)test_rand();
        CHECK_EQ(fs_write(f, buf, n, pos), n);
        memcpy(bytes + pos, buf, n);
        size = n ? MAX(size, pos + n) : size;
        break;
    case 2:
    case 3:
        got = fs_read(f, buf, n, pos);
        CHECK_EQ(got, pos >= size ? 0 : MIN(n, size - pos));
        CHECK(memcmp(buf, bytes + pos, (size_t)got) == 0);
        break;
    default:
        CHECK_EQ(truncate_to(f->inode, pos), 0);
        if (pos < size)
            memset(bytes + pos, 0, size - pos);
        size = pos;
    }
    CHECK_EQ(f->inode->object->size, size);
}

TEST(ramfs_contents_random)
{
    struct file *f;

    fs_begin();
    f = fs_open("/f", O_RDWR | O_CREAT);
    for (int i = 0; i < 20000; i++)
        step(f);
    file_put(f);
    fs_end();
}

TEST(ramfs_sparse_and_limits)
{
    struct file *f;
    u64 before;

    fs_begin();
    f = fs_open("/f", O_RDWR | O_CREAT);
    before = page_count_free();
    CHECK_EQ(fs_write(f, "x", 1, 1ul << 40), 1);
    CHECK(before - page_count_free() < 16);
    CHECK_EQ(fs_read(f, buf, 8, (1ul << 40) - 4), 5);
    CHECK(memcmp(buf, "\0\0\0\0x", 5) == 0);
    CHECK_EQ(fs_write(f, "x", 1, 0x7ffffffffffffffeul), -EFBIG);
    CHECK_EQ(fs_write(f, "x", 1, OBJECT_MAX_SIZE), -EFBIG);
    CHECK_EQ(fs_write(f, "xy", 2, OBJECT_MAX_SIZE - 1), 1);
    CHECK_EQ(truncate_to(f->inode, OBJECT_MAX_SIZE + 1), -EFBIG);
    CHECK_EQ(truncate_to(f->inode, 0), 0);
    file_put(f);
    fs_end();
}

TEST(ramfs_unlinked_but_open)
{
    struct fs_context *fs = fs_begin();
    struct file *f = fs_open("/f", O_RDWR | O_CREAT);
    u64 before = page_count_free();

    CHECK_EQ(fs_write(f, bytes, 10 * PAGE_SIZE, 0), 10 * PAGE_SIZE);
    CHECK_EQ(vfs_unlink(fs, NULL, "/f"), 0);
    CHECK(before - page_count_free() >= 10);
    CHECK_EQ(fs_read(f, buf, 5, 0), 5);
    file_put(f); /* now the pages go */
    CHECK(page_count_free() > before);
    fs_end();
}

/* ---- names, against a naive tree ---- */

#define NODES 200

static struct node {
    bool used, dir;
    int parent; /* 0 is the root */
    int file;   /* identity of what the name names */
    char name[2];
} nodes[NODES];
static int next_file;

static int child(int dir, char c)
{
    for (int i = 1; i < NODES; i++)
        if (nodes[i].used && nodes[i].parent == dir && nodes[i].name[0] == c)
            return i;
    return -1;
}

static bool empty(int dir)
{
    for (int i = 1; i < NODES; i++)
        if (nodes[i].used && nodes[i].parent == dir)
            return false;
    return true;
}

/* A path of up to three letters: its parent (or -errno), last letter, node (-1: none). */
struct place {
    char text[8];
    int parent, node;
    char last;
};

static void pick_place(struct place *p)
{
    u64 depth = 1 + test_rand() % 3;
    char *t = p->text;

    p->parent = 0;
    for (u64 i = 0; i < depth; i++) {
        char c = (char)('a' + test_rand() % 3);

        *t++ = '/';
        *t++ = c;
        if (i + 1 < depth && p->parent >= 0) {
            int next = child(p->parent, c);

            p->parent = next < 0 ? -ENOENT : nodes[next].dir ? next : -ENOTDIR;
        }
        p->last = c;
    }
    *t = 0;
    p->node = p->parent < 0 ? -1 : child(p->parent, p->last);
}

static void make_node(const struct place *p, bool dir, int file)
{
    for (int i = 1; i < NODES; i++)
        if (!nodes[i].used) {
            nodes[i] = (struct node){true, dir, p->parent, file, {p->last, 0}};
            return;
        }
    FAIL("the naive tree is full");
}

static int want_create(const struct place *p)
{
    return p->parent < 0 ? p->parent : p->node >= 0 ? -EEXIST : 0;
}

static int want_remove(const struct place *p, bool dir)
{
    if (p->parent < 0)
        return p->parent;
    if (p->node < 0)
        return -ENOENT;
    if (nodes[p->node].dir != dir)
        return dir ? -ENOTDIR : -EISDIR;
    return dir && !empty(p->node) ? -ENOTEMPTY : 0;
}

static bool is_below(int node, int top)
{
    while (node != 0 && node != top)
        node = nodes[node].parent;
    return node == top;
}

static int want_rename(const struct place *o, const struct place *n)
{
    if (o->parent < 0)
        return o->parent;
    if (n->parent < 0)
        return n->parent;
    if (o->node < 0)
        return -ENOENT;
    if (nodes[o->node].dir && is_below(n->parent, o->node))
        return -EINVAL;
    if (n->node < 0 || n->node == o->node)
        return 0;
    if (is_below(o->parent, n->node) && n->node != 0)
        return -ENOTEMPTY;
    if (nodes[o->node].file == nodes[n->node].file)
        return 0;
    return want_remove(n, nodes[o->node].dir);
}

static void name_step(struct fs_context *fs)
{
    struct place p, q;
    struct path from;
    struct file *f;
    int err, want;

    if (fs_count() > NODES - 10) { /* start afresh */
        fs_remove_all();
        memset(nodes, 0, sizeof(nodes));
    }
    pick_place(&p);
    pick_place(&q);
    switch (test_rand() % 7) {
    case 0:
        err = vfs_mkdir(fs, NULL, p.text, 0755);
        want = want_create(&p);
        if (!want)
            make_node(&p, true, next_file++);
        break;
    case 1:
    case 2:
        err = vfs_open(fs, NULL, p.text, O_RDWR | O_CREAT | O_EXCL, 0644, &f);
        want = want_create(&p);
        if (!err) {
            CHECK_EQ(fs_write(f, &next_file, sizeof(next_file), 0), sizeof(next_file));
            file_put(f);
        }
        if (!want)
            make_node(&p, false, next_file++);
        break;
    case 3:
        err = vfs_unlink(fs, NULL, p.text);
        want = want_remove(&p, false);
        if (!want)
            nodes[p.node].used = false;
        break;
    case 4:
        err = vfs_rmdir(fs, NULL, p.text);
        want = want_remove(&p, true);
        if (!want)
            nodes[p.node].used = false;
        break;
    case 5:
        if (p.node < 0 || nodes[p.node].dir)
            return;
        CHECK_EQ(vfs_lookup(fs, NULL, p.text, 0, &from), 0);
        err = vfs_link(fs, &from, NULL, q.text);
        path_put(&from);
        want = want_create(&q);
        if (!want)
            make_node(&q, false, nodes[p.node].file);
        break;
    default:
        err = vfs_rename(fs, NULL, p.text, NULL, q.text, 0);
        want = want_rename(&p, &q);
        if (want || p.node == q.node ||
            (q.node >= 0 && nodes[p.node].file == nodes[q.node].file))
            break;
        if (q.node >= 0)
            nodes[q.node].used = false;
        nodes[p.node].parent = q.parent;
        nodes[p.node].name[0] = q.last;
    }
    if (err != want)
        FAIL("%s (and %s): %d, the naive tree says %d", p.text, q.text, err, want);
}

static void compare_tree(struct fs_context *fs)
{
    u32 count = 0;

    for (int i = 1; i < NODES; i++) {
        char text[2 * NODES + 2] = "";
        struct path p;
        int links = 0, value;

        if (!nodes[i].used)
            continue;
        count++;
        for (int k = i; k; k = nodes[k].parent) {
            memmove(text + 2, text, sizeof(text) - 2);
            text[0] = '/';
            text[1] = nodes[k].name[0];
        }
        CHECK_EQ(vfs_lookup(fs, NULL, text, 0, &p), 0);
        CHECK_EQ(S_ISDIR(p.dentry->inode->mode), nodes[i].dir);
        for (int k = 1; k < NODES; k++)
            links += nodes[k].used && (nodes[i].dir ? nodes[k].dir && nodes[k].parent == i
                                                    : nodes[k].file == nodes[i].file);
        CHECK_EQ(p.dentry->inode->nlink, nodes[i].dir ? 2 + links : links);
        path_put(&p);
        if (!nodes[i].dir) {
            struct file *f = fs_open(text, O_RDONLY);

            CHECK_EQ(fs_read(f, &value, sizeof(value), 0), sizeof(value));
            CHECK_EQ(value, nodes[i].file);
            file_put(f);
        }
    }
    CHECK_EQ(fs_count(), count);
}

TEST(ramfs_names_random)
{
    struct fs_context *fs = fs_begin();

    for (int i = 0; i < 30000; i++) {
        name_step(fs);
        if (i % 16 == 0)
            compare_tree(fs);
    }
    fs_end();
}

/* ---- failed allocations ---- */

static int fail_create(struct fs_context *fs)
{
    struct file *f;
    int err = vfs_open(fs, NULL, "/new", O_RDWR | O_CREAT | O_EXCL, 0644, &f);

    if (!err)
        file_put(f);
    return err;
}

static int fail_mkdir(struct fs_context *fs)
{
    return vfs_mkdir(fs, NULL, "/d/new", 0755);
}

static int fail_symlink(struct fs_context *fs)
{
    return vfs_symlink(fs, NULL, "/d/new", "somewhere");
}

static int fail_link(struct fs_context *fs)
{
    struct path p;
    int err = vfs_lookup(fs, NULL, "/f", 0, &p);

    if (!err) {
        err = vfs_link(fs, &p, NULL, "/d/new");
        path_put(&p);
    }
    return err;
}

static int fail_rename(struct fs_context *fs)
{
    return vfs_rename(fs, NULL, "/f", NULL, "/d/new", 0);
}

static int fail_unlink(struct fs_context *fs)
{
    return vfs_unlink(fs, NULL, "/f");
}

TEST(ramfs_failed_allocations_change_nothing)
{
    static int (*const calls[])(struct fs_context *) = {
        fail_create, fail_mkdir, fail_symlink, fail_link, fail_rename, fail_unlink};
    struct fs_context *fs = fs_begin();

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        for (u64 n = 1, left = 0; !left; n++) {
            u64 picture, pages;
            int err;

            fs_make("/f", "text");
            CHECK_EQ(vfs_mkdir(fs, NULL, "/d", 0755), 0);
            picture = fs_picture();
            pages = page_count_free();
            alloc_fail_at(n);
            err = calls[i](fs);
            left = alloc_fail_left();
            alloc_fail_at(0);
            if (err) {
                CHECK(!left && (err == -ENOMEM || err == -ENOSPC));
                if (fs_picture() != picture)
                    FAIL("call %zu leaves a trace when allocation %llu fails", i,
                         (unsigned long long)n);
                CHECK_EQ(page_count_free(), pages);
            }
            fs_remove_all();
        }
    fs_end();
}
