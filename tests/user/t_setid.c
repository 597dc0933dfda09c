/* SPDX-License-Identifier: MIT
 *
 * What an exec gives and takes: set-user-ID programs, what user 0 means, the five sets of
 * capabilities(7), secure bits. The program under test is this one, copied; it reports what
 * it found in itself.
 */
#include "tests/user/t.h"
#include <grp.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define USER       1000
#define CAP_KILL   5
#define CAP_SETUID 7
#define CAP_NICE   23
#define BIT(cap)   (1ull << (cap))

#define NOROOT   0x1
#define NO_FIXUP 0x4

struct words {
    uint32_t effective, permitted, inheritable;
};

static void set_caps(uint64_t e, uint64_t p, uint64_t i)
{
    uint32_t head[2] = {0x20080522u, 0};
    struct words d[2] = {{(uint32_t)e, (uint32_t)p, (uint32_t)i},
                         {(uint32_t)(e >> 32), (uint32_t)(p >> 32), (uint32_t)(i >> 32)}};

    OK(syscall(SYS_capset, head, d));
}

static uint64_t cap_line(const char *key)
{
    struct t_reader r;
    uint64_t value = ~0ull;

    CHECK(t_open(&r, "/proc/self/status"));
    for (char *l; (l = t_line(&r));)
        if (!strncmp(l, key, strlen(key)))
            value = strtoull(l + strlen(key) + 1, NULL, 16);
    return value;
}

struct report {
    uint64_t eff, prm, inh, amb, bnd;
    long uid, euid, egid, secure, pdeath, persona, stack, dumpable, secure_bits;
};

static int helper(int argc, char **argv)
{
    struct report r = {0};
    struct rlimit stack;
    int signo = 0;

    (void)argc;
    (void)argv;
    r.eff = cap_line("CapEff:");
    r.prm = cap_line("CapPrm:");
    r.inh = cap_line("CapInh:");
    r.amb = cap_line("CapAmb:");
    r.bnd = cap_line("CapBnd:");
    r.uid = getuid();
    r.euid = geteuid();
    r.egid = getegid();
    r.secure = (long)getauxval(AT_SECURE);
    prctl(PR_GET_PDEATHSIG, &signo);
    r.pdeath = signo;
    r.persona = personality(0xffffffff);
    getrlimit(RLIMIT_STACK, &stack);
    r.stack = (long)stack.rlim_cur;
    r.dumpable = prctl(PR_GET_DUMPABLE);
    r.secure_bits = prctl(PR_GET_SECUREBITS);
    return write(1, &r, sizeof(r)) == sizeof(r) ? 0 : 1;
}

/* A copy of this program with an owner and a mode. */
static void program(const char *name, uid_t uid, mode_t mode)
{
    char buf[65536];
    int in = open(t_exe, O_RDONLY), out = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t n;

    CHECK(in >= 0 && out >= 0);
    while ((n = read(in, buf, sizeof(buf))) > 0)
        EQ(write(out, buf, (size_t)n), n);
    OK(fchown(out, uid, uid));
    OK(fchmod(out, mode));
    close(in);
    close(out);
}

/* Runs it in a child prepared by `before`. */
static struct report run(const char *name, void (*before)(void))
{
    struct report r;
    int fd[2];

    memset(&r, 0, sizeof(r));
    OK(pipe(fd));
    pid_t pid = t_fork();
    if (pid == 0) {
        before();
        dup2(fd[1], 1);
        execl(name, name, "--helper", (char *)NULL);
        FAIL("exec %s: %s", name, strerror(errno));
    }
    close(fd[1]);
    EQ(read(fd[0], &r, sizeof(r)), (long)sizeof(r));
    close(fd[0]);
    t_join(pid);
    return r;
}

static void to_user(void)
{
    OK(setgroups(0, NULL));
    OK(setgid(USER));
    OK(setuid(USER));
}

static void user_with_tricks(void)
{
    struct rlimit big = {64ul << 20, RLIM_INFINITY};

    to_user();
    OK(prctl(PR_SET_PDEATHSIG, SIGKILL));
    CHECK(personality(ADDR_NO_RANDOMIZE) >= 0);
    OK(setrlimit(RLIMIT_STACK, &big));
}

