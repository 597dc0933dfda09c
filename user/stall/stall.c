/* SPDX-License-Identifier: MIT
 *
 * The longest stretch of kernel code in calls that a program can make long. Meant for a debug
 * kernel, which keeps it in /proc/vmstat, in an emulator where a cycle is an instruction:
 * `make stall`. For each call the stretch in cycles, and the longest time that interrupts were
 * off meanwhile; the last line has the longest of both.
 *
 *   stall [case substring]
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stall.h"

/* What neither may exceed. */
enum { STRETCH_MAX = 1000000, IRQOFF_MAX = 100000 };

static int sparse_fd; /* a file of 7 TiB without pages */
static char *sparse;
char *window;

_Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

char *map(size_t size, int prot, int flags, int fd)
{
    char *p = mmap(NULL, size, prot, flags, fd, 0);

    if (p == MAP_FAILED)
        die("mmap");
    return p;
}

int file(size_t size)
{
    int fd = memfd_create("stall", 0);

    if (fd < 0 || ftruncate(fd, (off_t)size))
        die("memfd");
    return fd;
}

static void make_window(void)
{
    int fd = file(2 * MIB);

    window = map(2 * GIB, PROT_NONE, ANON, -1);
    for (size_t at = 0; at < 2 * GIB; at += 2 * MIB)
        if (mmap(window + at, 2 * MIB, RW, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
            die("window");
    memset(window, 1, 2 * MIB);
}

static void get_random(void)
{
    getrandom(window, 64 * MIB, 0);
}

static void write_random(void)
{
    int fd = open("/dev/urandom", O_WRONLY);

    if (write(fd, window, 32 * MIB) < 0)
        die("urandom");
    close(fd);
}

static void read_zero(void)
{
    int fd = open("/dev/zero", O_RDONLY);

    if (read(fd, window, 256 * MIB) < 0)
        die("zero");
    close(fd);
}

static void mincore_sparse(void)
{
    mincore(sparse, 4096 * GIB, (unsigned char *)window);
}

static void remove_sparse(void)
{
    madvise(sparse, 7168 * GIB, MADV_REMOVE);
}

static void remap_home(void)
{
    remap_file_pages(sparse + P, 7ul << 40, 0, 1, MAP_NONBLOCK);
}

static void remap_away(void)
{
    remap_file_pages(sparse, 4 * GIB, 0, 7, MAP_NONBLOCK);
    remap_file_pages(sparse, 4 * GIB, 0, 0, MAP_NONBLOCK);
}

static void vm_read(void)
{
    struct iovec io = {window, 128 * MIB};

    syscall(SYS_process_vm_readv, getpid(), &io, 1, &io, 1, 0);
}

static void mem_read(void)
{
    int fd = open("/proc/self/mem", O_RDONLY);

    if (pread(fd, window, 64 * MIB, (off_t)(uintptr_t)window) < 0)
        die("mem");
    close(fd);
}

static void pagemap_read(void)
{
    int fd = open("/proc/self/pagemap", O_RDONLY);

    if (pread(fd, window, 16 * MIB, 0) < 0)
        die("pagemap");
    close(fd);
}

static void send_file(void)
{
    int out = open("/dev/null", O_WRONLY);

    sendfile(out, sparse_fd, &(off_t){0}, 64 * MIB);
    close(out);
}

static void populate_and_zap(void)
{
    char *p = map(256 * MIB, RW, ANON | MAP_POPULATE, -1);

    mprotect(p, 256 * MIB, PROT_READ);
    mprotect(p, 256 * MIB, RW);
    if (fork() == 0)
        _exit(0);
    wait(NULL);
    p = mremap(p, 128 * MIB, 128 * MIB + P, MREMAP_MAYMOVE);
    madvise(p, 64 * MIB, MADV_DONTNEED);
    munmap(p, 128 * MIB + P);
}

static void truncate_file(void)
{
    int fd = file(256 * MIB);
    char *p = map(256 * MIB, RW, MAP_SHARED | MAP_POPULATE, fd);

    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 128 * (off_t)MIB) ||
        ftruncate(fd, 0))
        die("truncate");
    munmap(p, 256 * MIB);
    close(fd);
}

