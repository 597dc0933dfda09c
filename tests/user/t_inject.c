/* SPDX-License-Identifier: MIT
 *
 * Each allocation of each memory call fails once. Cases: I1xx.
 */
#include "tests/user/t_inject.h"
#include "user/include/tessera.h"
#include <sys/shm.h>

static int fd;
static unsigned char *B;
static const size_t window = 700; /* pages: over two leaf tables, aligned to nothing */

static long call_mmap(void *at, size_t pages, int prot, int flags, int f)
{
    return (long)mmap(at, pages * P, prot, flags, f, 0);
}

/* A window on a file, every 7th page elsewhere, and private memory behind it. */
static void scene(void)
{
    fd = F(window);
    M(fd, window);
    for (size_t i = 0; i < window; i += 7)
        OK(R(i, 1, window - 1 - i));
    B = t_map(NULL, 64, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(B, 0x5a, 32 * P);
    t_region(A, window * P);
    t_region(B, 64 * P);
}

static void linear(void)
{
    fd = F(window);
    M(fd, window);
    t_region(A, window * P);
}

static long map_anon(void)
{
    return call_mmap(NULL, 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static long map_populate(void)
{
    return call_mmap(NULL, 600, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
}

static long map_shared_anon(void)
{
    return call_mmap(NULL, 40, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1);
}

static long map_file(void)
{
    return call_mmap(NULL, 40, PROT_READ, MAP_PRIVATE, fd);
}

static long map_over_arranged(void)
{
    return call_mmap(A + 100 * P, 500, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
}

static long map_over_private(void)
{
    return call_mmap(B + 8 * P, 8, PROT_READ, MAP_SHARED | MAP_FIXED, fd);
}

static long unmap_middle(void)
{
    return munmap(A + 50 * P, 600 * P);
}

static long protect_middle(void)
{
    return mprotect(A + 50 * P, 600 * P, PROT_READ);
}

static long protect_private(void)
{
    return mprotect(B + 8 * P, 8 * P, PROT_NONE);
}

static long advise_fork(void)
{
    return madvise(A + 50 * P, 100 * P, MADV_DONTFORK);
}

static long advise_drop(void)
{
    return madvise(A, 600 * P, MADV_DONTNEED);
}

static long advise_remove(void)
{
    return madvise(A + 10 * P, 20 * P, MADV_REMOVE);
}

static long advise_populate(void)
{
    return madvise(B, 64 * P, 23 /* MADV_POPULATE_WRITE */);
}

TEST(I101, "mmap")
{
    SWEEP(.call = map_anon, .errors = {ENOMEM});
    SWEEP(.call = map_populate, .errors = {ENOMEM});
    SWEEP(.call = map_shared_anon, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = map_file, .errors = {ENOMEM});
}

TEST(I102, "mmap(MAP_FIXED) over an arranged window and private memory")
{
    SWEEP(.setup = scene, .call = map_over_arranged, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = map_over_private, .errors = {ENOMEM});
}

TEST(I103, "munmap, mprotect")
{
    SWEEP(.setup = scene, .call = unmap_middle, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = protect_middle, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = protect_private, .errors = {ENOMEM});
}

TEST(I104, "madvise")
{
    SWEEP(.setup = scene, .call = advise_fork, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = scene, .call = advise_drop, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = scene, .call = advise_remove, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = scene, .call = advise_populate, .errors = {ENOMEM, EAGAIN});
}

static long grow(void)
{
    return (long)mremap(A, window * P, (window + 100) * P, MREMAP_MAYMOVE);
}

static long move_private(void)
{
    return (long)mremap(B, 64 * P, 64 * P, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */);
}

static long move_over(void)
{
    return (long)mremap(A + 20 * P, 40 * P, 40 * P, MREMAP_MAYMOVE | MREMAP_FIXED,
                        B + 8 * P);
}

static long move_whole_over(void)
{
    return (long)mremap(A, 600 * P, 600 * P, MREMAP_MAYMOVE | MREMAP_FIXED,
                        (void *)((uintptr_t)A ^ 0x100000000000));
}

static long shrink(void)
{
    return (long)mremap(A, window * P, 300 * P, 0);
}

TEST(I105, "mremap")
{
    SWEEP(.setup = scene, .call = grow, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = move_private, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = move_over, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = shrink, .errors = {ENOMEM});
}

TEST(I106, "mremap of an arranged window to other tables")
{
    SWEEP(.setup = scene, .call = move_whole_over, .errors = {ENOMEM}, .once = true);
}

static long remap_first(void)
{
    return R(10, 1, 400);
}

static long remap_many(void)
{
    return R(10, 600, 90);
}

static long remap_lazy(void)
{
    return RF(10, 600, 90, MAP_NONBLOCK);
}

static long remap_home(void)
{
    return R(0, window, 0);
}

static void sparse(void)
{
    fd = t_file();
    OK(ftruncate(fd, (off_t)(window * P)));
    M(fd, window);
}

/* One alias more of a page needs a log. */
static void aliases(void)
{
    linear();
    for (size_t i = 0; i < 4; i++)
        OK(R(i, 1, 50));
}

static long remap_alias(void)
{
    return R(4, 1, 50);
}

TEST(I107, "remap_file_pages")
{
    SWEEP(.setup = linear, .call = remap_first, .errors = {ENOMEM});
    SWEEP(.setup = linear, .call = remap_many, .errors = {ENOMEM});
    SWEEP(.setup = linear, .call = remap_lazy, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = remap_home, .errors = {ENOMEM});
    SWEEP(.setup = sparse, .call = remap_many, .errors = {ENOMEM});
    SWEEP(.setup = aliases, .call = remap_alias, .errors = {ENOMEM});
}

static long vector(void)
{
    static struct remap_vec v[32];

    for (unsigned i = 0; i < 32; i++)
        v[i] = (struct remap_vec){(uint64_t)(A + 20 * i * P), window - 1 - 3 * i, 2, 0};
    return remapv(v, 32, RM_ATOMIC) == 32 ? 0 : -1;
}

/* Not all or none: the first entry that cannot be done is the first there is. */
static long vector_in_order(void)
{
    static struct remap_vec v[2];

    for (unsigned i = 0; i < 2; i++)
        v[i] =
            (struct remap_vec){(uint64_t)A, window / 2 - 3 * i, (uint32_t)window / 2, 0};
    return remapv(v, 2, 0) == 2 ? 0 : -1;
}

static long swap(void)
{
    return remap_swap(A, A + 350 * P, 300 * P);
}

static long turn(void)
{
    return remap_rotate(A + 3 * P, 650 * P, 100);
}

static long clone_window(void)
{
    return (long)remap_clone(A, window * P, PROT_READ);
}

static long query(void)
{
    static uint64_t out[4096];

    return remap_query(A, window * P, out);
}

TEST(I108, "remapv, remap_swap, remap_rotate, remap_clone, remap_query")
{
    SWEEP(.setup = linear, .call = vector, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = vector, .errors = {ENOMEM});
    SWEEP(.setup = linear, .call = vector_in_order, .errors = {ENOMEM});
    SWEEP(.setup = linear, .call = swap, .errors = {ENOMEM});
    SWEEP(.setup = linear, .call = turn, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = turn, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = clone_window, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = query, .errors = {ENOMEM});
}

static char *top;

static void break_is(void)
{
    top = (char *)syscall(SYS_brk, 0);
}

static long grow_break(void)
{
    if ((char *)syscall(SYS_brk, top + 40 * P) == top + 40 * P)
        return 0;
    errno = ENOMEM;
    return -1;
}

static long lock_all(void)
{
    return mlock(B, 64 * P);
}

static long lock_middle(void)
{
    return mlock(A + 30 * P, 9 * P);
}

static long lock_future(void)
{
    return mlockall(MCL_CURRENT);
}

static long sync_it(void)
{
    return msync(A, window * P, MS_SYNC);
}

static long core(void)
{
    static unsigned char out[4096];

    return mincore(A, window * P, out);
}

static long seal_it(void)
{
    return syscall(462, A + 5 * P, 10 * P, 0);
}

TEST(I109, "brk, mlock, mlockall, msync, mincore, mseal")
{
    SWEEP(.setup = break_is, .call = grow_break, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = lock_all, .errors = {ENOMEM, EAGAIN}, .undo = NULL);
    SWEEP(.setup = scene, .call = lock_middle, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = scene, .call = lock_future, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = scene, .call = sync_it, .errors = {ENOMEM});
    SWEEP(.setup = scene, .call = core, .errors = {EAGAIN, ENOMEM});
    SWEEP(.setup = scene, .call = seal_it, .errors = {ENOMEM});
}

static struct iovec here, there;

static void other_memory(void)
{
    scene();
    here = (struct iovec){B, 32 * P};
    there = (struct iovec){A, 32 * P};
}

static long read_other(void)
{
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 32 * (long)P ? 0 : -1;
}

static long write_other(void)
{
    return process_vm_writev(getpid(), &there, 1, &here, 1, 0) == 32 * (long)P ? 0 : -1;
}

static long attach_id = -1;

static void segment(void)
{
    attach_id = shmget(IPC_PRIVATE, 20 * P, IPC_CREAT | 0600);
    OK(attach_id);
}

static long attach(void)
{
    return (long)shmat((int)attach_id, NULL, 0);
}

static void no_segment(void)
{
    shmctl((int)attach_id, IPC_RMID, NULL);
}

static long get_segment(void)
{
    attach_id = shmget(IPC_PRIVATE, 20 * P, IPC_CREAT | 0600);
    return attach_id;
}

TEST(I110, "process_vm_readv, process_vm_writev, System V memory")
{
    SWEEP(.setup = other_memory, .call = read_other, .errors = {ENOMEM, EFAULT},
          .once = true);
    SWEEP(.setup = other_memory, .call = write_other, .errors = {ENOMEM, EFAULT},
          .once = true);
    SWEEP(.call = get_segment, .undo = no_segment, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = segment, .call = attach, .undo = no_segment, .errors = {ENOMEM});
}

static long touch_private(void)
{
    *(volatile unsigned char *)(B + 40 * P) = 1;
    return 0;
}

static long touch_hole(void)
{
    *(volatile unsigned char *)(A + 40 * P) = 1;
    return 0;
}

TEST(I111, "page faults")
{
    SWEEP(.setup = scene, .call = touch_private, .by_fault = true);
    SWEEP(.setup = sparse, .call = touch_hole, .by_fault = true);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