static void user_no_new_privs(void)
{
    to_user();
    OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

TEST(set_user_id, "a set-user-ID program gets its owner's rights and none of the tricks")
{
    uint64_t all = cap_line("CapBnd:");

    program("suid", 0, 04755);
    program("plain", 0, 0755);
    OK(chmod(".", 0755));
    struct report r = run("suid", user_with_tricks);
    EQ(r.uid, USER);
    EQ(r.euid, 0);
    EQ(r.secure, 1);
    EQ(r.prm, all);
    EQ(r.eff, all);
    EQ(r.pdeath, 0);
    EQ(r.dumpable == 1, 0);
    EQ(r.stack, 8l << 20);
    EQ(r.persona & ADDR_NO_RANDOMIZE, 0);
    r = run("plain", user_with_tricks);
    EQ(r.euid, USER);
    EQ(r.secure, 0);
    EQ(r.prm, 0);
    EQ(r.pdeath, SIGKILL);
    EQ(r.dumpable, 1);
    EQ(r.stack, 64l << 20);
    EQ(r.persona & ADDR_NO_RANDOMIZE, ADDR_NO_RANDOMIZE);
    r = run("suid", user_no_new_privs);
    EQ(r.euid, USER);
    EQ(r.secure, 0);
    EQ(r.prm, 0);
}

static void drop_all(void)
{
    set_caps(0, 0, 0);
}

static void drop_all_for_good(void)
{
    OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    set_caps(0, 0, 0);
}

static void bounded(void)
{
    OK(prctl(PR_CAPBSET_DROP, CAP_KILL));
}

static void no_root(void)
{
    OK(prctl(PR_SET_SECUREBITS, NOROOT));
}

TEST(user0_exec, "exec by user 0: all that the bounding set lets through")
{
    uint64_t all = cap_line("CapBnd:");

    program("p", 0, 0755);
    struct report r = run("p", drop_all);
    EQ(r.prm, all);
    EQ(r.eff, all);
    r = run("p", drop_all_for_good);
    EQ(r.prm, 0);
    EQ(r.eff, 0);
    r = run("p", bounded);
    EQ(r.prm, all & ~BIT(CAP_KILL));
    EQ(r.bnd, all & ~BIT(CAP_KILL));
    r = run("p", no_root);
    EQ(r.prm, 0);
    EQ(r.secure_bits, NOROOT);
}

static void ambient_user(void)
{
    OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    to_user();
    set_caps(0, BIT(CAP_NICE), BIT(CAP_NICE));
    OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NICE, 0, 0));
}

TEST(ambient, "ambient capabilities pass an exec, but not one that changes ids")
{
    program("p", 0, 0755);
    program("s", 1001, 04755);
    OK(chmod(".", 0755));
    struct report r = run("p", ambient_user);
    EQ(r.euid, USER);
    EQ(r.eff, BIT(CAP_NICE));
    EQ(r.prm, BIT(CAP_NICE));
    EQ(r.amb, BIT(CAP_NICE));
    EQ(r.secure, 0);
    EQ(r.secure_bits, 0); /* keeping is for one time */
    r = run("s", ambient_user);
    EQ(r.euid, 1001);
    EQ(r.eff | r.prm | r.amb, 0);
    EQ(r.inh, BIT(CAP_NICE));
    EQ(r.secure, 1);
}

/* The same, and a member of a group. */
static void ambient_member(void)
{
    OK(setgroups(1, (gid_t[]){1001}));
    OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    OK(setgid(USER));
    OK(setuid(USER));
    set_caps(0, BIT(CAP_NICE), BIT(CAP_NICE));
    OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NICE, 0, 0));
}

TEST(set_group_id, "a set-group-ID program: if its group may run it")
{
    program("g", 1001, 02755);
    program("lock", 1001, 02705); /* no right, but the mark of locking */
    OK(chmod(".", 0755));
    struct report r = run("g", user_with_tricks);
    EQ(r.euid, USER);
    EQ(r.egid, 1001);
    EQ(r.secure, 1);
    EQ(r.pdeath, 0);
    EQ(r.persona & ADDR_NO_RANDOMIZE, 0);
    EQ(r.dumpable == 1, 0);
    r = run("lock", user_with_tricks);
    EQ(r.egid, USER);
    EQ(r.secure, 0);
    r = run("g", user_no_new_privs);
    EQ(r.egid, USER);
    EQ(r.secure, 0);
    r = run("g", ambient_user);
    EQ(r.amb, 0);
    r = run("g", ambient_member);
    EQ(r.egid, 1001);
    EQ(r.amb, BIT(CAP_NICE)); /* it was in that group */
    EQ(r.secure, 1);
}

