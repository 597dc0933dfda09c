/* SPDX-License-Identifier: MIT
 *
 * The arguments of fuzz_families: structures in the arena, by the letters of fuzz_families.h.
 */
#include "tests/user/fuzz_args.h"
#include "user/include/tessera.h"
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ROOM 128 /* of a structure */

__thread uint64_t rng;
unsigned char *arena, *field;
uint64_t field_pages = ARENA_PAGES;
pid_t self, tracee;

static const char *const names[] = {
    "a",   "b", "d/x", ".", "/dev/ptmx", "/proc/self/mem",
    "d/y", "c", "d",   "",  "/dev/tty",  "/proc/self/maps"};

#define PICK(...) \
    ((const uint64_t[]){__VA_ARGS__})[rnd(sizeof((uint64_t[]){__VA_ARGS__}) / 8)]

uint64_t a_number(void)
{
    switch (rnd(6)) {
    case 0:
        return 1UL << rnd(64);
    case 1:
        return (1UL << rnd(64)) - rnd(3);
    case 2:
        return t_random(&rng) >> rnd(64);
    default:
        return rnd(70);
    }
}

static uint64_t a_length(void)
{
    return one_in(30) ? a_number()
                      : PICK(0, 1, 4, 8, 16, 64, 200, P - 8, P, 2 * P, 16 * P);
}

unsigned char *a_place(void)
{
    return arena + rnd(ARENA_PAGES) * P + rnd(P / ROOM) * ROOM;
}

static uint64_t a_memory(void)
{
    uint64_t at = (uint64_t)(uintptr_t)(a_place() + (one_in(8) ? field - arena : 0));
    return one_in(25)
               ? PICK(0, 1, 0xffff800000001000, 0x7ffffffffff8, at + ROOM - 3, ~0UL)
               : at;
}

/* ---- structures ---- */
static uint64_t words(unsigned n, uint64_t (*word)(void))
{
    uint64_t *at = (uint64_t *)(uintptr_t)a_place();
    for (unsigned i = 0; i < n; i++)
        at[i] = word();
    return (uint64_t)(uintptr_t)at;
}

static uint64_t a_time(void)
{
    return one_in(12) ? a_number() : one_in(2) ? 0 : rnd(2000000);
}

static uint64_t a_set(void)
{
    return t_random(&rng) & t_random(&rng) & ~(1UL << (SIGALRM - 1));
}

static uint64_t an_event(void)
{
    return rnd(8) << 28 | rnd(32) | rnd(FDS) << 32;
}

static uint64_t a_poll(void)
{
    return rnd(FDS) | (uint64_t)rnd(32) << 32;
}

static uint64_t a_semaphore_op(void)
{
    return rnd(4) | (uint64_t)(uint16_t)(rnd(5) - 2) << 16 |
           PICK(0, 010000, 04000, 014000) << 32;
}

static uint64_t iovecs(unsigned n)
{
    struct iovec *at = (struct iovec *)(uintptr_t)a_place();
    for (unsigned i = 0; i < n; i++)
        at[i] = (struct iovec){(void *)(uintptr_t)a_memory(), a_length()};
    return (uint64_t)(uintptr_t)at;
}

static void address(unsigned char *at)
{
    struct sockaddr_in in = {
        AF_INET, htons(4000 + rnd(8)), {htonl(INADDR_LOOPBACK)}, {0}};
    struct sockaddr_in6 in6 = {AF_INET6, htons(4000 + rnd(8)), 0, IN6ADDR_LOOPBACK_INIT,
                               0};
    struct sockaddr_un un = {AF_UNIX, "\0n"};
    uint32_t nl[3] = {AF_NETLINK, (uint32_t)rnd(3), (uint32_t)rnd(4)};
    un.sun_path[one_in(2)] = (char)('p' + rnd(4));
    switch (rnd(5)) {
    case 0:
        memcpy(at, &in, sizeof(in));
        break;
    case 1:
        memcpy(at, &in6, sizeof(in6));
        break;
    case 2:
        memcpy(at, nl, sizeof(nl));
        break;
    default:
        memcpy(at, &un, 5);
    }
}

