/* SPDX-License-Identifier: MIT
 *
 * The names of places: from paths to text.
 */
#include "fs/mount/path_text.h"
#include "fs/dentry.h"
#include "fs/mount/mount.h"
#include "fs/namei.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

static bool is_reachable(const struct path *p, const struct path *root)
{
    REQUIRES(&vfs_tree_lock);
    struct path q = *p;

    while (q.mnt && !(q.dentry == root->dentry && q.mnt == root->mnt)) {
        if (q.dentry != q.mnt->root)
            q.dentry = q.dentry->parent;
        else if (q.mnt->at.dentry)
            q = q.mnt->at;
        else
            q.mnt = NULL;
        pause_anyway();
    }
    return q.mnt != NULL;
}

bool vfs_path_reachable(const struct path *p, const struct path *root)
{
    SCOPED_LOCK_SHARED(&vfs_tree_lock);
    return is_reachable(p, root);
}

static ssize_t path_text(const struct path *p, const struct path *root, char *buf,
                         size_t size)
{
    REQUIRES(&vfs_tree_lock);
    static const char deleted[] = " (deleted)";
    size_t at = size, tail = 0;
    struct path q = *p;

    if (size < sizeof(deleted) + 2)
        return -ENAMETOOLONG;
    buf[--at] = 0;
    if (q.dentry->dead) {
        tail = sizeof(deleted) - 1;
        at -= tail;
        memcpy(buf + at, deleted, tail);
    }
    while (q.mnt && !(q.dentry == root->dentry && q.mnt == root->mnt)) {
        if (q.dentry == q.mnt->root) {
            if (!q.mnt->at.dentry)
                break;
            q = q.mnt->at;
            continue;
        }
        if (at < q.dentry->len + 1u)
            return -ENAMETOOLONG;
        at -= q.dentry->len;
        memcpy(buf + at, q.dentry->name, q.dentry->len);
        buf[--at] = '/';
        q.dentry = q.dentry->parent;
    }
    if (!q.mnt) { /* a name without a place: pipe:[n], memfd:x */
        if (at < q.dentry->len)
            return -ENAMETOOLONG;
        at -= q.dentry->len;
        memcpy(buf + at, q.dentry->name, q.dentry->len);
    } else if (at + tail + 1 == size) {
        if (at == 0)
            return -ENAMETOOLONG;
        buf[--at] = '/';
    }
    memmove(buf, buf + at, size - at);
    return (ssize_t)(size - at - 1);
}

ssize_t vfs_path_text(const struct path *p, const struct path *root, char *buf,
                      size_t size)
{
    SCOPED_LOCK_SHARED(&vfs_tree_lock);
    return path_text(p, root, buf, size);
}

ssize_t vfs_root_text(const struct path *p, char *buf, size_t size)
{
    /* In a mount of the whole file system that is mounted nowhere. */
    struct mount whole = {.root = p->mnt->super->root};
    struct path q = {&whole, p->dentry};

    return vfs_path_text(&q, &(struct path){&whole, whole.root}, buf, size);
}

ssize_t fs_path_text(const struct fs_context *fs, const struct path *p, char *buf,
                     size_t size)
{
    struct path root;
    ssize_t n;

    fs_root(fs, &root);
    n = vfs_path_text(p, &root, buf, size);
    path_put(&root);
    return n;
}

bool fs_path_reachable(const struct fs_context *fs, const struct path *p)
{
    struct path root;
    bool reachable;

    fs_root(fs, &root);
    reachable = vfs_path_reachable(p, &root);
    path_put(&root);
    return reachable;
}

static ssize_t text_or_unreachable(const struct path *p, const struct path *root,
                                   char *buf, size_t size)
{
    SCOPED_LOCK_SHARED(&vfs_tree_lock);
    size_t skip = 0;
    ssize_t n;

    if (p->dentry->dead)
        return -ENOENT;
    if (!is_reachable(p, root))
        skip = str_copy(buf, "(unreachable)", size);
    n = path_text(p, root, buf + skip, size - skip);
    return n < 0 ? n : n + (ssize_t)skip;
}

ssize_t fs_cwd_text(const struct fs_context *fs, char *buf, size_t size)
{
    struct path root, cwd;
    ssize_t n;

    fs_root(fs, &root);
    fs_cwd(fs, &cwd);
    n = text_or_unreachable(&cwd, &root, buf, size);
    path_put(&cwd);
    path_put(&root);
    return n;
}