/* Another process has the same working directory, until this one ends. */
static void share_directories(void)
{
    pid_t parent = getpid();

    if (syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            pause();
        _exit(0);
    }
}

static void shares(void)
{
    to_user();
    share_directories();
}

static void shares_ambient(void)
{
    ambient_user();
    share_directories();
}

static void shares_root(void)
{
    set_caps(BIT(CAP_KILL) | BIT(CAP_SETUID), BIT(CAP_KILL) | BIT(CAP_SETUID), 0);
    share_directories();
}

TEST(shared, "who shares directories gains nothing from an exec, and the program is told")
{
    program("suid", 0, 04755);
    program("sgid", 1001, 02755);
    program("p", 0, 0755);
    program("other", 1001, 06755);
    OK(chmod(".", 0755));
    struct report r = run("suid", shares);
    EQ(r.euid, USER);
    EQ(r.eff | r.prm, 0);
    EQ(r.secure, 1);
    r = run("sgid", shares);
    EQ(r.egid, USER);
    EQ(r.secure, 1);
    r = run("p", shares);
    EQ(r.secure, 0);
    r = run("p", shares_ambient);
    EQ(r.amb, BIT(CAP_NICE));
    r = run("suid", shares_ambient);
    EQ(r.euid, USER);
    EQ(r.amb, 0);
    EQ(r.prm, BIT(CAP_NICE)); /* as user 0, but no more than it had */
    EQ(r.eff, BIT(CAP_NICE));
    EQ(r.secure, 1);
    r = run("p", shares_root);
    EQ(r.prm, BIT(CAP_KILL) | BIT(CAP_SETUID));
    EQ(r.eff, BIT(CAP_KILL) | BIT(CAP_SETUID));
    r = run("other", shares_root); /* one may become any user anyway */
    EQ(r.euid, 1001);
    EQ(r.egid, 1001);
    EQ(r.secure, 1);
}

static void effective_root(void)
{
    OK(setresuid(USER, 0, 0));
}

static void effective_user(void)
{
    OK(setresuid(0, USER, USER));
}

static void effective_other(void)
{
    OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    OK(setgid(USER));
    OK(setresuid(USER, 1001, 1001));
    set_caps(0, BIT(CAP_NICE), BIT(CAP_NICE));
    OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NICE, 0, 0));
}

TEST(effective_ids, "a program run by two users at once")
{
    uint64_t all = cap_line("CapBnd:");

    program("p", 0, 0755);
    OK(chmod(".", 0755));
    struct report r = run("p", effective_root);
    EQ(r.uid, USER);
    EQ(r.euid, 0);
    EQ(r.eff, all);
    EQ(r.secure, 1);
    r = run("p", effective_user);
    EQ(r.uid, 0);
    EQ(r.euid, USER);
    EQ(r.prm, all);
    EQ(r.eff, 0);
    EQ(r.secure, 1);
    r = run("p", effective_other);
    EQ(r.euid, 1001);
    EQ(r.amb, BIT(CAP_NICE)); /* no id has changed */
    EQ(r.eff, BIT(CAP_NICE));
    EQ(r.secure, 1);
}

TEST(setuid_effects, "setuid takes capabilities, unless they are kept or the bits say so")
{
    uint64_t all = cap_line("CapPrm:");

    CHILD(to_user(); EQ(cap_line("CapPrm:"), 0); EQ(prctl(PR_GET_DUMPABLE) == 1, 0));
    CHILD(OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)); to_user(); EQ(cap_line("CapPrm:"), all);
          EQ(cap_line("CapEff:"), 0));
    CHILD(OK(prctl(PR_SET_SECUREBITS, NO_FIXUP)); to_user();
          EQ(cap_line("CapEff:"), all));
    CHILD(OK(seteuid(USER)); EQ(cap_line("CapEff:"), 0); EQ(cap_line("CapPrm:"), all);
          OK(seteuid(0)); EQ(cap_line("CapEff:"), all));
    CHILD(OK(prctl(PR_SET_DUMPABLE, 1)); OK(setuid(0)); OK(setgid(0));
          EQ(prctl(PR_GET_DUMPABLE), 1)); /* nothing changed */
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