static void write_file(void)
{
    int fd = file(0);

    if (write(fd, window, 128 * MIB) < 0 || pread(fd, window, 128 * MIB, 0) < 0)
        die("write");
    close(fd); /* the last reference frees the pages */
}

static const struct {
    const char *name;
    void (*fn)(void);
} cases[] = {
    {"getrandom of 64 MiB", get_random},
    {"write of 32 MiB to /dev/urandom", write_random},
    {"read of 256 MiB from /dev/zero", read_zero},
    {"mincore of 4 TiB", mincore_sparse},
    {"MADV_REMOVE of 7 TiB, sparse", remove_sparse},
    {"remap of 7 TiB to home", remap_home},
    {"remap of 4 GiB away and home", remap_away},
    {"process_vm_readv of 128 MiB", vm_read},
    {"read of 64 MiB from /proc/self/mem", mem_read},
    {"read of 16 MiB from /proc/self/pagemap", pagemap_read},
    {"sendfile of 64 MiB", send_file},
    {"populate, mprotect, fork, mremap, munmap of 256 MiB", populate_and_zap},
    {"punch and truncate of 256 MiB, mapped", truncate_file},
    {"write and read of 128 MiB", write_file},
    {"smaps, mlock, msync, fork, munmap of 60,000 areas", many_areas},
    {"fork, exit, wait of 400 children", many_children},
    {"poll and close of 1,000 files", many_polled},
    {"exit of two processes with all files open", many_open},
    {"wait4 WNOHANG among 2,000 children", wait_nohang},
    {"kill(-1) with 2,000 processes", kill_all},
    {"fork bomb of 10,000 processes, kill, readdir of /proc", fork_bomb},
    {"kill of a group of 2,000 processes", kill_group},
    {"readdir of /proc with 2,000 processes", list_proc},
    {"4,000 timers", many_sleepers},
    {"exit of a process of 6,000 threads", many_threads},
    {"exit of a process with 2,000 children", orphans},
    {"stop and continuation of 6,000 threads", stop_threads},
    {"^Z and ^C to a group of 2,000 processes", terminal_keys},
    {"lines of 4,000 characters, erased, shown, flooded", typed_lines},
    {"300,000 queued signals of four numbers", queued_signals},
    {"30,000 processes in each other end", nested_children},
    {"2,000 zombies go to a subreaper", dead_children},
    {"waits that 2,000 zombies are not meant by", not_meant},
    {"6,000 threads read one pipe: a byte, its end", crowd_reads},
    {"6,000 threads poll one file", crowd_polls},
    {"6,000 threads wait for one child", crowd_waits},
    {"6,000 threads wait for one monitor", crowd_faults},
    {"6,000 threads wait in one epoll", crowd_epoll},
    {"6,000 threads wait for a futex, are moved, woken", crowd_futex},
    {"3,000 threads are moved to a lock, 3,000 inherit theirs", crowd_owned},
    {"what 6,000 threads of a process used", usage_of_many},
    {"end of a thread with 2,000 children that asked to hear", thread_with_children},
    {"4,000 timers of used time, 1,000 threads", used_time},
    {"waits and the end of 6,000 threads that are traced", many_tracees},
    {"4,000 sockets at one port", one_port},
    {"10,000 connections of one listener", one_listener},
    {"20,000 numbers of netlink", netlink_numbers},
    {"20,000 names of sockets with one sum", chosen_names},
    {"20,000 sockets talk to one", many_friends},
    {"a directory of 100,000 names", big_directory},
    {"40,000 attributes of one file", many_attributes},
    {"150,000 directories in each other", deep_directories},
    {"150,000 record locks on one file", many_locks},
    {"2,000 processes wait for one lock", many_lock_waiters},
    {"2,000 mounts on one another, sync", many_mounts},
    {"40 symbolic links of 4,000 characters", link_chain},
    {"execve with 2 to 6 MiB of arguments", big_exec},
    {"4,000 System V segments", many_segments},
    {"3,000 sockets, each in the queue of the one before", socket_chain},
    {"3,000 sockets in a ring of queues", socket_ring},
    {"50,000 open files with a lock of one file", many_flocks},
    {"/proc/locks with 100,000 records", locks_told},
    {"40,000 epolls watch one file, one watches 40,000", many_watches},
    {"layers of 40 epolls", nested_epolls},
    {"descriptor 299,999", last_descriptor},
    {"60,000 timers of a process", posix_timers},
    {"3,000 threads wait on one set of semaphores", semaphore_waiters},
    {"a queue full of empty messages", empty_messages},
    {"vectors of 1,024", many_vectors},
    {"madvise, mlockall, mseal, userfaultfd of 60,000 areas", calls_over_areas},
    {"guards over 4 TiB", wide_guards},
    {"pages far apart in a file of 7 TiB", far_pages},
    {"rotate, swap, query, clone of 4 GiB", own_calls},
    {"8,000 pages at ninety places away", logged_pages},
    {"priorities of 6,000 threads", many_priorities},
    {"/proc/net of 20,000 sockets", sockets_told},
    {"maps of 64,000 areas", maps_of_areas},
    {"core file of 64,000 areas", core_of_areas},
    {"MAP_32BIT among 30,000 areas", low_addresses},
    {"131,072 free single pages are merged", many_single_pages},
    {"smaps and munmap of 1.5 GiB", counted_pages},
    {"fork, exit, truncate of 100,000 lone pages, arranged", lone_pages},
    {"truncate of a page shown at a million places", many_aliases},
    {"munmap of a million places of one page", many_homes},
    {"truncate of a page that 90,000 mappings show", mapped_many_times},
};

