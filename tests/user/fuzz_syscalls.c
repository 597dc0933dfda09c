/* SPDX-License-Identifier: MIT
 *
 * fuzz_syscalls SEED COUNT: COUNT random system calls with random and half-valid arguments,
 * a few hundred in each child, from a printed seed. It passes when the machine is still
 * there, no child hung in the kernel beyond SIGKILL, and every page came back. Only for
 * Tessera: on Linux it refuses, as root's random calls could hurt the host.
 *
 * With a third argument N only the N-th child is run: the way back from a lost page, which is
 * reported with the child that lost it.
 *
 * Excluded: reboot. Calls that send signals or write to a process get the caller's own pid,
 * so that a child cannot kill its parent or the rest of the system.
 */
#include "tests/user/fuzz.h"
#include "user/include/tessera.h"
#include <sys/time.h>

#define ARENA_PAGES 64

static uint64_t rng;
static unsigned char *arena;
static char *strings[12];
static pid_t self;

static uint64_t rnd(uint64_t below)
{
    return t_random(&rng) % below;
}

static bool one_in(uint64_t n)
{
    return rnd(n) == 0;
}

/* ---- arguments ---- */
static uint64_t a_length(void)
{
    static const uint64_t set[] = {0,     1,     7,     P - 1,  P,
                                   P + 1, 2 * P, 8 * P, 64 * P, 1 << 20};
    if (one_in(40))
        return 1UL << rnd(64);
    if (one_in(40))
        return -rnd(3 * P);
    return set[rnd(sizeof(set) / sizeof(*set))];
}

static uint64_t a_page(void)
{
    return (uint64_t)(uintptr_t)arena + rnd(ARENA_PAGES) * P;
}

static uint64_t a_pointer(void)
{
    switch (rnd(12)) {
    case 0:
        return 0;
    case 1:
        return 0xffff800000000000 + rnd(1UL << 40);
    case 2:
        return 0xffffffff80000000 + rnd(1 << 24);
    case 3:
        return one_in(2) ? 0x0000900000000000 : 0x00007ffffffff000 - rnd(64);
    case 4:
        return (uint64_t)(uintptr_t)strings[rnd(12)];
    case 5:
        return a_page() + P - rnd(16);
    default:
        return a_page() + rnd(64) * 8;
    }
}

static uint64_t a_any(void)
{
    switch (rnd(10)) {
    case 0:
        return t_random(&rng);
    case 1:
        return 1UL << rnd(64);
    case 2:
        return (1UL << rnd(64)) - 1;
    case 3:
        return -rnd(100);
    case 4:
        return a_length();
    case 5:
    case 6:
        return a_pointer();
    case 7:
        return rnd(20);
    case 8:
        return t_random(&rng) & t_random(&rng) & 0xffffffff;
    default:
        return rnd(4);
    }
}

static uint64_t a_fd(void)
{
    return one_in(20) ? a_any() : rnd(14);
}

static uint64_t a_string(void)
{
    return one_in(12) ? a_pointer() : (uint64_t)(uintptr_t)strings[rnd(12)];
}

#define VECTOR_MAX 40

static uint64_t a_vector(void)
{
    static struct remap_vec v[VECTOR_MAX];
    if (one_in(20))
        return a_pointer();
    for (size_t i = 0; i < VECTOR_MAX; i++)
        v[i] = (struct remap_vec){one_in(200) ? a_any() : a_page(),
                                  one_in(100) ? a_any() : rnd(ARENA_PAGES + 8),
                                  (uint32_t)(one_in(100) ? a_any() : 1 + rnd(4)),
                                  one_in(200)};
    return (uint64_t)(uintptr_t)v;
}

