/* SPDX-License-Identifier: MIT
 *
 * NUMA on a machine with one node: what a policy is said to be is told again, by thread and by
 * address; all memory is on node 0; the errors of the man pages.
 */
#include "tests/user/t.h"

/* Of linux/mempolicy.h. */
enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, MANY };
#define STATIC    (1 << 15)
#define RELATIVE  (1 << 14)
#define BALANCING (1 << 13)
#define F_NODE    1
#define F_ADDR    2
#define F_ALLOWED 4
#define STRICT    1
#define MOVE      2
#define MOVE_ALL  4
#define SET_HOME  450

/* Only where there is nothing but node 0 the answers are these. */
static void one_node(void)
{
    char line[64] = "";
    FILE *f = fopen("/sys/devices/system/node/possible", "r");

    if (!f || !fgets(line, sizeof(line), f) || strcmp(line, "0\n") != 0)
        SKIP("more nodes than one");
    fclose(f);
}

static long set(int mode, unsigned long nodes)
{
    return syscall(SYS_set_mempolicy, mode, &nodes, 64);
}

static long bind_nodes(void *at, size_t n, int mode, unsigned long nodes, unsigned flags)
{
    return syscall(SYS_mbind, at, n, mode, &nodes, 64, flags);
}

/* The policy of the thread (at NULL) or of memory is `mode` with `nodes`. */
static void told(void *at, int mode, unsigned long nodes)
{
    unsigned long have[2] = {99, 99};
    int m = 99;

    OK(syscall(SYS_get_mempolicy, &m, have, 128, at, at ? F_ADDR : 0));
    EQ(m, mode);
    EQ(have[0], nodes);
    EQ(have[1], 0);
}