static size_t control(unsigned char *at)
{
    struct cmsghdr *c = (void *)at;
    unsigned n = 1 + (unsigned)rnd(4);
    c->cmsg_level = one_in(20) ? (int)rnd(3) : SOL_SOCKET;
    if (one_in(4)) {
        struct ucred who = {one_in(2) ? self : tracee, getuid(), getgid()};
        c->cmsg_type = SCM_CREDENTIALS;
        c->cmsg_len = CMSG_LEN(sizeof(who));
        memcpy(CMSG_DATA(c), &who, sizeof(who));
        return CMSG_SPACE(sizeof(who));
    }
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof(int));
    for (unsigned i = 0; i < n; i++)
        ((int *)(void *)CMSG_DATA(c))[i] = (int)rnd(FDS);
    if (one_in(16))
        c->cmsg_len = a_number();
    return one_in(16) ? a_length() : CMSG_SPACE(n * sizeof(int));
}

static void message(struct msghdr *m)
{
    unsigned char *name = a_place(), *more = a_place();
    memset(m, 0, sizeof(*m));
    if (one_in(3)) {
        address(name);
        m->msg_name = name;
        m->msg_namelen = (socklen_t)PICK(16, 28, 5, 4, 110, 12);
    }
    m->msg_iovlen = one_in(20) ? (int)a_number() : (int)rnd(3);
    m->msg_iov = (void *)(uintptr_t)iovecs(3);
    if (one_in(2)) {
        m->msg_controllen = (socklen_t)control(more);
        m->msg_control = more;
    }
}

static uint64_t messages(unsigned n)
{
    unsigned char *at = a_place();
    for (unsigned i = 0; i < n; i++)
        message((struct msghdr *)(void *)(at + i * 64));
    return (uint64_t)(uintptr_t)at;
}

/* A request to netlink where a message is meant. */
static uint64_t bytes(void)
{
    unsigned char *at = a_place();
    uint32_t n[4] = {
        (uint32_t)PICK(16, 17, 32, 36, 20, 0, 15, 1000),
        (uint32_t)(PICK(18, 22, 26, 16, 19, 20, 3) | 1 << 16 | rnd(0x400) << 16),
        (uint32_t)rnd(9), 0};
    if (one_in(3))
        memcpy(at, n, sizeof(n));
    else if (one_in(3))
        for (int i = 0; i < ROOM; i++)
            at[i] = (unsigned char)t_random(&rng);
    return a_memory() ? (uint64_t)(uintptr_t)at : 0;
}

static uint64_t sigevent(void)
{
    struct sigevent v = {.sigev_notify = (int)rnd(5),
                         .sigev_signo = (int)PICK(0, 17, 28, 40, 65)};
    unsigned char *at = a_place();
    memcpy(at, &v, 24);
    return one_in(8) ? 0 : (uint64_t)(uintptr_t)at;
}

static uint64_t vector(void)
{
    struct remap_vec *v = (void *)(uintptr_t)a_place();
    for (unsigned i = 0; i < 8; i++)
        v[i] = (struct remap_vec){(uint64_t)(uintptr_t)(field + rnd(field_pages) * P),
                                  rnd(field_pages), (uint32_t)PICK(1, 1, 2, 16, 512),
                                  one_in(50)};
    return (uint64_t)(uintptr_t)v;
}

/* ---- one argument ---- */
static uint64_t descriptor(unsigned from, unsigned n)
{
    return one_in(10) ? rnd(FDS + 30) : one_in(80) ? a_number() : from + rnd(n);
}

static uint64_t ioctl_number(void)
{
    return one_in(12)  ? a_number()
           : one_in(5) ? 0x8900 + rnd(0x60)
           : one_in(4)
               ? PICK(TIOCGPTN, TIOCSPTLCK, TIOCGPTLCK, 0x5441, TIOCGPKT, 0x80045432)
               : 0x5400 + rnd(0x68);
}

static uint64_t ptrace_request(void)
{
    return one_in(3) ? 0x4200 + rnd(20)
                     : PICK(1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14, 15, 16, 17, 24, 31);
}

