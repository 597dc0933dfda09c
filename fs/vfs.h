/* SPDX-License-Identifier: MIT
 *
 * Names and inodes. A dentry is a name in a directory; for the memory file systems the
 * dentries ARE the directory contents and stay while the name exists; procfs makes them at
 * look-up. A path is (mount, dentry). One global mutex `vfs_tree_lock` (shared for walks,
 * exclusive for changes of names) protects names, parents and mounts; each inode has its
 * own lock for size and data.
 */
#pragma once

#include "fs/poll.h"
#include "fs/uio.h"
#include "lib/mutex.h"
#include "lib/types.h"

struct dentry;
struct file;
struct inode;
struct quota;
struct mount;
struct super;
struct kernel_stat; /* lib/uapi/stat.h */
struct vm_object;

#define PATH_MAX    4096
#define NAME_MAX    255
#define SYMLOOP_MAX 40

struct path {
    struct mount *mnt;
    struct dentry *dentry; /* both referenced by whoever holds the path */
};

/* Directory entry sink for readdir: returns false when the caller's buffer is full. */
struct dir_sink {
    bool (*emit)(struct dir_sink *s, const char *name, size_t len, u64 ino, u8 type,
                 u64 next);
    u64 pos;
};

struct inode_ops {
    /* Look a name up in a directory that keeps no dentries (procfs): a new inode, or errno. */
    int (*lookup)(struct inode *dir, const char *name, size_t len, struct inode **out);
    int (*create)(struct inode *dir, const char *name, u32 mode, u64 rdev,
                  struct inode **out);
    int (*symlink)(struct inode *dir, const char *target, struct inode **out);
    /* Text of a symlink: bytes written (not terminated), or errno. */
    ssize_t (*readlink)(struct inode *ino, char *buf, size_t size);
    /* Magic links (/proc/PID/exe, fd/N, cwd, root): the object itself, referenced. */
    int (*follow)(struct inode *ino, struct path *out);
    int (*truncate)(struct inode *ino, u64 size);
    int (*fallocate)(struct inode *ino, u32 mode, u64 offset, u64 len);
    void (*stat)(struct inode *ino, struct kernel_stat *st); /* overrides size, blocks */
    void (*destroy)(struct inode *ino); /* last reference gone, nlink 0 */
};

struct file_ops {
    int (*open)(struct file *f);
    void (*release)(struct file *f);
    /* pos NULL: the file has no position. Bytes done, or negative errno if none. */
    ssize_t (*read)(struct file *f, struct uio *u, u64 *pos);
    ssize_t (*write)(struct file *f, struct uio *u, u64 *pos);
    s64 (*lseek)(struct file *f, s64 offset, int whence); /* NULL: -ESPIPE */
    int (*readdir)(struct file *f, struct dir_sink *s);
    long (*ioctl)(struct file *f, u32 cmd, uintptr_t arg); /* NULL: -ENOTTY */
    u32 (*poll)(struct file *f, struct poll_table *pt);    /* NULL: always ready */
    /* The object behind a mapping of this file. `shared` as asked. A new reference in *out;
     * NULL in *out with 0 means: anonymous memory (private /dev/zero). NULL op: -ENODEV. */
    int (*mmap)(struct file *f, bool shared, struct vm_object **out);
    int (*fsync)(struct file *f);
};

struct inode {
    u64 ino;
    u64 dev;
    struct quota *quota; /* [c] it counts there, referenced; NULL: nowhere */
    struct super *super; /* the file system it lies in; NULL: none (pipes, memfds) */
    u32 mode;            /* S_IFMT | permissions */
    u32 nlink;
    u32 uid, gid;
    u64 rdev;
    u64 atime_ns, mtime_ns, ctime_ns; /* with inode_times_settle() */
    u32 read_tick;     /* nameless files: of the tick when atime_ns was set */
    u32 refs;          /* atomic */
    u32 seals;         /* F_SEAL_*, memfd only */
    s32 writers;       /* files open for writing (> 0), or running as a program (< 0) */
    struct mutex lock; /* data and size against each other */
    const struct inode_ops *ops;
    const struct file_ops *fops;
    struct vm_object *object; /* regular memory files: the data; owned */
    void *pipe;               /* FIFOs: fs/pipe/pipe.c's own */
    struct file_locks *locks; /* fs/lock/locks.c's own; NULL: none */
    void *data;               /* the file system's own */
};

#define FS_GROUPS_MAX 16

/* Whose rights count in the file systems. */
struct fs_cred {
    u32 uid, gid;
    u32 ngroups, groups[FS_GROUPS_MAX];
    u64 caps; /* bit per CAP_*; fs/perm.h names those that count */
};

/* What processes made with CLONE_FS have in common. */
struct fs_dirs {
    u32 refs; /* atomic: contexts */
    u32 umask;
    struct path root, cwd;
};

/* The file system context of a process. */
struct fs_context {
    struct fs_dirs *dirs;
    const struct fs_cred *cred; /* of its process, or of the kernel at boot */
};

/* With directories of its own: 0 or -ENOMEM. share: with those of `from`. */
int must_check fs_context_copy(struct fs_context *to, const struct fs_context *from);
void fs_context_share(struct fs_context *to, const struct fs_context *from);
bool fs_context_is_shared(const struct fs_context *fs);
void fs_context_fini(struct fs_context *fs);

void path_get(const struct path *p);
void path_put(struct path *p);

void inode_get(struct inode *ino);
void inode_put(struct inode *ino);
/* A fresh inode and the pages of its object count in q from now on. -ENOSPC. */
int must_check inode_charge(struct inode *ino, struct quota *q);
/* Its end: for inode_ops.destroy. */
void inode_uncharge(struct inode *ino);

