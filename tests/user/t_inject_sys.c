/* SPDX-License-Identifier: MIT
 *
 * Each allocation of calls on processes, files and signals fails once. Cases: I2xx. Calls are
 * made raw where the C library would make another one first.
 */
#include "tests/user/t_inject.h"
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/time.h>

static int fd, other, ends[2];
static char block[65536];

static void scene(void)
{
    fd = t_make("file", "some text");
    OK(mkdir("dir", 0755));
    OK(symlink("file", "link"));
}

/* ---- processes ---- */
static long fork_raw(void)
{
    long pid = syscall(SYS_fork);

    if (pid == 0)
        syscall(SYS_exit_group, 0);
    return pid < 0 ? -1 : 0;
}

static long vfork_like(void)
{
    long pid = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0)
        syscall(SYS_exit_group, 0);
    return pid < 0 ? -1 : 0;
}

static void reap(void)
{
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

static char stack[8192] __attribute__((aligned(16)));

/* A thread that ends at once, without leaving the assembly: its stack is empty. */
static long thread_with(long flags)
{
    long r;
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;

    __asm__ volatile("syscall\n\t"
                     "test %%eax, %%eax\n\t"
                     "jnz 1f\n\t"
                     "mov $60, %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(r)
                     : "0"(SYS_clone),
                       "D"(flags | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD),
                       "S"(stack + sizeof(stack)), "d"(0), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    if (r < 0) {
        errno = (int)-r;
        return -1;
    }
    return 0;
}

static long thread_raw(void)
{
    return thread_with(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM);
}

static long thread_with_its_own(void)
{
    return thread_with(0);
}

static void big(void)
{
    unsigned char *p =
        t_map(NULL, 600, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(p, 1, 600 * P);
    t_region(p, 600 * P);
    M(F(700), 700);
    t_reverse(700, 0);
    t_region(A, 700 * P);
}

TEST(I201, "fork, vfork, a new thread")
{
    SWEEP(.setup = big, .call = fork_raw, .undo = reap, .errors = {ENOMEM, EAGAIN});
    SWEEP(.call = vfork_like, .undo = reap, .errors = {ENOMEM, EAGAIN});
    SWEEP(.call = thread_raw, .errors = {ENOMEM, EAGAIN});
    SWEEP(.call = thread_with_its_own, .errors = {ENOMEM, EAGAIN});
}

static long exec_self(void)
{
    char *argv[] = {"t_inject_sys", "--helper", "left", NULL}, *envp[] = {"A=B", NULL};

    return syscall(SYS_execve, t_exe, argv, envp);
}

static void script(void)
{
    char text[300];

    scene();
    snprintf(text, sizeof(text), "#!%s --helper\n", t_exe);
    close(t_make("script", text));
    OK(chmod("script", 0755));
}

static long exec_script(void)
{
    char *argv[] = {"script", NULL}, *envp[] = {NULL};

    return syscall(SYS_execve, "./script", argv, envp);
}

TEST(I202,
     "execve: an error before, or the end of the process after there is no way back")
{
    SWEEP(.call = exec_self, .errors = {ENOMEM, E2BIG}, .may_die = true);
    SWEEP(.setup = script, .call = exec_script, .errors = {ENOMEM, E2BIG},
          .may_die = true);
}

/* ---- names ---- */
static long open_new(void)
{
    return open("new", O_CREAT | O_RDWR, 0600);
}

static long open_old(void)
{
    return open("file", O_RDWR);
}

static long open_dir(void)
{
    return open("dir", O_RDONLY | O_DIRECTORY);
}

static long open_through(void)
{
    return open("link", O_RDONLY);
}

static long open_unnamed(void)
{
    return open(".", O_TMPFILE | O_RDWR, 0600);
}

static long make_dir(void)
{
    return mkdir("dir/sub", 0755);
}

static long make_link(void)
{
    return link("file", "dir/hard");
}

static long make_symlink(void)
{
    return symlink(
        "a long target that does not fit into the inode itself, perhaps; it goes on "
        "and on until it is longer than sixty-four bytes in any case",
        "soft");
}

static long make_fifo(void)
{
    return mknod("fifo", S_IFIFO | 0600, 0);
}

static long move(void)
{
    return rename("file", "dir/moved");
}

static long exchange(void)
{
    return syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "dir", 2);
}

static long replace(void)
{
    return rename("link", "file");
}

static long remove_file(void)
{
    return unlink("file");
}

static long remove_dir(void)
{
    return rmdir("dir");
}

static long stat_missing(void)
{
    struct stat st;

    return stat("dir/nothing", &st) == -1 && errno == ENOENT ? 0 : -1;
}

static long go(void)
{
    return chdir("dir");
}

static long where(void)
{
    return syscall(SYS_getcwd, block, sizeof(block)) > 0 ? 0 : -1;
}

static long link_text(void)
{
    return readlink("link", block, sizeof(block)) == 4 ? 0 : -1;
}

static long list(void)
{
    return syscall(SYS_getdents64, other, block, sizeof(block)) >= 0 ? 0 : -1;
}

static void opened_dir(void)
{
    scene();
    OK(other = open(".", O_RDONLY | O_DIRECTORY));
}

static void go_back(void)
{
    OK(chdir(t_dir));
}

TEST(I203, "open")
{
    SWEEP(.setup = scene, .call = open_new, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = scene, .call = open_old, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = open_dir, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = open_through, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = open_unnamed, .errors = {ENOMEM, ENOSPC});
}

TEST(I204, "calls that change names")
{
    SWEEP(.setup = scene, .call = make_dir, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = scene, .call = make_link, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = scene, .call = make_symlink, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = scene, .call = make_fifo, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = scene, .call = move, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = scene, .call = exchange, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = scene, .call = replace, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = scene, .call = remove_file, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = remove_dir, .errors = {ENOMEM});
}

TEST(I205, "calls that look at names")
{
    SWEEP(.setup = scene, .call = stat_missing, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = go, .undo = go_back, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = where, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = link_text, .errors = {ENOMEM});
    SWEEP(.setup = opened_dir, .call = list, .errors = {ENOMEM});
}

static long mount_it(void)
{
    return mount("none", "dir", "tmpfs", 0, NULL);
}

static void unmount_it(void)
{
    umount2("dir", 0);
}

TEST(I206, "mount")
{
    SWEEP(.setup = scene, .call = mount_it, .undo = unmount_it, .errors = {ENOMEM});
}

/* ---- descriptors and data ---- */
static long make_pipe(void)
{
    return pipe2(ends, O_NONBLOCK);
}

static long make_memfd(void)
{
    return syscall(SYS_memfd_create, "name", 0);
}

static long high_copy(void)
{
    return dup2(0, 900);
}

static void pipe_there(void)
{
    scene();
    OK(pipe2(ends, O_NONBLOCK));
}

static long write_pipe(void)
{
    return write(ends[1], block, 40000) > 0 ? 0 : -1;
}

/* A part may be written; what is written is what is told. */
static long write_file(void)
{
    ssize_t n = pwrite(fd, block, sizeof(block), 4096);
    struct stat st;

    if (n < 0)
        return -1;
    OK(fstat(fd, &st));
    EQ(st.st_size, 4096 + n);
    return 0;
}

static void hole(void)
{
    scene();
    OK(ftruncate(fd, 1 << 20));
}

static long read_hole(void)
{
    return pread(fd, block, sizeof(block), 8192) > 0 ? 0 : -1;
}

static long reserve(void)
{
    return fallocate(fd, 0, 0, 1 << 19);
}

static long punch(void)
{
    return fallocate(fd, 1 | 2, 5000, 100000);
}

static long cut(void)
{
    return ftruncate(fd, 3);
}

static long grow(void)
{
    return ftruncate(fd, 1 << 22);
}

static long send(void)
{
    off_t at = 0;

    return sendfile(ends[1], fd, &at, 30000) > 0 ? 0 : -1;
}

static long copy_range(void)
{
    loff_t from = 0, to = 1 << 21;

    return syscall(SYS_copy_file_range, fd, &from, fd, &to, 100000, 0) > 0 ? 0 : -1;
}

static void pipe_and_hole(void)
{
    hole();
    OK(pipe2(ends, O_NONBLOCK));
}

static long gather(void)
{
    static struct iovec v[600];

    for (int i = 0; i < 600; i++)
        v[i] = (struct iovec){block + i, 1};
    return writev(ends[1], v, 600) > 0 ? 0 : -1;
}

static long lock_record(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};

    return fcntl(fd, F_SETLK, &l);
}

static long lock_whole(void)
{
    return syscall(SYS_flock, fd, 2 | 4);
}

static long resize_pipe(void)
{
    return fcntl(ends[1], F_SETPIPE_SZ, 200000) > 0 ? 0 : -1;
}

TEST(I207, "pipe, memfd_create, dup2, F_SETPIPE_SZ")
{
    SWEEP(.call = make_pipe, .errors = {ENOMEM, ENFILE});
    SWEEP(.call = make_memfd, .errors = {ENOMEM, ENFILE});
    SWEEP(.call = high_copy, .errors = {ENOMEM, EMFILE});
    SWEEP(.setup = pipe_there, .call = resize_pipe, .errors = {ENOMEM});
}

TEST(I208, "read and write")
{
    SWEEP(.setup = pipe_there, .call = write_pipe, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = pipe_there, .call = gather, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = scene, .call = write_file, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = hole, .call = read_hole, .errors = {ENOMEM});
    SWEEP(.setup = pipe_and_hole, .call = send, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = hole, .call = copy_range, .errors = {ENOMEM, ENOSPC});
}

TEST(I209, "sizes of files, locks")
{
    SWEEP(.setup = hole, .call = reserve, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = hole, .call = punch, .errors = {ENOMEM});
    SWEEP(.setup = hole, .call = cut, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = grow, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = lock_record, .errors = {ENOMEM, ENOLCK});
    SWEEP(.setup = scene, .call = lock_whole, .errors = {ENOMEM, ENOLCK});
}

/* ---- signals, waiting ---- */
static volatile int handled;

static void on_signal(int sig)
{
    handled = sig;
}

static void handler(void)
{
    signal(SIGUSR1, on_signal);
    signal(SIGRTMIN, on_signal);
}

static long raise_it(void)
{
    return syscall(SYS_kill, getpid(), SIGUSR1);
}

static void blocked(void)
{
    sigset_t set;

    handler();
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static long queue(void)
{
    siginfo_t info = {.si_code = SI_QUEUE};

    return syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info);
}

static long timer(void)
{
    struct itimerval v = {.it_value = {1000, 0}};

    return setitimer(ITIMER_REAL, &v, NULL);
}

static long poll_many(void)
{
    static struct pollfd p[300];

    for (int i = 0; i < 300; i++)
        p[i] = (struct pollfd){.fd = ends[i & 1], .events = POLLIN};
    return poll(p, 300, 0) >= 0 ? 0 : -1;
}

static long select_wide(void)
{
    static unsigned long bits[1024 / 64];
    struct timeval none = {0, 0};

    memset(bits, 0, sizeof(bits));
    return syscall(SYS_select, 800, bits, NULL, NULL, &none) >= 0 ? 0 : -1;
}

static long name_thread(void)
{
    return prctl(PR_SET_NAME, "other");
}

static void name_back(void)
{
    prctl(PR_SET_NAME, "t_inject_sys");
}

TEST(I210, "signals, timers, poll, select")
{
    SWEEP(.setup = handler, .call = raise_it, .errors = {EAGAIN});
    SWEEP(.setup = blocked, .call = queue, .errors = {EAGAIN});
    SWEEP(.call = timer, .errors = {ENOMEM});
    SWEEP(.setup = pipe_there, .call = poll_many, .errors = {ENOMEM});
    SWEEP(.setup = pipe_there, .call = select_wide, .errors = {ENOMEM});
    SWEEP(.call = name_thread, .undo = name_back, .errors = {ENOMEM});
}

/* A program that execve started: whether a failure was still to come. */
static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return fail_next(0, false) > 0 ? NOT_REACHED : 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