uint64_t argument(char kind, uint64_t nr)
{
    switch (kind) {
    case '0':
        return 0;
    case '1':
        return 1;
    case 'e':
        return 8;
    case 'n':
        return one_in(15) ? a_number() : rnd(8);
    case 'N':
        return a_number();
    case 'b':
        return one_in(3) ? 0 : 1UL << rnd(33) | (one_in(2) ? 1UL << rnd(24) : 0);
    case 'm': /* MSG_DONTWAIT, mostly; MAP_SHARED or PRIVATE, ANONYMOUS, FIXED */
        return nr == SYS_mmap ? 0x10 + PICK(1, 2, 0x21, 0x22)
               : rnd(8)       ? 0x40 | rnd(2) << 1
                              : rnd(0x200);
    case 'H':
        return MAP_HUGETLB | PICK(0x21, 0x22, 1);
    case 'k':
        return 0600 | (one_in(2) ? 01000 : 0) | (one_in(8) ? 04000 : 0);
    case 'l':
        return a_length();
    case 'c':
        return one_in(8) ? a_number() : rnd(12);
    case 'd':
        return one_in(8) ? a_number() : rnd(50);
    case 'g':
        return PICK(0, 17, 28, 23, 18, 40, 64, 65, 20, 10);
    case 'f':
        return descriptor(3, FDS - 3);
    case 's':
        return descriptor(3, 12);
    case 'z':
        return descriptor(15, 4);
    case 'u':
        return descriptor(19, 4);
    case 't':
        return descriptor(23, 4);
    case 'h':
        return descriptor(27, 2);
    case 'q':
        return PICK(0, (uint64_t)self, (uint64_t)tracee, (uint64_t)tracee,
                    (uint64_t)gettid(), 90000000);
    case 'j':
        return one_in(10) ? a_number() : PICK(0, 1, 2, 32768, 32769);
    case 'a': /* of a tracee */
        return one_in(2) ? rnd(120) * 8 : a_number();
    case 'r':
        return ptrace_request();
    case 'D':
        return ioctl_number();
    case 'F':
        return one_in(2) ? rnd(17) : 1024 + rnd(18);
    case 'p':
        return (uint64_t)(uintptr_t)(field + rnd(one_in(2) ? field_pages : 32) * P);
    case 'L':
        return one_in(40) ? a_number() : PICK(1, 1, 2, 3, 8, 16, 64, 512, 513, 1024) * P;
    case 'X':
        return one_in(3) ? rnd(8) : 3;
    case 'K':
        return PICK(4, 4, 8, 9, 9, 14, 16, 20, 21, 22, 23, rnd(105));
    case 'W':
        return one_in(20) ? descriptor(3, FDS - 3) : 47;
    case 'R':
        return vector();
    case 'Q':
        return one_in(2) ? (uint64_t)self : (uint64_t)tracee;
    case 'o':
        return one_in(15) ? a_memory() : (uint64_t)(uintptr_t)names[rnd(12)];
    case 'C':
        return (uint64_t)AT_FDCWD;
    case 'y':
        return (uint64_t)(uintptr_t)(const char *[]){"a", "b", "c", "d/x", "d/y"}[rnd(5)];
    case 'x':
        return (uint64_t)(uintptr_t)(one_in(3)   ? "user.b"
                                     : one_in(9) ? "user."
                                                 : "user.a");
    case 'i':
        return iovecs(4);
    case 'I':
        return iovecs(2);
    case 'A': {
        unsigned char *at = a_place();
        address(at);
        return one_in(15) ? a_memory() : (uint64_t)(uintptr_t)at;
    }
    case 'M':
        return messages(1);
    case 'V':
        return messages(2);
    case 'E':
        return words(2, an_event);
    case 'T':
        return one_in(4) ? 0 : words(4, a_time);
    case 'P':
        return words(8, a_poll);
    case 'B':
        return words(4, a_semaphore_op);
    case 'S':
        return words(1, a_set);
    case 'v':
        return sigevent();
    case 'G':
        return words(16, a_number);
    default:
        return one_in(2) ? bytes() : a_memory();
    }
}