/* deny_write: the file becomes a running program: -ETXTBSY when it is open for writing. */
int inode_deny_write(struct inode *ino);
void inode_allow_write(struct inode *ino);

#define LOOKUP_FOLLOW    1u /* follow a symlink in the last component */
#define LOOKUP_DIRECTORY 2u

/* Resolves `name` from `base` (NULL: fs->dirs->cwd; ignored for absolute names).
 * -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EACCES. */
int vfs_lookup(struct fs_context *fs, const struct path *base, const char *name,
               u32 flags, struct path *out);

/* For vfs_open, beside O_*: to run it. The right to execute counts, not the one to read. */
#define VFS_OPEN_EXEC 040u

/* open(2): flags are Linux O_*. A new file in *out with one reference. */
int vfs_open(struct fs_context *fs, const struct path *base, const char *name, u32 flags,
             u32 mode, struct file **out);

int vfs_mknod(struct fs_context *fs, const struct path *base, const char *name, u32 mode,
              u64 rdev); /* regular, device, fifo (fifo: -EPERM until it works) */
int vfs_mkdir(struct fs_context *fs, const struct path *base, const char *name, u32 mode);
int vfs_symlink(struct fs_context *fs, const struct path *base, const char *name,
                const char *target);
int vfs_link(struct fs_context *fs, const struct path *from, const struct path *base,
             const char *name);
int vfs_unlink(struct fs_context *fs, const struct path *base, const char *name);
int vfs_rmdir(struct fs_context *fs, const struct path *base, const char *name);
int vfs_rename(struct fs_context *fs, const struct path *obase, const char *oname,
               const struct path *nbase, const char *nname, u32 flags);
int vfs_truncate(struct inode *ino, u64 size);
/* The file found under p is read: its access time follows, as its mount has it. */
void vfs_accessed(const struct path *p, struct inode *ino);
/* Writes through mappings count in the times from here on: before they are read or set. */
void inode_times_settle(struct inode *ino);
void vfs_stat(struct inode *ino, struct kernel_stat *st);
int vfs_chmod(struct inode *ino, u32 mode);
int vfs_chown(struct inode *ino, u32 uid, u32 gid);
int vfs_utimes(struct inode *ino, u64 atime_ns, u64 mtime_ns);

/* Text of a path from `root`, " (deleted)" after it when the name is gone. Writes a
 * terminated string into buf; returns its length or -ENAMETOOLONG. */
ssize_t vfs_path_text(const struct path *p, const struct path *root, char *buf,
                      size_t size);

/* The same from the root of the file system it lies in, whatever is mounted where. */
ssize_t vfs_root_text(const struct path *p, char *buf, size_t size);

/* Whether p lies at or below root. */
bool vfs_path_reachable(const struct path *p, const struct path *root);

/* mount(2), umount2(2): fs/mount/mount_calls.c. The caller has asked for the capability. */
struct mount_args {
    const char *source; /* a label, or the name of what a bind mount shows; NULL: none */
    const char *type;   /* NULL: none */
    u32 flags;          /* MS_* */
    char *options;      /* cut in place; never NULL */
};
/* Where: a path found with vfs_lookup, consumed in any case. */
int vfs_mount(struct fs_context *fs, struct path *at, const struct mount_args *args);
int vfs_umount(struct fs_context *fs, struct path *at, u32 flags);

/* A file system type: makes a root inode. */
struct fs_type {
    const char *name;
    u64 magic;     /* statfs f_type */
    u32 root_mode; /* permission bits of a fresh root */
    int (*make_root)(const struct fs_type *type, struct inode **root);
    int (*fill)(struct dentry *root); /* may be NULL: puts names into a fresh root */
    /* Options of mount and remount, cut in place (fs/mount/mount.h: option_next): all are read
     * before anything is changed. NULL: the type has none. 0 or errno. */
    int (*configure)(struct super *s, char *options, bool remount);
    /* Writes ",key=value..." for /proc/mounts; NULL: nothing. */
    void (*show)(const struct super *s, char *buf, size_t size);
    void (*drop)(struct super *s); /* frees s->data; may be NULL */
    struct fs_type *next;
};
void vfs_register(struct fs_type *type);
void vfs_for_each_type(void (*visit)(const struct fs_type *type, void *arg), void *arg);
/* statfs f_type of the file system a path lies on; 0 for nameless files. */
u64 vfs_mount_magic(const struct path *p);
/* MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC... as they hold for this path: those of its
 * mount, and read-only also when the file system is. 0 for nameless files. */
u32 path_mount_flags(const struct path *p);
/* 0 or -EROFS: for whatever changes a file or a name. */
int path_may_change(const struct path *p);

/* Visits mounts for /proc/mounts. */
struct mount_info {
    u32 id, parent, flags, super_flags;
    u64 dev;
    const struct fs_type *type;
    const struct super *super;
    const char *source;
    struct path at; /* its root; valid during the visit */
};
void vfs_for_each_mount(void (*visit)(const struct mount_info *info, void *arg),
                        void *arg);

/* Sets up the root ramfs; afterwards *fs is a context at its root. Called once at boot. */
void vfs_init(struct fs_context *fs);

/* Registers a character device so that nodes with this rdev open it. name also appears in
 * devfs with the given permission bits. Called at boot. */
int devfs_register(const char *name, u64 rdev, u32 perm, const struct file_ops *fops);

/* From now on files of the root file system may take half of what is free, beyond what is in
 * it. Until then it has no limit. */
void vfs_limit_root(const struct fs_context *fs);

/* Unpacks a cpio newc archive into the tree at fs->dirs->root Hostile archives: one clear line in
 * the log, -EINVAL; what was valid before stays. */
int initramfs_unpack(struct fs_context *fs, const void *data, size_t len);
