/* SPDX-License-Identifier: MIT
 *
 * Names and inodes. A dentry is a name in a directory; for the memory file systems the
 * dentries ARE the directory contents and stay while the name exists; procfs makes them at
 * look-up. A path is (mount, dentry). One global mutex `vfs_tree_lock` (shared for walks,
 * exclusive for changes of names) protects names, parents, link counts and mounts; each inode
 * has its own lock for size, data and attributes. docs/decisions/0013-locks-of-files.md.
 *
 * Order, outermost first (-> taken while held):
 *   mutexes: async_lock -> file.pos_lock -> procfs_text.lock -> vfs_tree_lock; pipe.lock ->
 *     file.pos_lock -> inode.lock; inode.lock -> address space (faults of buffers);
 *     tty.writing, tty.reading -> address space; shm_lock innermost, above commit accounting
 *   spinlocks: proc_lock -> fs_dirs.lock; fdtable.lock, locks_lock, inode.times_lock ->
 *     object (O); wait queues' -> run queues' innermost; none is held while a mutex is taken
 */
#pragma once

#include "fs/poll.h"
#include "fs/uio.h"
#include "lib/mutex.h"
#include "lib/rbtree.h"
#include "lib/types.h"

struct dentry;
struct file;
struct inode;
struct quota;
struct mount;
struct seq; /* kernel/procfs/seq.h */
struct super;
struct kernel_stat; /* lib/uapi/stat.h */
struct vm_object;

#define PATH_MAX    4096
#define NAME_MAX    255
#define SYMLOOP_MAX 40

struct path {
    struct mount *mnt;
    struct dentry *dentry; /* both referenced by the holder of the path */
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
    /* A directory whose names come from elsewhere: that name, or with `whole` all of them, is
     * looked for there and put into the tree. 0 also when there is none. vfs_tree_lock is held
     * exclusively before and after, and given up while others are asked. */
    int (*fill)(struct dentry *dir, const char *name, size_t len, bool whole);
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
    bool passing; /* made at each look-up: a mode or owner set would not stay, so EPERM */
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
    void (*show)(struct file *f, struct seq *s); /* more lines of fdinfo; may be NULL */
    bool no_splice_from, no_splice_to; /* what reads and writes, but not for splice(2) */
    bool nowait_read,
        nowait_write; /* RWF_NOWAIT is for it, which looks at uio.nonblock */
};

/* [c]: constant once others can find it. [lock]: changed under it, read without, a word at a
 * time: who reads may see the state before or after a change, as on Linux. */
struct inode {
    u64 ino;             /* [c] */
    u64 dev;             /* [c] */
    struct quota *quota; /* [c] it counts there, referenced; NULL: nowhere */
    struct super *super; /* [c] the file system it lies in; NULL: none (pipes, memfds) */
    u32 mode;      /* [lock] S_IFMT [c] | permissions; writes of data take set-ID bits
                          * away by one atomic step, without the lock */
    u32 nlink;     /* [vfs_tree_lock, exclusive] */
    bool linkable; /* [the same] O_TMPFILE: it has no name and may get one */
    bool strict;   /* [c] no capability goes past its bits: settings of the kernel */
    u8 write_hint; /* a word: F_SET_RW_HINT, remembered */
    u8 attrs;      /* [lock] FS_*_FL, of memory file systems */
    u32 uid, gid;  /* [lock] */
    u64 rdev;      /* [c] */
    /* Single words: reads of data, writes of data and changes of names set them to what the
     * clock says, utimes and inode_times_settle() under times_lock. */
    s64 atime_ns, mtime_ns, ctime_ns; /* negative: before 1970 */
    s64 btime_ns;                     /* [c] when it was made; 0: not known */
    u32 read_tick;     /* nameless files: of the tick when atime_ns was set */
    u32 refs;          /* atomic */
    u32 seals;         /* [lock] F_SEAL_*, memfd only */
    s32 writers;       /* atomic: files open for writing (> 0), or running as a program
                            * (< 0) */
    struct mutex lock; /* writes of data, the size, attributes */
    spinlock_t times_lock; /* what mappings wrote against what utimes sets; above O */
    const struct inode_ops *ops; /* [c]; or one word (fs/host) */
    const struct file_ops *fops; /* [c] */
    struct vm_object *object;    /* [c] regular memory files: the data; owned */
    void *pipe;                  /* [lock] FIFOs: fs/pipe/pipe.c's own */
    struct file_locks *locks;    /* fs/lock/locks.c's own; NULL: none */
    struct rb_root xattrs;       /* [lock] fs/xattr.c's own */
    void *data;                  /* [c] the file system's own */
};

/* Whose rights count in the file systems. */
struct fs_cred {
    u32 uid, gid;
    struct fs_groups *groups; /* referenced by the thread; NULL: none */
    u64 caps;                 /* bit per CAP_*; fs/perm.h names those that count */
};

/* What processes made with CLONE_FS have in common. */
struct fs_dirs {
    u32 refs;              /* atomic: contexts */
    u32 umask;             /* atomic */
    spinlock_t lock;       /* below proc_lock */
    struct path root, cwd; /* [lock] see fs_root() */
};

/* The file system context of a process. */
struct fs_context {
    struct fs_dirs *dirs;
    const struct fs_cred *cred; /* of its thread, or of the kernel at boot */
};

#define LOOKUP_FOLLOW    1u /* follow a symlink in the last component */
#define LOOKUP_DIRECTORY 2u

/* Restrictions of one walk, openat2(2)'s RESOLVE_* moved up. */
#define LOOKUP_RESOLVE(how)  ((u32)(how) << 4)
#define LOOKUP_NO_XDEV       0x10u  /* -EXDEV instead of into another mount */
#define LOOKUP_NO_MAGICLINKS 0x20u  /* -ELOOP at a link that leads to an object */
#define LOOKUP_NO_SYMLINKS   0x40u  /* -ELOOP at any link */
#define LOOKUP_BENEATH       0x80u  /* -EXDEV instead of out of the base */
#define LOOKUP_IN_ROOT       0x100u /* the base is the root */
#define LOOKUP_CACHED        0x200u /* -EAGAIN instead of a walk that waits for names */
#define LOOKUP_SCOPED        (LOOKUP_BENEATH | LOOKUP_IN_ROOT)

/* For vfs_open, beside O_*: to run it. The right to execute counts, not the one to read. */
#define VFS_OPEN_EXEC 040u

/* mount(2), umount2(2): fs/mount/mount_calls.c. The caller has asked for the capability. */
struct mount_args {
    const char *source; /* a label, or the name of what a bind mount shows; NULL: none */
    const char *type;   /* NULL: none */
    u32 flags;          /* MS_* */
    char *options;      /* cut in place; never NULL */
};

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

/* Visits mounts for /proc/mounts. */
struct mount_info {
    u32 id, parent, flags, super_flags;
    u64 dev;
    const struct fs_type *type;
    const struct super *super;
    const char *source;
    struct path at; /* its root; valid during the visit */
};
