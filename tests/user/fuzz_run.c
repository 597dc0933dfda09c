/* SPDX-License-Identifier: MIT
 *
 * The parent of fuzz_syscalls, fuzz_families and fuzz_crowd, see fuzz.h.
 */
#include "tests/user/fuzz.h"
#include "user/include/loop.h"
#include <dirent.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/xattr.h>

#define STUCK_US 3000000
#define END_NS   30000000000u

struct fuzz_shared *shared;

static int hung, by_signal, children;

/* New finds of fuzz_look(). */
static void tell_stale(void)
{
    static uint64_t told;

    if (shared->stale != told && shared->seal != fuzz_seal(shared)) {
        printf("# child %d wrote over its record\n", children);
        shared->stale = told;
    }
    if (shared->stale == told)
        return;
    told = shared->stale;
    printf("# child %d: stale bytes at %#llx after call %llu of", children,
           (unsigned long long)shared->stale_at, (unsigned long long)shared->stale_nr);
    for (int i = 0; i < 6; i++)
        printf(" %#llx", (unsigned long long)shared->stale_args[i]);
    printf("\n");
}

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

static const char *above = "/tmp"; /* what our folder lies in */

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

/* Whom a child has left behind, in whatever session: all that are younger than we are. */
static bool end_descendants(void)
{
    uint64_t start = t_ns();
    for (bool found = true; found;) {
        DIR *d = opendir("/proc");
        found = false;
        for (struct dirent *e; d && (e = readdir(d));) {
            int pid = atoi(e->d_name);
            found |= pid > getpid() && !kill(pid, SIGKILL);
        }
        if (d)
            closedir(d);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (found && t_ns() - start > END_NS) {
            printf("# somebody survives SIGKILL\n");
            return false;
        }
        if (found)
            t_nap(1000);
    }
    return true;
}

/* Loop devices are as at boot: eight, and not bound. */
static void clean_loops(void)
{
    int control = open("/dev/loop-control", O_RDWR);
    for (int n = 0; n < 64; n++) {
        char name[24];
        snprintf(name, sizeof(name), "/dev/loop%d", n);
        int fd = open(name, O_RDWR);
        ioctl(fd, LOOP_CLR_FD);
        ioctl(fd, BLKROSET, &(int){0});
        close(fd);
        ioctl(control, n < 8 ? LOOP_CTL_ADD : LOOP_CTL_REMOVE, n);
    }
    close(control);
}

static void clean(void)
{
    int ends[2];
    clean_ipc();
    clean_loops();
    setxattr(t_dir, "user.a", "", 0, 0); /* the list of them stays with the directory */
    removexattr(t_dir, "user.a");
    removexattr(t_dir, "user.b");
    /* Counts that are kept with files which stay. */
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    (void)!write(fd, "3", 1);
    close(fd);
    /* Sockets in each other's messages go when another one is closed. */
    if (!socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
        close(ends[0]);
        close(ends[1]);
    }
    t_clean(t_dir, NULL);
    t_clean(above,
            is_old); /* a child may have become this program, and made such a folder */
    t_clean("/", is_old);
}

static bool settle(long want)
{
    uint64_t start = t_ns();
    do {
        while (waitpid(-1, NULL, WNOHANG) > 0) /* what a child has left to us */
            ;
        if (t_meminfo("FreePages") == want)
            break;
        t_nap(1000);
    } while (t_ns() - start < 3000000000);
    return t_meminfo("FreePages") == want;
}

/* With `old` filled: prints the caches whose counts have changed since. */
static void slab_counts(char old[64][64], bool compare)
{
    struct t_reader r;
    if (!t_open(&r, "/proc/slabinfo"))
        return;
    for (char *l; (l = t_line(&r));) {
        int n = 0;
        l[32] = 0; /* name, active objects, all objects */
        while (n < 63 && *old[n] && strncmp(old[n], l, 17) != 0)
            n++;
        if (compare && strcmp(old[n], l))
            printf("#   %s (was %s)\n", l, *old[n] ? old[n] + 17 : "not there");
        strcpy(old[n], l);
    }
}

int fuzz_main(int argc, char **argv, const struct fuzz *what)
{
    struct t_reader r;
    uint64_t seed = strtoull(argv[1], NULL, 0);
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 10000;
    if (argc < 2) { /* also what a child gets that comes upon our path and runs it */
        printf("usage: %s SEED [COUNT [CHILD]]\n", what->name);
        return 2;
    }
    if (t_open(&r, "/proc/version"))
        for (char *l; (l = t_line(&r));)
            t_tessera |= strstr(l, "Tessera") != NULL;
    if (!t_tessera) {
        printf("%s: this is not Tessera: refused\n", what->name);
        return 2;
    }
    /* Far from what the children's calls hit; what they spoil all the same is clamped. */
    shared = mmap((void *)0x200000000000, P, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (getenv("TMPDIR"))
        above = getenv("TMPDIR");
    snprintf(t_dir, sizeof(t_dir), "%s/fuzz.%d", above, (int)getpid());
    if (shared == MAP_FAILED || mkdir(t_dir, 0755) || chdir(t_dir)) {
        printf("%s: %s: %s\n", what->name, t_dir, strerror(errno));
        return 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    printf("%s: seed %llu, %llu calls\n", what->name, (unsigned long long)seed,
           (unsigned long long)count);
    fflush(stdout);
    t_clean("/", note_name);
    t_clean(above, note_name);
    bool alive =
        opendir(t_dir) != NULL; /* stays: such memory would come and go with each */
    for (int i = 0; alive && i < 2; i++) { /* our own pages are copied before we count */
        pid_t warm = fork();
        if (warm == 0)
            what->child(1, 0);
        alive = warm > 0 && reap(warm) && end_descendants();
        clean();
    }
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
            what->child(child_seed | 1, what->calls);
        alive = pid > 0 && reap(pid) && end_descendants();
        clean();
        tell_stale();
        made += shared->calls < what->calls ? shared->calls : what->calls;
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
    bool back = settle(before) || before - t_meminfo("FreePages") <= what->scattered;
    printf("%s: %llu calls in %d children, %d ended by a signal, %d killed when "
           "stuck, pages %ld -> %ld\n",
           what->name, (unsigned long long)made, children, by_signal, hung, before,
           t_meminfo("FreePages"));
    if (chdir("/") || rmdir(t_dir))
        printf("# %s stays: %s\n", t_dir, strerror(errno));
    bool ok = alive && back && made >= count && !shared->stale;
    printf("%s: %s\n", what->name, ok ? "ok" : "failed");
    return ok ? 0 : 1;
}
