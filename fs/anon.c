/* SPDX-License-Identifier: MIT
 *
 * Files without a name and without data of their own.
 */
#include "fs/anon.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/ramfs/ramfs.h"
#include "lib/log.h"
#include "lib/string.h"

#define ANON_DEV 10u

static const char *const names[] = {
    [ANON_EPOLL] = "anon_inode:[eventpoll]",
    [ANON_EVENTFD] = "anon_inode:[eventfd]",
    [ANON_TIMERFD] = "anon_inode:[timerfd]",
    [ANON_SIGNALFD] = "anon_inode:[signalfd]",
    [ANON_PIDFD] = "anon_inode:[pidfd]",
    [ANON_USERFAULTFD] = "anon_inode:[userfaultfd]",
};

static struct dentry *kinds[ARRAY_SIZE(names)];
static const struct inode_ops inode_ops = {.destroy = inode_destroy};

void anon_init(void)
{
    struct inode *ino = inode_create(0600, 0, &inode_ops, NULL);

    for (size_t i = 0; ino && i < ARRAY_SIZE(names); i++) {
        inode_get(ino);
        kinds[i] = dentry_create(NULL, names[i], strlen(names[i]), ino);
        if (!kinds[i])
            ino = NULL;
    }
    if (!ino)
        panic("no memory for files without a name");
    ino->dev = ANON_DEV;
}

bool inode_is_anon(const struct inode *ino)
{
    return ino == kinds[ANON_EPOLL]->inode;
}

bool file_is_anon_kind(const struct file *f, enum anon_kind kind)
{
    return f->path.dentry == kinds[kind];
}

int anon_create(enum anon_kind kind, const struct file_ops *ops, u32 flags, void *data,
                struct file **out)
{
    struct dentry *d = kinds[kind];
    int err = file_create(d->inode, ops, flags, out);

    if (err)
        return err;
    inode_get(d->inode);
    dentry_get(d);
    (*out)->path = (struct path){NULL, d};
    (*out)->data = data;
    return 0;
}
