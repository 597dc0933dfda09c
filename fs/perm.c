/* SPDX-License-Identifier: MIT
 *
 * Discretionary access control. Nothing here sleeps or takes a lock: mode, owner and group
 * are single words, and a check that races a chmod may see either state. What a change of
 * attributes asks is asked under the inode's lock.
 */
#include "fs/perm.h"
#include "fs/groups.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"

bool cred_in_group(const struct fs_cred *c, u32 gid)
{
    return gid == c->gid || groups_have(c->groups, gid);
}

int inode_permission(const struct fs_cred *c, const struct inode *ino, u32 want)
{
    u32 mode = READ_ONCE(ino->mode), bits = mode;

    if (unlikely(ino->attrs & FS_IMMUTABLE_FL) && (want & MAY_WRITE))
        return -EPERM;
    if (c->uid == READ_ONCE(ino->uid))
        bits = mode >> 6;
    else if (cred_in_group(c, READ_ONCE(ino->gid)))
        bits = mode >> 3;
    if (!(want & ~bits & 7))
        return 0;
    if (ino->strict)
        return -EACCES;
    /* What nobody may run, root does not run either. */
    if (cred_capable(c, CAP_DAC_OVERRIDE) &&
        (S_ISDIR(mode) || !(want & MAY_EXEC) || (mode & 0111)))
        return 0;
    if (cred_capable(c, CAP_DAC_READ_SEARCH) &&
        (S_ISDIR(mode) ? !(want & MAY_WRITE) : want == MAY_READ))
        return 0;
    return -EACCES;
}

bool inode_owned(const struct fs_cred *c, const struct inode *ino)
{
    return c->uid == READ_ONCE(ino->uid) || cred_capable(c, CAP_FOWNER);
}

u32 protected_hardlinks = 1;

int inode_may_link(const struct fs_cred *c, const struct inode *ino)
{
    u32 mode = READ_ONCE(ino->mode);

    if (ino->attrs & FS_FIXED)
        return -EPERM;
    if (!READ_ONCE(protected_hardlinks) || inode_owned(c, ino))
        return 0;
    if (!S_ISREG(mode) || (mode & S_ISUID) ||
        (mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
        return -EPERM;
    return inode_permission(c, ino, MAY_READ | MAY_WRITE) ? -EPERM : 0;
}

u32 protected_symlinks = 1, protected_regular = 2, protected_fifos = 1;

int dir_may_follow(const struct fs_cred *c, const struct inode *dir,
                   const struct inode *link)
{
    u32 uid = READ_ONCE(link->uid);
    bool open_to_all = (READ_ONCE(dir->mode) & (S_ISVTX | 0002)) == (S_ISVTX | 0002);

    return READ_ONCE(protected_symlinks) && open_to_all && uid != c->uid &&
                   uid != READ_ONCE(dir->uid)
               ? -EACCES
               : 0;
}

int dir_may_reuse(const struct fs_cred *c, const struct inode *dir,
                  const struct inode *ino)
{
    u32 mode = READ_ONCE(ino->mode), in = READ_ONCE(dir->mode), uid = READ_ONCE(ino->uid);
    u32 level = S_ISFIFO(mode)  ? READ_ONCE(protected_fifos)
                : S_ISREG(mode) ? READ_ONCE(protected_regular)
                                : 1;

    if (!level || !(in & S_ISVTX) || uid == READ_ONCE(dir->uid) || uid == c->uid)
        return 0;
    return in & (level > 1 ? 0022 : 0002) ? -EACCES : 0;
}

int dir_may_add(const struct fs_cred *c, const struct inode *dir)
{
    return inode_permission(c, dir, MAY_WRITE | MAY_EXEC);
}

int dir_may_remove(const struct fs_cred *c, const struct inode *dir,
                   const struct inode *ino)
{
    int err = inode_permission(c, dir, MAY_WRITE | MAY_EXEC);

    if (err)
        return err;
    if ((dir->attrs & FS_APPEND_FL) || (ino->attrs & FS_FIXED))
        return -EPERM;
    if ((READ_ONCE(dir->mode) & S_ISVTX) && c->uid != READ_ONCE(dir->uid) &&
        !inode_owned(c, ino))
        return -EPERM;
    return 0;
}

void inode_init_owner(const struct fs_cred *c, const struct inode *dir, struct inode *ino)
{
    ino->attrs = dir->attrs & (FS_NODUMP_FL | FS_NOATIME_FL);
    ino->uid = c->uid;
    ino->gid = READ_ONCE(c->gid);
    if (READ_ONCE(dir->mode) & S_ISGID) {
        ino->gid = READ_ONCE(dir->gid);
        if (S_ISDIR(ino->mode))
            ino->mode |= S_ISGID;
        else if (ino->mode & 0010) /* a program for the group: only its members make it */
            ino->mode = inode_chmod_mode(c, ino, ino->mode);
    }
}

u32 inode_chmod_mode(const struct fs_cred *c, const struct inode *ino, u32 mode)
{
    if (!cred_in_group(c, ino->gid) && !cred_capable(c, CAP_FSETID))
        mode &= ~(u32)S_ISGID;
    return mode;
}

int inode_may_chown(const struct fs_cred *c, const struct inode *ino, u32 uid, u32 gid)
{
    bool owner = c->uid == ino->uid;

    if (cred_capable(c, CAP_CHOWN))
        return 0;
    if (uid != ~0u && !(owner && uid == ino->uid))
        return -EPERM;
    if (gid != ~0u && !(owner && (gid == ino->gid || cred_in_group(c, gid))))
        return -EPERM;
    return 0;
}

void inode_clear_mode(struct inode *ino, u32 bits)
{
    __atomic_fetch_and(&ino->mode, ~bits, __ATOMIC_RELAXED);
}

void inode_drop_set_id(const struct fs_cred *c, struct inode *ino)
{
    u32 mode = READ_ONCE(ino->mode), bits = S_ISUID;

    if (!S_ISREG(mode) || !(mode & (S_ISUID | S_ISGID)) || cred_capable(c, CAP_FSETID))
        return;
    /* Without the group's x the bit does not make a program. */
    if ((mode & 0010) || !cred_in_group(c, READ_ONCE(ino->gid)))
        bits |= S_ISGID;
    inode_clear_mode(ino, bits);
}
