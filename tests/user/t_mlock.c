/* SPDX-License-Identifier: MIT
 *
 * mlock and rearranged mappings: spec 3.6, T154 to T159; exact accounting and
 * RLIMIT_MEMLOCK.
 */
#include "tests/user/t.h"
#include <sys/resource.h>

#define locked_kb() t_status("VmLck")

static bool resident(size_t i)
{
    unsigned char vec[1] = {0xff};
    OK(mincore(A + i * P, P, vec));
    return vec[0] & 1;
}

/* The limit binds ordinary users, not root. */
static void limit_memlock(rlim_t bytes)
{
    struct rlimit r = {bytes, bytes};
    OK(setrlimit(RLIMIT_MEMLOCK, &r));
    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        SKIP("cannot become an ordinary user");
}

TESTF(T154, "mlock, then remap")
{
    M(F(8), 8);
    OK(mlock(A, 8 * P));
    EQ(locked_kb(), 32);
    t_reverse(8, 0);
    EQ(locked_kb(), 32);
    for (size_t i = 0; i < 8; i++)
        EQ(resident(i), 1);
    REVERSED(8);
}

TESTF_DIFF(T155, "R10", "mlock at the limit, then remap")
{
    M(F(8), 8);
    limit_memlock(8 * P);
    OK(mlock(A, 8 * P));
    OK(R(0, 1, 5));
    OK(R(0, 8, 0));
    t_reverse(8, 0);
    EQ(locked_kb(), 32);
    REVERSED(8);
}

TESTF(T156, "NONBLOCK on locked pages: resident on return")
{
    int fd = t_file();
    OK(ftruncate(fd, 16 * P));
    M(fd, 8);
    OK(mlock(A, 8 * P));
    OK(RF(0, 8, 8, MAP_NONBLOCK));
    long before = t_minflt();
    for (size_t i = 0; i < 8; i++)
        EQ(resident(i), 1);
    for (size_t i = 0; i < 8; i++)
        EQ(*(volatile uint64_t *)(A + i * P), 0);
    EQ(t_minflt() - before, 0);
}

TESTF(T157, "munlock after remap")
{
    M(F(8), 8);
    OK(mlock(A, 8 * P));
    t_reverse(8, 0);
    OK(munlock(A, 8 * P));
    EQ(locked_kb(), 0);
    if (t_tessera)
        EQ(t_lines(A, 8), 1);
    OK(munlock(A, 8 * P));
    REVERSED(8);
}

TESTF(T157_part, "mlock and munlock of single pages")
{
    M(F(8), 8);
    t_reverse(8, 0);
    for (size_t i = 0; i < 8; i++) {
        OK(mlock(A + i * P + 5, 1));
        OK(mlock(A + i * P, P)); /* counted once */
        EQ(locked_kb(), 4);
        OK(R(i, 1, i));
        EQ(locked_kb(), 4);
        OK(munlock(A + i * P + 5, 1));
        EQ(locked_kb(), 0);
    }
    LINEAR(8);
    if (t_tessera)
        EQ(t_lines(A, 8), 1);
}

TESTF(T158, "mlock of an override past EOF")
{
    M(F(4), 4);
    OK(R(0, 1, 10));
    ERR(mlock(A, 4 * P), ENOMEM);
    OK(munlock(A, 4 * P));
    EQ(locked_kb(), 0);
    BUS_AT(0);
}

TESTF(T159, "mlockall(MCL_CURRENT), then remap")
{
    M(F(8), 8);
    if (mlockall(MCL_CURRENT))
        SKIP("mlockall: %s", strerror(errno));
    long before = locked_kb();
    CHECK(before >= 32);
    t_reverse(8, 0);
    EQ(locked_kb(), before);
    REVERSED(8);
    OK(munlockall());
    EQ(locked_kb(), 0);
}

TEST(mlockall_future, "MCL_FUTURE: what is mapped later is locked and resident")
{
    struct rlimit r;
    OK(getrlimit(RLIMIT_MEMLOCK, &r));
    if (mlockall(MCL_FUTURE))
        SKIP("mlockall: %s", strerror(errno));
    long before = locked_kb();
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EQ(locked_kb(), before + 32);
    long faults = t_minflt();
    for (size_t i = 0; i < 8; i++)
        put(i, i);
    EQ(t_minflt() - faults, 0);
    OK(munmap(A, 8 * P));
    EQ(locked_kb(), before);
    OK(munlockall());
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EQ(locked_kb(), 0);
}