static char *some(size_t pages)
{
    char *p =
        mmap(NULL, pages * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

TEST(modes, "each mode and set: what is told of it")
{
    static const struct {
        int mode;
        unsigned long nodes;
        int told; /* -1: EINVAL */
        unsigned long told_nodes;
    } tries[] = {{-1, 1, -1, 0},
                 {DEFAULT, 0, DEFAULT, 0},
                 {DEFAULT, 1, -1, 0},
                 {DEFAULT | STATIC, 0, DEFAULT, 0},
                 {PREFERRED, 0, LOCAL, 0},
                 {PREFERRED, 1, PREFERRED, 1},
                 {PREFERRED, 2, -1, 0},
                 {PREFERRED, 3, PREFERRED, 1},
                 {PREFERRED | STATIC, 0, -1, 0},
                 {PREFERRED | BALANCING, 1, -1, 0},
                 {BIND, 0, -1, 0},
                 {BIND, 1, BIND, 1},
                 {BIND, 2, -1, 0},
                 {BIND, 1ul << 63, -1, 0}, /* not one of 63 bits */
                 {BIND, 1ul << 40, -1, 0},
                 {BIND, 1ul << 40 | 1, BIND, 1},
                 {BIND | BALANCING, 1, BIND | BALANCING, 1},
                 {BIND | STATIC, 3, BIND | STATIC, 3},
                 {BIND | STATIC, 2, -1, 0},
                 {BIND | RELATIVE, 2, BIND | RELATIVE, 2},
                 {BIND | STATIC | RELATIVE, 1, -1, 0},
                 {INTERLEAVE, 3, INTERLEAVE, 1},
                 {LOCAL, 0, LOCAL, 0},
                 {LOCAL, 1, -1, 0},
                 {MANY, 1, MANY, 1},
                 {77, 1, -1, 0}};

    one_node();
    for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
        OK(set(DEFAULT, 0));
        if (tries[i].told < 0) {
            ERR(set(tries[i].mode, tries[i].nodes), EINVAL);
            told(NULL, DEFAULT, 0);
        } else {
            OK(set(tries[i].mode, tries[i].nodes));
            told(NULL, tries[i].told, tries[i].told_nodes);
        }
    }
    ERR(syscall(SYS_set_mempolicy, BIND, 8, 64), EFAULT);
    ERR(syscall(SYS_set_mempolicy, -1, 8, 64), EINVAL);
}

TEST(asking, "get_mempolicy: flags, short sets, the node of a page")
{
    unsigned long nodes = 99;
    char *p = some(2);
    int m = 99;

    one_node();
    ERR(syscall(SYS_get_mempolicy, &m, &nodes, 0, 0, 0), EINVAL);
    OK(syscall(SYS_get_mempolicy, &m, &nodes, 1, 0, 0));
    EQ(nodes, 99); /* no bits */
    ERR(syscall(SYS_get_mempolicy, &m, NULL, 0, 0, 8), EINVAL);
    ERR(syscall(SYS_get_mempolicy, &m, NULL, 0, p, 0), EINVAL);
    ERR(syscall(SYS_get_mempolicy, &m, NULL, 0, 0, F_NODE), EINVAL);
    ERR(syscall(SYS_get_mempolicy, &m, NULL, 0, 8, F_ADDR), EFAULT);
    ERR(syscall(SYS_get_mempolicy, 8, NULL, 0, 0, 0), EFAULT);
    ERR(syscall(SYS_get_mempolicy, NULL, NULL, 0, 0, F_ADDR | F_ALLOWED), EINVAL);
    OK(syscall(SYS_get_mempolicy, NULL, &nodes, 64, 0, F_ALLOWED));
    EQ(nodes, 1);
    OK(syscall(SYS_get_mempolicy, &m, NULL, 0, p, F_ADDR | F_NODE));
    EQ(m, 0);
    OK(set(INTERLEAVE, 1));
    m = 99;
    OK(syscall(SYS_get_mempolicy, &m, NULL, 0, 0, F_NODE));
    EQ(m, 0);
    told(p, DEFAULT, 0); /* the thread's is not the memory's */
}

TEST(memory, "mbind: kept by address, cut and put together again, moved and inherited")
{
    char *p = some(8), *q;

    one_node();
    OK(bind_nodes(p + 2 * P, 2 * P, BIND, 1, 0));
    told(p + P, DEFAULT, 0);
    told(p + 2 * P, BIND, 1);
    told(p + 3 * P, BIND, 1);
    told(p + 4 * P, DEFAULT, 0);
    EQ(t_lines(p + P, 7), 3);
    OK(bind_nodes(p + 4 * P, P, BIND, 1, STRICT | MOVE));
    EQ(t_lines(p + P, 7), 3); /* it joined the other */
    CHILD({
        told(p + 4 * P, BIND, 1);
        OK(bind_nodes(p + 4 * P, P, INTERLEAVE, 1, 0));
    });
    told(p + 4 * P, BIND, 1);
    q = mremap(p + 4 * P, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, some(1));
    CHECK(q != MAP_FAILED);
    told(q, BIND, 1);
    ERR(bind_nodes(p, 8 * P, PREFERRED, 1, 0), EFAULT); /* a hole now */
    told(p, DEFAULT, 0);
    OK(bind_nodes(p, 8 * P, DEFAULT, 0, 0)); /* which this does not mind */
    told(p + 2 * P, DEFAULT, 0);
    OK(munmap(q, P));
    CHECK(mmap(q, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == q);
    told(q, DEFAULT, 0);
}

TEST(arguments, "mbind and set_mempolicy_home_node: what they refuse")
{
    char *p = some(4);

    one_node();
    ERR(bind_nodes(p + 1, P, BIND, 1, 0), EINVAL);
    ERR(bind_nodes(p, -2 * P, BIND, 1, 0), EINVAL);
    ERR(bind_nodes(p, P, BIND, 1, 16), EINVAL);
    ERR(bind_nodes(p, P, BIND, 0, 0), EINVAL);
    ERR(syscall(SYS_mbind, p, P, BIND, 8, 64, 0), EFAULT);
    OK(bind_nodes(p, 0, BIND, 1, 0));
    told(p, DEFAULT, 0);
    if (syscall(SET_HOME, p, P, 0, 0) < 0 && errno == ENOSYS)
        return;
    ERR(syscall(SET_HOME, p, P, 0, 0), ENOENT);
    OK(bind_nodes(p, P, BIND, 1, 0));
    OK(syscall(SET_HOME, p, P, 0, 0));
    ERR(syscall(SET_HOME, p, P, 1, 0), EINVAL);
    ERR(syscall(SET_HOME, p, P, 0, 1), EINVAL);
    ERR(syscall(SET_HOME, p + 1, P, 0, 0), EINVAL);
    OK(bind_nodes(p, P, INTERLEAVE, 1, 0));
    ERR(syscall(SET_HOME, p, P, 0, 0), EOPNOTSUPP);
}

TEST(moving, "move_pages and migrate_pages: where pages are")
{
    char *p = some(4);
    void *pages[4] = {p, p + P, p + 2 * P, (void *)4096};
    int nodes[4] = {0}, status[4] = {77, 77, 77, 77};
    unsigned long zero = 1, both = 3, none = 0;

    one_node();
    p[0] = 1;
    (void)*(volatile char *)(p + 2 * P);
    OK(syscall(SYS_move_pages, 0, 4, pages, NULL, status, 0));
    EQ(status[0], 0);
    EQ(status[1], -ENOENT);
    EQ(status[2], -EFAULT); /* the page of zeros */
    EQ(status[3], -EFAULT);
    OK(syscall(SYS_move_pages, 0, 2, pages, nodes, status, MOVE));
    EQ(status[0], 0);
    nodes[0] = 1;
    ERR(syscall(SYS_move_pages, 0, 2, pages, nodes, status, MOVE), ENODEV);
    ERR(syscall(SYS_move_pages, 0, 2, pages, nodes, status, STRICT), EINVAL);
    ERR(syscall(SYS_move_pages, 0, 1, 8, NULL, status, 0), EFAULT);
    ERR(syscall(SYS_move_pages, 0, 1, pages, NULL, 8, 0), EFAULT);
    ERR(syscall(SYS_move_pages, 99999999, 1, pages, NULL, status, 0), ESRCH);
    OK(syscall(SYS_migrate_pages, 0, 64, &zero, &zero));
    ERR(syscall(SYS_migrate_pages, 0, 64, &zero, &none), EINVAL);
    ERR(syscall(SYS_migrate_pages, 0, 64, 8, &zero), EFAULT);
    ERR(syscall(SYS_migrate_pages, 99999999, 64, &zero, &zero), ESRCH);
    if (geteuid() == 0)
        OK(setresuid(1000, 1000, 1000));
    ERR(syscall(SYS_migrate_pages, 0, 64, &zero, &both), EPERM);
    ERR(syscall(SYS_migrate_pages, 1, 64, &zero, &zero), EPERM);
    ERR(syscall(SYS_move_pages, 0, 1, pages, NULL, status, MOVE_ALL), EPERM);
    ERR(bind_nodes(p, P, BIND, 1, MOVE_ALL), EPERM);
}

/* Whether a file has a line that begins so. */
static bool has_line(const char *path, const char *begin)
{
    char line[512];
    bool found = false;
    FILE *f = fopen(path, "r");

    CHECK(f != NULL);
    while (!found && fgets(line, sizeof(line), f))
        found = strncmp(line, begin, strlen(begin)) == 0;
    fclose(f);
    return found;
}

TEST(inherited, "a thread's policy goes to its child, and numa_maps tells it")
{
    char *p = some(3), begin[64];

    one_node();
    p[P] = 1;
    OK(bind_nodes(p + P, P, BIND | STATIC, 1, 0));
    OK(set(INTERLEAVE, 1));
    CHILD({
        told(NULL, INTERLEAVE, 1);
        snprintf(begin, sizeof(begin), "%08lx bind=static:0 anon=1 ", (long)p + P);
        CHECK(has_line("/proc/self/numa_maps", begin));
        snprintf(begin, sizeof(begin), "%08lx interleave:0", (long)p + 2 * P);
        CHECK(has_line("/proc/self/numa_maps", begin));
    });
}

TEST(node, "/sys/devices/system/node and Mems_allowed_list name node 0")
{
    char text[32];

    one_node();
    CHECK(has_line("/sys/devices/system/node/online", "0\n"));
    CHECK(has_line("/sys/devices/system/node/has_memory", "0\n"));
    CHECK(has_line("/sys/devices/system/node/has_normal_memory", "0\n"));
    CHECK(has_line("/sys/devices/system/node/has_cpu", "0\n"));
    CHECK(has_line("/sys/devices/system/node/node0/distance", "10\n"));
    CHECK(has_line("/sys/devices/system/node/node0/cpulist", "0"));
    CHECK(has_line("/sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:  "));
    CHECK(has_line("/sys/devices/system/node/node0/numastat", "local_node "));
    CHECK(has_line("/sys/devices/system/node/node0/cpu0/topology/physical_package_id",
                   "0\n"));
    CHECK(has_line("/sys/devices/system/cpu/cpu0/node0/cpu0/node0/cpulist", "0"));
    CHECK(readlink("/sys/devices/system/cpu/cpu0/node0", text, sizeof(text)) == 16);
    CHECK(!memcmp(text, "../../node/node0", 16));
    CHECK(has_line("/proc/self/status", "Mems_allowed_list:\t0\n"));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
