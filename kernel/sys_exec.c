/* SPDX-License-Identifier: MIT
 *
 * execve and execveat: copies names and strings out of the calling program, whose memory
 * will be gone. Also the start of pid 1.
 */
#include "kernel/exec.h"
#include "kernel/loader.h"
#include "kernel/process.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/slab.h"

#define FIRST_SIZE PAGE_SIZE

/* Memory that grows; contents move. */
struct growing {
    char *bytes;
    size_t used, size;
};

/* Both arrays of an execve call: strings one after the other, and where each begins. */
struct strings {
    struct growing text;
    struct growing offsets; /* of u64; later the pointers themselves */
    size_t argc, envc;
    u64 limit;
};

static int make_room(struct growing *g, size_t need)
{
    size_t size = MAX(g->size, FIRST_SIZE);
    char *bytes;

    while (size - g->used < need)
        size *= 2;
    if (size == g->size)
        return 0;
    bytes = kmalloc(size);
    if (!bytes)
        return -ENOMEM;
    memcpy(bytes, g->bytes, g->used);
    kfree(g->bytes);
    g->bytes = bytes;
    g->size = size;
    return 0;
}

static int add_word(struct growing *g, u64 word)
{
    int err = make_room(g, sizeof(word));

    if (err)
        return err;
    memcpy(g->bytes + g->used, &word, sizeof(word));
    g->used += sizeof(word);
    return 0;
}

static int add_string(struct strings *s, vaddr_t src)
{
    struct growing *g = &s->text;
    size_t start = g->used, want = 128;
    ssize_t len;
    int err;

    for (;;) {
        err = make_room(g, want);
        if (err)
            return err;
        want = g->size - g->used;
        len = strncpy_from_user(g->bytes + start, src, want);
        if (len >= 0)
            break;
        if (len != -ENAMETOOLONG)
            return (int)len;
        if (g->used + want + s->offsets.used > s->limit)
            return -E2BIG;
        want *= 2;
    }
    g->used += (size_t)len + 1;
    if (g->used + s->offsets.used > s->limit)
        return -E2BIG;
    return add_word(&s->offsets, start);
}

/* Copies a NULL-terminated array of strings; a NULL array is empty, as on Linux. */
static int add_array(struct strings *s, vaddr_t array, size_t *count)
{
    u64 src;
    int err;

    for (*count = 0; array; array += sizeof(src), ++*count) {
        if (copy_from_user(&src, array, sizeof(src)) != 0)
            return -EFAULT;
        if (!src)
            break;
        err = add_string(s, src);
        if (err)
            return err;
    }
    return add_word(&s->offsets, ~0ull);
}

static void strings_free(struct strings *s)
{
    kfree(s->text.bytes);
    kfree(s->offsets.bytes);
}

static int exec_user(const struct path *base, const char *name, u32 flags, vaddr_t argv,
                     vaddr_t envp)
{
    struct strings s = {.limit =
                            exec_args_limit(proc_rlimit(current_proc(), RLIMIT_STACK))};
    struct exec_args args;
    const char **pointers;
    u64 *words;
    int err;

    err = add_array(&s, argv, &s.argc);
    if (!err)
        err = add_array(&s, envp, &s.envc);
    if (!err) {
        words = (u64 *)s.offsets.bytes;
        pointers = (const char **)s.offsets.bytes;
        for (size_t i = 0; i < s.argc + s.envc + 2; i++)
            pointers[i] = words[i] == ~0ull ? NULL : s.text.bytes + words[i];
        args = (struct exec_args){pointers, pointers + s.argc + 1, s.text.used};
        err = exec_file(base, name, flags, &args);
    }
    strings_free(&s);
    return err;
}

long sys_execve(const struct syscall_args *a)
{
    char *name;
    int err = path_from_user(a->a0, &name);

    if (err)
        return err;
    err = exec_user(NULL, name, LOOKUP_FOLLOW, a->a1, a->a2);
    kfree(name);
    return err;
}

static int exec_descriptor(int fd, vaddr_t argv, vaddr_t envp)
{
    char name[32];

    fmt_snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return exec_user(NULL, name, LOOKUP_FOLLOW, argv, envp);
}

long sys_execveat(const struct syscall_args *a)
{
    u32 flags = (u32)a->a4;
    int fd = (int)a->a0;
    struct file *dir = NULL;
    char *name, first;
    int err;

    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH) {
        if (copy_from_user(&first, a->a1, 1) != 0)
            return -EFAULT;
        if (!first)
            return exec_descriptor(fd, a->a2, a->a3);
    }
    err = path_from_user(a->a1, &name);
    if (err)
        return err;
    if (name[0] != '/' && fd != AT_FDCWD) {
        dir = fd_get(current_proc()->files, fd);
        err = !dir ? -EBADF : !dir->path.dentry ? -ENOTDIR : 0;
    }
    if (!err)
        err = exec_user(dir ? &dir->path : NULL, name,
                        flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, a->a2, a->a3);
    if (dir)
        file_put(dir);
    kfree(name);
    return err;
}

/* ---- pid 1 ---- */

struct init_args {
    const char *path;
    struct exec_args exec;
};

static void open_console(struct proc *p)
{
    struct file *f;

    if (vfs_open(&p->fs, NULL, "/dev/console", O_RDWR | O_NOCTTY, 0, &f) != 0) {
        printk("init: no /dev/console\n");
        return;
    }
    for (int fd = 0; fd < 3; fd++) {
        file_get(f);
        if (fd_install(p->files, f, fd, FD_MAX_DEFAULT, false) < 0)
            file_put(f);
    }
    file_put(f);
}

static void init_start(void *arg)
{
    struct init_args *args = arg;
    int err;

    open_console(current_proc());
    err = exec_file(NULL, args->path, LOOKUP_FOLLOW, &args->exec);
    if (err)
        panic("cannot start init %s: error %d", args->path, -err);
    arch_enter_user();
}

/* path and strings stay the caller's and must live on. */
void proc_start_init(const char *path, const char *const *argv, const char *const *envp,
                     const struct fs_context *fs)
{
    static struct init_args args;
    struct proc *p = proc_alloc();
    struct thread *t = NULL;
    irqflags_t flags;

    args = (struct init_args){path, {argv, envp, 0}};
    if (p && proc_reserve_pid(NULL, &p->pid) == 0 && fs_context_copy(&p->fs, fs) == 0) {
        p->files = fdtable_create();
        t = thread_create(p, "init", init_start, &args);
    }
    if (!t || !p->files)
        panic("no memory for init");
    proc_default_limits(p);
    p->cap_permitted = p->cap_effective = CAP_ALL;
    str_copy(p->comm, "init", sizeof(p->comm));
    t->tid = p->pid;
    p->leader = t;
    p->nthreads = 1;
    list_add_tail(&p->threads, &t->proc_link);
    init_proc = p;
    flags = spin_lock_irq(&proc_lock);
    proc_publish(p, NULL);
    spin_unlock_irq(&proc_lock, flags);
    thread_launch(t);
}