TESTF(R43, "the count of locked pages is exact through every call")
{
    int fd = F(16);
    M(fd, 16);
    OK(mlock(A + 4 * P, 8 * P));
    EQ(locked_kb(), 32);
    OK(R(4, 4, 0));
    OK(munmap(A + 4 * P, 2 * P));
    EQ(locked_kb(), 24);
    OK(mprotect(A + 7 * P, P, PROT_READ));
    EQ(locked_kb(), 24);
    t_map(A + 8 * P, 1, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
          0); /* replaced: not locked */
    EQ(locked_kb(), 20);
    unsigned char *to = mremap(A + 10 * P, 2 * P, 4 * P, MREMAP_MAYMOVE);
    CHECK(to != MAP_FAILED);
    EQ(locked_kb(), 28); /* grown pages of a locked mapping are locked */
    OK(ftruncate(fd, 2 * P));
    EQ(locked_kb(), 28);
    CHILD({ EQ(locked_kb(), 0); }); /* not inherited */
    OK(munmap(to, 4 * P));
    OK(munmap(A, 16 * P));
    EQ(locked_kb(), 0);
}

TESTF(R43_onfault, "mlock2(MLOCK_ONFAULT) and remap")
{
    enum { ONFAULT = 1 };
    int fd = t_file();
    OK(ftruncate(fd, 16 * P));
    M(fd, 8);
    OK(syscall(SYS_mlock2, A, 8 * P, ONFAULT));
    EQ(locked_kb(), 32);
    EQ(resident(0), 0);
    OK(RF(0, 8, 8, MAP_NONBLOCK));
    if (t_tessera) /* Linux makes an area of it that is locked plainly */
        EQ(resident(0), 0);
    put(0, 3);
    EQ(resident(0), 1);
    EQ(t_tag_in_file(fd, 8), 3);
    ERR(syscall(SYS_mlock2, A, 8 * P, 2), EINVAL);
    EQ(locked_kb(), 32);
}

TEST(R27_memlock, "beyond RLIMIT_MEMLOCK: refused, nothing changed")
{
    A = t_map(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    limit_memlock(8 * P);
    ERR(mlock(A, 9 * P), ENOMEM);
    EQ(locked_kb(), 0);
    OK(mlock(A, 8 * P));
    ERR(mlock(A + 8 * P, P), ENOMEM);
    EQ(locked_kb(), 32);
    OK(mlock(A + 4 * P, 4 * P)); /* locked already: nothing more */
    ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
        EAGAIN);
    ERR(mlockall(MCL_CURRENT), ENOMEM);
    EQ(locked_kb(), 32);
    ERR(mremap(A, 8 * P, 32 * P, MREMAP_MAYMOVE), EAGAIN);
    EQ(locked_kb(), 32);
    OK(munlock(A, P));
    EQ(locked_kb(), 28);
    OK(mlock(A + 8 * P, P));
    EQ(locked_kb(), 32);
}

TEST(R27_memlock0, "a limit of nothing is EPERM")
{
    A = t_map(NULL, 1, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    limit_memlock(0);
    ERR(mlock(A, P), EPERM);
    ERR(mlockall(MCL_CURRENT), EPERM);
    ERR(t_raw_mmap(0, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
        EPERM);
    EQ(locked_kb(), 0);
}

TEST(mlock_errors, "mlock over holes, PROT_NONE, wrapping")
{
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(munmap(A + 4 * P, P));
    ERR(mlock(A, 8 * P), ENOMEM);
    EQ(locked_kb(), 16); /* up to the hole */
    OK(munlock(A, 4 * P));
    OK(mprotect(A, P, PROT_NONE));
    ERR(mlock(A, P), ENOMEM);
    OK(munlock(A, P));
    ERR(mlock(A, SIZE_MAX - P), EINVAL);
    OK(mlock(A, 0));
    ERR(mlockall(0), EINVAL);
    ERR(mlockall(8), EINVAL);
    ERR(mlockall(MCL_ONFAULT), EINVAL);
    EQ(locked_kb(), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