/* ---- the calls of the memory system, mostly well formed ---- */
static uint64_t memory_call(uint64_t *a)
{
    static const uint64_t nrs[] = {SYS_mmap,
                                   SYS_mmap,
                                   SYS_munmap,
                                   SYS_mprotect,
                                   SYS_madvise,
                                   SYS_msync,
                                   SYS_mincore,
                                   SYS_ftruncate,
                                   SYS_mremap,
                                   SYS_brk,
                                   SYS_fallocate,
                                   SYS_remap_file_pages,
                                   SYS_remap_file_pages,
                                   SYS_remap_file_pages,
                                   SYS_remap_file_pages,
                                   SYS_remapv,
                                   SYS_remapv,
                                   SYS_remap_swap,
                                   SYS_remap_rotate,
                                   SYS_remap_query,
                                   SYS_remap_clone};
    uint64_t nr = nrs[rnd(sizeof(nrs) / sizeof(*nrs))];
    a[0] = a_page();
    a[1] = (1 + rnd(8)) * P;
    switch (nr) {
    case SYS_mmap:
        a[2] = rnd(8);
        a[3] = (1 + rnd(2)) | (one_in(2) ? MAP_FIXED : 0) |
               (one_in(3) ? MAP_ANONYMOUS : 0) | (one_in(6) ? MAP_POPULATE : 0);
        a[4] = a_fd();
        a[5] = rnd(ARENA_PAGES) * P;
        break;
    case SYS_mprotect:
        a[2] = rnd(8);
        break;
    case SYS_madvise:
        a[2] = rnd(26);
        break;
    case SYS_msync:
        a[2] = rnd(8);
        break;
    case SYS_mincore:
        a[2] = a_pointer();
        break;
    case SYS_ftruncate:
        a[0] = a_fd();
        a[1] = one_in(20) ? a_any() : rnd(ARENA_PAGES * P);
        break;
    case SYS_fallocate:
        a[0] = a_fd();
        a[1] = rnd(4);
        a[2] = rnd(ARENA_PAGES) * P;
        a[3] = a_length();
        break;
    case SYS_mremap:
        a[2] = (1 + rnd(8)) * P;
        a[3] = rnd(8);
        a[4] = a_page();
        break;
    case SYS_brk:
        a[0] = one_in(4) ? a_any() : 0;
        break;
    case SYS_remapv:
        a[0] = a_vector();
        a[1] = one_in(30) ? a_any() : 1 + rnd(VECTOR_MAX);
        a[2] = rnd(8);
        break;
    case SYS_remap_swap:
        a[1] = a_page();
        a[2] = (1 + rnd(8)) * P;
        break;
    case SYS_remap_rotate:
        a[2] = one_in(4) ? a_any() : rnd(8);
        break;
    case SYS_remap_query:
        a[2] = a_pointer();
        break;
    case SYS_remap_clone:
        a[2] = rnd(8);
        break;
    default:
        a[2] = one_in(20) ? rnd(8) : 0;
        a[3] = one_in(10) ? a_any() : rnd(ARENA_PAGES + 8);
        a[4] = one_in(3) ? MAP_NONBLOCK : 0;
        break;
    }
    if (one_in(8))
        a[rnd(6)] = a_any();
    return nr;
}

static uint64_t file_call(uint64_t *a)
{
    static const uint64_t by_fd[] = {
        SYS_read,  SYS_write,      SYS_pread64, SYS_pwrite64, SYS_readv,  SYS_writev,
        SYS_fstat, SYS_lseek,      SYS_ioctl,   SYS_fcntl,    SYS_dup,    SYS_dup2,
        SYS_close, SYS_getdents64, SYS_fsync,   SYS_sendfile, SYS_fchmod, SYS_poll};
    static const uint64_t by_name[] = {
        SYS_open,     SYS_stat,   SYS_lstat, SYS_access,  SYS_mkdir,    SYS_rmdir,
        SYS_unlink,   SYS_rename, SYS_link,  SYS_symlink, SYS_readlink, SYS_chmod,
        SYS_truncate, SYS_chdir,  SYS_creat, SYS_execve};
    if (one_in(2)) {
        a[0] = a_fd();
        a[1] = one_in(2) ? a_pointer() : a_any();
        a[2] = a_length();
        return by_fd[rnd(sizeof(by_fd) / sizeof(*by_fd))];
    }
    a[0] = a_string();
    a[1] = one_in(2) ? a_string() : rnd(0x10000);
    a[2] = rnd(01000);
    return by_name[rnd(sizeof(by_name) / sizeof(*by_name))];
}

