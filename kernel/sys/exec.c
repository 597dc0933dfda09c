/* SPDX-License-Identifier: MIT
 *
 * execve and execveat: copies names and strings out of the calling program, whose memory
 * will be gone. Also the start of pid 1.
 */
#include "kernel/sys/exec.h"
#include "arch/trap.h"
#include "fs/fdtable.h"
#include "fs/mount/mount.h"
#include "fs/open.h"
#include "kernel/printk.h"
#include "kernel/sys/fs.h"
#include "kernel/syscall.h"
#include "kernel/task/exec/exe.h"
#include "kernel/task/exec/exec.h"
#include "kernel/task/exec/loader.h"
#include "kernel/task/exec/stack.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/thread.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/sigactions.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/slab.h"

#define FIRST_SIZE PAGE_SIZE
#define STRING_MAX (128ul << 10) /* with its NUL, as on Linux */
#define PART_MIN   128u          /* of a string is copied at least, if there is so much */
#define PART_MAX   (16u << 10)   /* and at most between two pauses */

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

/* Room for `need` bytes more. */
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
    memcpy_pausing(bytes, g->bytes, g->used);
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

/* Each byte is read once, in pieces that go on where the last one ended. */
static int add_string(struct strings *s, vaddr_t src)
{
    struct growing *g = &s->text;
    size_t start = g->used, part;
    ssize_t len;
    int err;

    for (;; g->used += part, src += part) {
        if (g->used - start >= STRING_MAX)
            return -E2BIG;
        err = make_room(g, PART_MIN);
        if (err)
            return err;
        part = MIN(g->size - g->used, (size_t)PART_MAX);
        len = strncpy_from_user(g->bytes + g->used, src, part);
        if (len >= 0)
            break;
        if (len != -ENAMETOOLONG)
            return (int)len;
        if (pause_point())
            return -EINTR; /* it is killed */
    }
    g->used += (size_t)len + 1;
    if (g->used - start > STRING_MAX || g->used + s->offsets.used > s->limit)
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
        if (pause_point())
            return -EINTR; /* it is killed */
    }
    return add_word(&s->offsets, ~0ull);
}

static void strings_free(struct strings *s)
{
    kfree(s->text.bytes);
    kfree(s->offsets.bytes);
}

/* Runs f, taken over in any case, with the arrays of the caller. The file was opened first:
 * what is wrong with it is told before what is wrong with the arrays. */
static int exec_user(struct file *f, struct exec_args *args, vaddr_t argv, vaddr_t envp)
{
    struct strings s = {.limit =
                            exec_args_limit(proc_rlimit(current_proc(), RLIMIT_STACK))};
    const char **pointers;
    u64 *words;
    int err;

    err = add_array(&s, argv, &s.argc);
    if (!err)
        err = add_array(&s, envp, &s.envc);
    if (err) {
        exec_close(f);
    } else {
        words = (u64 *)s.offsets.bytes;
        pointers = (const char **)s.offsets.bytes;
        for (size_t i = 0; i < s.argc + s.envc + 2; i++) {
            pointers[i] = words[i] == ~0ull ? NULL : s.text.bytes + words[i];
            pause_anyway();
        }
        args->argv = pointers;
        args->envp = pointers + s.argc + 1;
        err = exec_file(f, args);
    }
    strings_free(&s);
    return err;
}

long sys_execve(const struct syscall_args *a)
{
    struct exec_args args = {0};
    struct file *f;
    char *name;
    int err = path_from_user(a->a0, &name);

    if (err)
        return err;
    args.name = name;
    err = exec_open(NULL, name, LOOKUP_FOLLOW, &f);
    if (!err)
        err = exec_user(f, &args, a->a1, a->a2);
    kfree(name);
    return err;
}

