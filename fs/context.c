/* SPDX-License-Identifier: MIT
 *
 * Directories of threads, see fs/context.h.
 */
#include "fs/context.h"
#include "fs/namei.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

void fs_root_and_cwd(const struct fs_context *fs, struct path *root, struct path *cwd)
{
    struct fs_dirs *dirs = fs->dirs;
    irqflags_t flags = spin_lock_irq(&dirs->lock);

    *root = dirs->root;
    *cwd = dirs->cwd;
    path_get(root);
    path_get(cwd);
    spin_unlock_irq(&dirs->lock, flags);
}

static void get(struct fs_dirs *dirs, const struct path *slot, struct path *out)
{
    irqflags_t flags = spin_lock_irq(&dirs->lock);

    *out = *slot;
    path_get(out);
    spin_unlock_irq(&dirs->lock, flags);
}

void fs_root(const struct fs_context *fs, struct path *out)
{
    get(fs->dirs, &fs->dirs->root, out);
}

void fs_cwd(const struct fs_context *fs, struct path *out)
{
    get(fs->dirs, &fs->dirs->cwd, out);
}

static void set(struct fs_dirs *dirs, struct path *slot, const struct path *p)
{
    irqflags_t flags = spin_lock_irq(&dirs->lock);
    struct path old = *slot;

    *slot = *p;
    spin_unlock_irq(&dirs->lock, flags);
    path_put(&old);
}

void fs_set_root(const struct fs_context *fs, const struct path *p)
{
    set(fs->dirs, &fs->dirs->root, p);
}

void fs_set_cwd(const struct fs_context *fs, const struct path *p)
{
    set(fs->dirs, &fs->dirs->cwd, p);
}

int fs_context_copy(struct fs_context *to, const struct fs_context *from)
{
    struct fs_dirs *dirs = kmalloc(sizeof(*dirs));

    if (!dirs)
        return -ENOMEM;
    *dirs = (struct fs_dirs){.refs = 1, .umask = fs_umask(from)};
    fs_root_and_cwd(from, &dirs->root, &dirs->cwd);
    to->dirs = dirs;
    return 0;
}

void fs_context_share(struct fs_context *to, const struct fs_context *from)
{
    to->dirs = from->dirs;
    __atomic_fetch_add(&to->dirs->refs, 1, __ATOMIC_RELAXED);
}

u32 fs_context_shares(const struct fs_context *fs)
{
    return __atomic_load_n(&fs->dirs->refs, __ATOMIC_RELAXED);
}

struct fs_dirs *fs_context_leave(struct fs_context *fs)
{
    struct fs_dirs *dirs = fs->dirs;

    fs->dirs = NULL;
    return __atomic_sub_fetch(&dirs->refs, 1, __ATOMIC_ACQ_REL) ? NULL : dirs;
}

void fs_dirs_free(struct fs_dirs *dirs)
{
    if (!dirs)
        return;
    path_put(&dirs->root);
    path_put(&dirs->cwd);
    kfree(dirs);
}