/* Keeps a call from hurting anybody but its caller; false: not to be made at all. */
static bool tame(uint64_t nr, uint64_t *a)
{
    uint64_t me = (uint64_t)self;
    switch ((uint32_t)nr) {
    case SYS_reboot:
        return false;
    case SYS_exit:
    case SYS_exit_group:
        return one_in(50);
    case SYS_kill:
    case SYS_tkill:
    case SYS_rt_sigqueueinfo:
    case SYS_ptrace:
    case SYS_process_vm_writev:
    case SYS_setpgid:
    case SYS_prlimit64:
    case SYS_sched_setscheduler:
    case SYS_sched_setparam:
    case SYS_sched_setaffinity:
    case SYS_migrate_pages:
    case SYS_move_pages:
        a[0] = one_in(4) ? 90000000 + rnd(1000) : me;
        break;
    case SYS_tgkill:
    case SYS_rt_tgsigqueueinfo:
        a[0] = me;
        a[1] = one_in(4) ? 90000000 + rnd(1000) : me;
        break;
    case SYS_setpriority:
        a[1] = me;
        break;
    }
    /* A lethal signal would end most children early. */
    if ((uint32_t)nr == SYS_kill || (uint32_t)nr == SYS_tkill)
        a[1] = one_in(10) ? a[1] : SIGCHLD;
    return true;
}

static uint64_t pick(uint64_t *a)
{
    for (int i = 0; i < 6; i++)
        a[i] = a_any();
    switch (rnd(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
        return memory_call(a);
    case 4:
    case 5:
        return file_call(a);
    case 6:
        return one_in(4) ? t_random(&rng) >> rnd(64) : 335 + rnd(140);
    default:
        return rnd(335);
    }
}

/* ---- one child ---- */
static void on_tick(int sig)
{
    (void)sig;
}

/* Blocking calls are woken; earlier calls may have undone this, so it is done again. */
static void arm(void)
{
    struct sigaction sa = {.sa_handler = on_tick};
    struct itimerval it = {{0, 20000}, {0, 20000}};
    uint64_t none = 0;
    sigaction(SIGALRM, &sa, NULL);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
    syscall(SYS_setitimer, 0, &it, NULL);
}

static void prepare(void)
{
    static const char *const names[] = {
        "a",    "b", "d", "d/x",    "d/../a",          "none/x",
        "link", ".", "",  "d/link", "/proc/self/maps", "/proc/self/status"};
    self = getpid();
    setpgid(0, 0);
    if (chdir(t_dir))
        _exit(1);
    for (int fd = 0; fd < 64; fd++)
        close(fd);
    for (int i = 0; i < 3; i++)
        open("/dev/null", O_RDWR);
    int file = memfd_create("fuzz", 0);
    (void)!ftruncate(file, ARENA_PAGES / 2 * P);
    open("a", O_RDWR | O_CREAT, 0644);
    open("b", O_RDWR | O_CREAT | O_APPEND, 0644);
    mkdir("d", 0755);
    open("d", O_RDONLY);
    open("/dev/zero", O_RDWR);
    open("/proc/self/maps", O_RDONLY);
    int ends[2];
    (void)!pipe(ends);
    (void)!pipe2(ends, O_NONBLOCK);
    arena = mmap(NULL, ARENA_PAGES * P, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    mmap(arena + ARENA_PAGES / 2 * P, ARENA_PAGES / 2 * P, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    static char text[12][32];
    for (int i = 0; i < 12; i++)
        strings[i] = strcpy(text[i], names[i]);
}

static _Noreturn void child(uint64_t seed, uint64_t calls)
{
    rng = seed;
    prepare();
    for (uint64_t k = 0; k < calls; k++) {
        uint64_t a[6], nr = pick(a);
        if (!tame(nr, a))
            continue;
        if (k % 8 == 0)
            arm();
        shared->last_nr = nr;
        shared->calls++;
        raw(nr, a);
        const uint64_t zero[6] = {0};
        if (raw(SYS_getpid, zero) != self) /* fork, vfork, clone came back twice */
            for (;;)
                raw(SYS_exit, zero);
    }
    for (;;)
        _exit(0);
}

int main(int argc, char **argv)
{
    static const struct fuzz what = {"fuzz_syscalls", 250, child, 0};
    return fuzz_main(argc, argv, &what);
}