static int open_at(int fd, const char *name, u32 flags, struct file **out)
{
    struct at_dir dir;
    struct target t;
    int err;

    if (!*name && fd != AT_FDCWD) {
        err = target_fd(fd, true, &t);
        if (err)
            return err;
        err = t.path.dentry ? exec_open_path(&t.path, out) : -EACCES;
        target_put(&t);
        return err;
    }
    err = at_dir_get(fd, name, &dir);
    if (err)
        return err;
    err = exec_open(dir.base, name, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, out);
    at_dir_put(&dir);
    return err;
}

/* What the program is told as its file: as on Linux a name below the descriptor. */
static char *name_at(int fd, const char *name)
{
    size_t size = sizeof("/dev/fd/-2147483648/") + strlen(name);
    char *text = kmalloc(size);

    if (!text)
        return NULL;
    if (name[0] == '/' || fd == AT_FDCWD)
        str_copy(text, name, size);
    else
        fmt_snprintf(text, size, *name ? "/dev/fd/%d/%s" : "/dev/fd/%d", fd, name);
    return text;
}

long sys_execveat(const struct syscall_args *a)
{
    u32 flags = (u32)a->a4;
    int fd = (int)a->a0;
    struct exec_args args = {0};
    struct file *f;
    char *name, *shown = NULL;
    int err = name_of(a->a1, flags & AT_EMPTY_PATH, &name);

    if (err)
        return err;
    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        err = -EINVAL;
    if (!err)
        err = open_at(fd, name, flags, &f);
    if (!err) {
        args.name = shown = name_at(fd, name);
        args.name_closes = name[0] != '/' && fd != AT_FDCWD &&
                           fd_get_cloexec(current_thread()->files, fd) == 1;
        if (shown)
            err = exec_user(f, &args, a->a2, a->a3);
        else
            exec_close(f), err = -ENOMEM;
    }
    kfree(shown);
    kfree(name);
    return err;
}

/* ---- pid 1 ---- */

static void open_console(void)
{
    struct file *f;

    if (vfs_open(current_fs(), NULL, "/dev/console", O_RDWR | O_NOCTTY, 0, &f) != 0) {
        printk("init: no /dev/console\n");
        return;
    }
    for (int fd = 0; fd < 3; fd++) {
        file_get(f);
        if (fd_install(current_thread()->files, f, fd, FD_MAX_DEFAULT, false) < 0)
            file_put(f);
    }
    file_put(f);
}

static void init_start(void *arg)
{
    const struct exec_args *args = arg;
    struct file *f;
    int err;

    open_console();
    err = exec_open(NULL, args->name, LOOKUP_FOLLOW, &f);
    if (!err)
        err = exec_file(f, args);
    if (err)
        panic("cannot start init %s: error %d", args->name, -err);
    printk_boot_over();
    arch_enter_user();
}

/* path and strings stay the caller's and must live on. */
void proc_start_init(const char *path, const char *const *argv, const char *const *envp,
                     const struct fs_context *fs)
{
    static struct exec_args args;
    struct proc *p = proc_alloc();
    struct thread *t = NULL;
    irqflags_t flags;

    args = (struct exec_args){.name = path, .argv = argv, .envp = envp};
    if (p && proc_reserve_pid(0, &p->pid) == 0) {
        t = thread_create(p, "init", init_start, &args);
        if (t)
            t->files = fdtable_create();
    }
    if (p)
        p->sig.actions = sigactions_copy(NULL);
    if (!t || !t->files || !p->sig.actions || fs_context_copy(&t->fs, fs) != 0)
        panic("no memory for init");
    proc_default_limits(p);
    cred_use(t, &p->cred);
    p->cred.permitted = p->cred.fs.caps = CAP_ALL;
    str_copy(p->comm, "init", sizeof(p->comm));
    t->tid = p->pid;
    p->leader = t;
    p->nthreads = p->nlive = 1;
    t->account = p->account;
    account_hold(t->account);
    thread_walk_join(p, t);
    init_proc = p;
    flags = spin_lock_irq(&proc_lock);
    proc_publish(p, NULL);
    thread_publish(t);
    spin_unlock_irq(&proc_lock, flags);
    thread_launch(t);
}
