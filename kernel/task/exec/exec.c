/* SPDX-License-Identifier: MIT
 *
 * execve. Everything is built beside the running program: files opened, headers checked,
 * a whole address space with its stack. The switch at the end cannot fail, so there is no
 * state in which the old program is gone and the new one is not there.
 */
#include "kernel/task/exec/exec.h"
#include "fs/fdtable.h"
#include "fs/mount/mount.h"
#include "kernel/event/posix_timer.h"
#include "kernel/ptrace/stop.h"
#include "kernel/task/cred.h"
#include "kernel/task/exec/core.h"
#include "kernel/task/exec/exe.h"
#include "kernel/task/exec/loader.h"
#include "kernel/task/exec/script.h"
#include "kernel/task/exec/stack.h"
#include "kernel/task/exec/vdso.h"
#include "kernel/task/exit.h"
#include "kernel/task/fork/fork.h"
#include "kernel/task/futex/futex_pi.h"
#include "kernel/task/futex/robust.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/sigactions.h"
#include "kernel/task/signal.h"
#include "kernel/task/usage.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define MAIN_BASE 0x555555554000ul /* a relocatable program with or without interpreter */

struct exec {
    struct file *file;   /* the program; open and denied for writing */
    struct file *interp; /* the same; NULL: none */
    struct program main, loader;
    struct mm *mm;
    const char **argv; /* the array in use; strings are the caller's or in `lines` */
    const char **argv_block;
    const char *const *envp;
    u32 argc;
    struct exec_cred cred;
    vaddr_t sp, entry;
    char lines[SCRIPT_DEPTH + 1][SCRIPT_LINE_MAX + 1];
    char interp_name[PATH_MAX];
    struct fdtable *files;      /* for a process that shares its own; later the old one */
    struct sigactions *actions; /* the same */
    struct fs_context fs;       /* the same, for a program with rights of its own */
};

/* ---- scripts ---- */

/* argv[0] makes way for interpreter, its argument and the script's name. */
static void push_script(struct exec *e, const char *interp, const char *arg,
                        const char *name)
{
    *e->argv = name;
    if (arg)
        *--e->argv = arg, e->argc++;
    *--e->argv = interp, e->argc++;
}

/* Follows #! lines until a program is in e->file. */
static int resolve(struct exec *e, const struct exec_args *args)
{
    const char *name = args->name;

    for (int depth = 0;; depth++) {
        char *line = e->lines[MIN(depth, SCRIPT_DEPTH)], *interp, *arg;
        struct file *f;
        ssize_t n = file_pread_kernel(e->file, line, SCRIPT_LINE_MAX, 0);
        int err;

        if (n < 0)
            return (int)n;
        if (n < 2 || line[0] != '#' || line[1] != '!')
            return 0;
        err = script_parse(line, &interp, &arg);
        if (err)
            return err;
        if (args->name_closes)
            return -ENOENT;
        err = exec_open(NULL, interp, LOOKUP_FOLLOW, &f);
        if (err)
            return err;
        exec_close(e->file);
        e->file = f;
        if (depth >= SCRIPT_DEPTH)
            return -ELOOP;
        push_script(e, interp, arg, name);
        name = interp;
    }
}

/* Room in front of the arguments for what scripts push. */
static int copy_argv(struct exec *e, const struct exec_args *args)
{
    const u32 room = 2 * SCRIPT_DEPTH;
    u32 argc = 0;

    for (; args->argv[argc]; argc++)
        pause_anyway();
    e->argv_block = kmalloc((room + MAX(argc, 1u) + 1) * sizeof(*e->argv_block));
    if (!e->argv_block)
        return -ENOMEM;
    e->argv = e->argv_block + room;
    memcpy_pausing(e->argv, args->argv, argc * sizeof(*e->argv));
    if (argc == 0)
        e->argv[argc++] = ""; /* as Linux: programs count on a name */
    e->argv[argc] = NULL;
    e->argc = argc;
    e->envp = args->envp;
    return 0;
}

/* ---- the interpreter ---- */