enum { STRETCH, CALL, END, IRQOFF, WHERE, FIGURES };

/* What /proc/vmstat says of them. */
static void longest(unsigned long of[FIGURES])
{
    static const char *const names[FIGURES] = {
        "longest_stretch_cycles", "longest_stretch_call", "longest_stretch_end",
        "longest_irqoff_cycles",  "longest_irqoff_where",
    };
    FILE *f = fopen("/proc/vmstat", "r");
    unsigned long value;
    char name[64];

    while (f && fscanf(f, "%63s %lu", name, &value) == 2)
        for (int i = 0; i < FIGURES; i++)
            if (!strcmp(name, names[i]))
                of[i] = value;
    if (f)
        fclose(f);
}

static void forget(void)
{
    int fd = open("/proc/vmstat", O_WRONLY | O_TRUNC);

    if (fd < 0 || write(fd, "0", 1) != 1)
        die("not a debug kernel: /proc/vmstat");
    close(fd);
}

int main(int argc, char **argv)
{
    unsigned long now[FIGURES], worst = 0, worst_off = 0;

    sparse_fd = file((7ul << 40) + GIB);
    sparse = map((7ul << 40) + GIB, RW, MAP_SHARED, sparse_fd);
    make_window();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (argc > 1 && !strstr(cases[i].name, argv[1]))
            continue;
        forget();
        cases[i].fn();
        longest(now);
        printf("%-54s %10lu  in call %lu to %lx;%8lu interrupts off, to %lx\n",
               cases[i].name, now[STRETCH], now[CALL], now[END], now[IRQOFF], now[WHERE]);
        fflush(stdout);
        worst = now[STRETCH] > worst ? now[STRETCH] : worst;
        worst_off = now[IRQOFF] > worst_off ? now[IRQOFF] : worst_off;
    }
    printf("%-54s %10lu  %8lu interrupts off\n", "the longest", worst, worst_off);
    return worst > STRETCH_MAX || worst_off > IRQOFF_MAX;
}
