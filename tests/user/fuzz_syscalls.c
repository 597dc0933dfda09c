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
#include "tests/user/t.h"
#include "user/include/tessera.h"
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/time.h>

#define ARENA_PAGES     64
#define CALLS_PER_CHILD 250
#define STUCK_US        3000000

struct shared {
    volatile uint64_t calls, last_nr;
};

static struct shared *shared;
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

static inline long raw(uint64_t nr, const uint64_t *a)
{
    long r;
    register uint64_t r10 __asm__("r10") = a[3];
    register uint64_t r8 __asm__("r8") = a[4];
    register uint64_t r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(r), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2])
                     : "rcx", "r11", "memory", "cc");
    return r;
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

/* ---- the parent ---- */
static int hung, by_signal, children;

/* Waits; a child that makes no progress is killed, and must then be gone. */
static bool reap(pid_t pid)
{
    uint64_t last = shared->calls, since = t_ns();
    bool killed = false;
    for (;;) {
        int status;
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid) {
            by_signal += WIFSIGNALED(status) && !killed;
            break;
        }
        if (shared->calls != last) {
            last = shared->calls;
            since = t_ns();
        } else if ((t_ns() - since) / 1000 > STUCK_US) {
            if (killed) {
                printf("# child %d survives SIGKILL in call %llu\n", (int)pid,
                       (unsigned long long)shared->last_nr);
                return false;
            }
            killed = true;
            hung++;
            kill(pid, SIGKILL);
            since = t_ns();
        }
        t_nap(1000);
    }
    kill(-pid, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    return true;
}

/* Buffers with pieces of a path serve as names: a child may make files in the root, too. */
static char root_names[64][64];
static int root_count;

static bool is_old(const char *name)
{
    for (int i = 0; i < root_count; i++)
        if (!strcmp(root_names[i], name))
            return true;
    return false;
}

static bool note_name(const char *name)
{
    if (root_count < 64)
        snprintf(root_names[root_count++], sizeof(root_names[0]), "%s", name);
    return true;
}

/* Queues, semaphores and segments of shared memory outlive their makers. */
static void clean_ipc(void)
{
    struct shmid_ds ds;
    struct msqid_ds queue;
    struct msginfo queues;
    struct seminfo sets;
    union semun {
        struct semid_ds *ds;
        struct seminfo *info;
    } arg = {.info = &sets};
    struct semid_ds set;
    for (int slot = msgctl(0, MSG_INFO, (struct msqid_ds *)&queues); slot >= 0; slot--) {
        int id = msgctl(slot, MSG_STAT_ANY, &queue);
        if (id >= 0)
            msgctl(id, IPC_RMID, NULL);
    }
    int last = semctl(0, 0, SEM_INFO, arg);
    arg.ds = &set;
    for (; last >= 0; last--) {
        int id = semctl(last, 0, SEM_STAT_ANY, arg);
        if (id >= 0)
            semctl(id, 0, IPC_RMID);
    }
    for (int slot = shmctl(0, SHM_INFO, &ds); slot >= 0; slot--) {
        int id = shmctl(slot, SHM_STAT_ANY, &ds);
        if (id >= 0)
            shmctl(id, IPC_RMID, NULL);
    }
}

static void clean(void)
{
    clean_ipc();
    t_clean(t_dir, NULL);
    t_clean("/", is_old);
}

static bool settle(long want)
{
    uint64_t start = t_ns();
    while (t_meminfo("FreePages") != want && t_ns() - start < 3000000000)
        t_nap(1000);
    return t_meminfo("FreePages") == want;
}

/* With `old` filled: prints the caches whose counts have changed since. */
static void slab_counts(char old[64][64], bool compare)
{
    struct t_reader r;
    int n = 0;
    if (!t_open(&r, "/proc/slabinfo"))
        return;
    for (char *l; (l = t_line(&r));) {
        l[40] = 0; /* name, active objects, all objects */
        if (n == 64)
            continue;
        if (compare && strcmp(old[n], l))
            printf("#   %s (was %s)\n", l, old[n] + 17);
        strcpy(old[n++], l);
    }
}

int main(int argc, char **argv)
{
    struct t_reader r;
    uint64_t seed = strtoull(argv[1], NULL, 0);
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 10000;
    if (argc < 2) { /* also what a child gets that comes upon our path and runs it */
        printf("usage: fuzz_syscalls SEED [COUNT [CHILD]]\n");
        return 2;
    }
    if (t_open(&r, "/proc/version"))
        for (char *l; (l = t_line(&r));)
            t_tessera |= strstr(l, "Tessera") != NULL;
    if (!t_tessera) {
        printf("fuzz_syscalls: this is not Tessera: refused\n");
        return 2;
    }
    /* Far from what the children's calls hit; what they spoil all the same is clamped. */
    shared = mmap((void *)0x200000000000, P, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const char *tmp = getenv("TMPDIR");
    snprintf(t_dir, sizeof(t_dir), "%s/fuzz.%d", tmp ? tmp : "/tmp", (int)getpid());
    if (shared == MAP_FAILED || mkdir(t_dir, 0755) || chdir(t_dir)) {
        printf("fuzz_syscalls: %s: %s\n", t_dir, strerror(errno));
        return 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    printf("fuzz_syscalls: seed %llu, %llu calls\n", (unsigned long long)seed,
           (unsigned long long)count);
    fflush(stdout);
    t_clean("/", note_name);
    pid_t warm = fork(); /* our own pages are copied once, before we count */
    if (warm == 0)
        child(1, 0);
    bool alive = warm > 0 && reap(warm);
    clean();
    (void)settle(t_meminfo("FreePages"));
    long before = t_meminfo("FreePages"), expect = before;
    static char slabs[64][64];
    slab_counts(slabs, false);
    uint64_t made = 0;
    if (argc > 3) {
        children = atoi(argv[3]);
        count = 1;
    }
    while (alive && made < count) {
        uint64_t child_seed = (seed + 1) * 0x9e3779b97f4a7c15u + (uint64_t)children;
        shared->calls = 0;
        pid_t pid = fork();
        if (pid == 0)
            child(child_seed | 1, CALLS_PER_CHILD);
        alive = pid > 0 && reap(pid);
        clean();
        made += shared->calls < CALLS_PER_CHILD ? shared->calls : CALLS_PER_CHILD;
        if (!settle(expect)) {
            printf("# child %d: pages %ld -> %ld\n", children, expect,
                   t_meminfo("FreePages"));
            expect = t_meminfo("FreePages");
            slab_counts(slabs, true);
        }
        if (++children % 20 == 0) {
            printf("# %llu calls, %d children\n", (unsigned long long)made, children);
            fflush(stdout);
        }
        if (children > 1000 && made < (uint64_t)children) /* they die at once */
            break;
    }
    bool back = settle(before);
    printf(
        "fuzz_syscalls: %llu calls in %d children, %d ended by a signal, %d killed when "
        "stuck, pages %ld -> %ld\n",
        (unsigned long long)made, children, by_signal, hung, before,
        t_meminfo("FreePages"));
    if (chdir("/") || rmdir(t_dir))
        printf("# %s stays: %s\n", t_dir, strerror(errno));
    bool ok = alive && back && made >= count;
    printf("fuzz_syscalls: %s\n", ok ? "ok" : "failed");
    return ok ? 0 : 1;
}