static int open_interp(struct exec *e)
{
    const struct elf_image *img = &e->main.img;
    ssize_t n;
    int err = elf_find_interp(e->main.table, &e->main.img);

    if (err || !img->interp_size)
        return err;
    n = file_pread_kernel(e->file, e->interp_name, img->interp_size, img->interp_offset);
    if (n != (ssize_t)img->interp_size)
        return n < 0 ? (int)n : -EIO;
    if (e->interp_name[n - 1] != '\0')
        return -ENOEXEC;
    err = exec_open(NULL, e->interp_name, LOOKUP_FOLLOW, &e->interp);
    if (err)
        return err;
    if (READ_ONCE(e->interp->inode->object->size) < ELF_HEADER_SIZE)
        return -EIO;
    err = program_read(e->interp, &e->loader);
    if (!err) /* its own PT_INTERP counts for nothing */
        err = elf_read_segments(e->loader.table, &e->loader.img);
    return err == -ENOEXEC || err == -EINVAL ? -ELIBBAD : err;
}

/* ---- building ---- */

static int map_programs(struct exec *e)
{
    struct mm *mm = e->mm;
    int err = program_map(mm, &e->main, MAIN_BASE);

    if (err)
        return err;
    mm->brk = mm->brk_start =
        (e->main.img.end + e->main.bias + PAGE_SIZE - 1) & PAGE_MASK;
    e->entry = e->main.img.entry + e->main.bias;
    if (!e->interp)
        return 0;
    err = program_map(mm, &e->loader, 0);
    e->entry = e->loader.img.entry + e->loader.bias;
    return err;
}

static int build_mm(struct exec *e, const char *execfn)
{
    struct proc *p = current_proc();
    struct stack_request req = {
        .argv = e->argv,
        .envp = e->envp,
        .argc = e->argc,
        .execfn = execfn,
        .main = &e->main,
        .stack_limit = proc_rlimit(p, RLIMIT_STACK),
        .uid = own_cred()->uid,
        .euid = e->cred.euid,
        .gid = own_cred()->gid,
        .egid = e->cred.egid,
        .secure = e->cred.secure,
    };
    int err;

    /* Its caller does not choose where the memory of a program with rights lies. */
    if (e->cred.secure)
        req.stack_limit = MIN(req.stack_limit, SECURE_STACK_LIMIT);
    e->mm = mm_create();
    if (!e->mm)
        return -ENOMEM;
    vm_file_get(&e->file->vm);
    e->mm->program.exe = &e->file->vm;
    e->mm->program.core_filter =
        p->mm ? READ_ONCE(p->mm->program.core_filter) : CORE_FILTER;
    proc_limits_changed(p, e->mm);
    stack_place(e->mm, req.stack_limit);
    err = map_programs(e);
    if (err)
        return err;
    req.interp_base = e->interp ? e->loader.bias : 0;
    err = vdso_map(e->mm, STACK_VDSO_END, &req.vdso);
    if (err)
        return err;
    return stack_build(e->mm, &req, &e->sp);
}

static int build(struct exec *e, const struct exec_args *args)
{
    int err = copy_argv(e, args);

    if (!err)
        err = resolve(e, args);
    if (!err)
        err = program_read(e->file, &e->main);
    if (!err)
        err = open_interp(e);
    if (!err)
        err = elf_read_segments(e->main.table, &e->main.img);
    if (err)
        return err;
    exec_cred_find(e->file, &e->cred);
    return build_mm(e, args->name);
}

/* ---- the switch ---- */

static void switch_mm(struct proc *p, struct mm *mm)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct mm *old = p->mm;

    p->mm = mm;
    mm_activate(mm);
    if (old)
        p->maxrss_kb = MAX(p->maxrss_kb, usage_peak_kb(old));
    spin_unlock_irq(&proc_lock, flags);
    vfork_release(current_thread());
    if (old)
        mm_put(old);
}

static void set_names(struct proc *p, struct thread *t, const char *name)
{
    const char *slash = strrchr(name, '/');

    proc_set_comm(p, t, slash ? slash + 1 : name, COMM_OF_PROCESS);
}

/* What the process shares with others (CLONE_FILES, CLONE_SIGHAND) it will not share as
 * another program. Copies are made when it shares now, or another thread could make it. */
static int prepare_unshare(struct exec *e)
{
    struct proc *p = current_proc();
    struct fdtable *files = current_thread()->files;
    bool threads = READ_ONCE(p->nthreads) > 1;
    int err;

    if (fdtable_is_shared(files)) {
        err = fdtable_may_clone(files);
        if (err)
            return err;
        e->files = fdtable_clone(files);
        if (!e->files)
            return -ENOMEM;
    }
    if (threads || READ_ONCE(p->sig.actions->refs) > 1) {
        e->actions = sigactions_copy(p->sig.actions);
        if (!e->actions)
            return -ENOMEM;
    }
    /* What the program gains was decided while no other process had its directories: none
     * that another thread makes meanwhile shall. */
    return threads && e->cred.gains ? fs_context_copy(&e->fs, current_fs()) : 0;
}

/* And it is another program for who knew it as the one before. */
static void unshare(struct exec *e, struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = current_thread();
    struct fdtable *files = t->files;
    struct sigactions *actions = p->sig.actions;
    struct fs_context *fs = &t->fs;

    spin_lock(&p->sig.lock);
    if (READ_ONCE(actions->refs) > 1) {
        p->sig.actions = e->actions;
        e->actions = actions;
    }
    spin_unlock(&p->sig.lock);
    if (fdtable_is_shared(files)) {
        t->files = e->files;
        e->files = files;
    }
    if (e->fs.dirs && fs_context_shares(fs) > 1) {
        struct fs_dirs *dirs = fs->dirs;

        fs->dirs = e->fs.dirs;
        e->fs.dirs = dirs;
    }
    p->exit_signal = SIGCHLD; /* the parent chose it for another program */
    spin_unlock_irq(&proc_lock, flags);
}

static void exec_done(struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);

    p->did_exec = true;
    p->in_exec = false;
    p->exec_count++;
    spin_unlock_irq(&proc_lock, flags);
}

/* Nothing in here can fail. */
static void commit(struct exec *e, const char *name)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;
    struct trapframe *tf = arch_thread_frame(&t->arch);
    u64 vector = tf->vector, number = tf->error;

    futex_release(t);
    clear_child_tid(t);
    switch_mm(p, e->mm);
    futex_pi_begin(t);
    e->mm = NULL;
    proc_set_exe(p, e->file);
    file_put(e->file);
    e->file = NULL;
    unshare(e, p);
    fdtable_close_on_exec(t->files); /* which tells others that exec succeeds */
    posix_timers_end(p);
    signal_exec(p, t);
    exec_cred_commit(p, &e->cred);
    set_names(p, t, name);
    exec_done(p);
    t->restart = 0;
    t->rseq = 0;
    t->rseq_due = false;
    arch_thread_reset(&t->arch);
    /* An entry outside user memory must fault in the new program: page 0 is never mapped. */
    trapframe_start(tf, e->entry < USER_END ? e->entry : 0, e->sp);
    tf->vector = vector; /* for tracers it is the end of a call */
    tf->error = number;
}

int exec_file(struct file *f, const struct exec_args *args)
{
    struct exec *e = kzalloc(sizeof(*e));
    s32 old_tid = current_thread()->tid;
    int err;

    if (!e) {
        exec_close(f);
        return -ENOMEM;
    }
    e->file = f;
    err = exec_over_nproc() ? -EAGAIN : build(e, args);
    if (!err)
        err = prepare_unshare(e);
    if (!err)
        err = proc_become_single();
    if (!err)
        commit(e, args->name);
    if (e->mm)
        mm_put(e->mm);
    program_free(&e->main);
    program_free(&e->loader);
    exec_close(e->interp);
    exec_close(e->file);
    kfree(e->argv_block);
    if (e->files)
        fdtable_disown(e->files);
    sigactions_put(e->actions);
    if (e->fs.dirs)
        fs_context_fini(&e->fs);
    kfree(e);
    if (!err && unlikely(current_thread()->trace))
        ptrace_exec(current_thread(), old_tid);
    return err;
}
