/* SPDX-License-Identifier: MIT
 *
 * Each allocation of calls on extended attributes, /proc/PID/map_files, AF_NETLINK, debug
 * registers and kcmp fails once. Cases: I5xx.
 */
#include "tests/user/t_inject.h"
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <sys/xattr.h>

static int fd;
static char block[8192] __attribute__((aligned(4096)));

/* ---- extended attributes ---- */

static void file_there(void)
{
    OK(fd = open("file", O_CREAT | O_RDWR, 0600));
}

static void attribute_there(void)
{
    file_there();
    OK(fsetxattr(fd, "user.old", block, 500, 0));
}

static long set_one(void)
{
    return fsetxattr(fd, "user.new", block, 3000, 0);
}

static long replace_one(void)
{
    return fsetxattr(fd, "user.old", block, 1000, XATTR_REPLACE);
}

static long set_by_path(void)
{
    return setxattr("file", "user.new", block, 10, XATTR_CREATE);
}

static long get_one(void)
{
    return fgetxattr(fd, "user.old", block, sizeof(block)) < 0 ? -1 : 0;
}

static long list_all(void)
{
    return flistxattr(fd, block, sizeof(block)) < 0 ? -1 : 0;
}

static long remove_one(void)
{
    return fremovexattr(fd, "user.old");
}

static void no_file(void)
{
    close(fd);
    unlink("file");
}

TEST(I501, "extended attributes")
{
    static const struct sweep calls[] = {
        {.setup = file_there, .call = set_one},
        {.setup = attribute_there, .call = replace_one},
        {.setup = file_there, .call = set_by_path},
        {.setup = attribute_there, .call = get_one},
        {.setup = attribute_there, .call = list_all},
        {.setup = attribute_there, .call = remove_one},
    };

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        SWEEP(.setup = calls[i].setup, .call = calls[i].call, .undo = no_file,
              .errors = {ENOMEM, ENOSPC});
}

/* ---- map_files ---- */

static char name[64];

static void mapping_there(void)
{
    M(F(4), 4);
    snprintf(name, sizeof(name), "/proc/self/map_files/%lx-%lx", (unsigned long)A,
             (unsigned long)A + 4 * P);
}

static long follow(void)
{
    return readlink(name, block, sizeof(block)) < 0 ? -1 : 0;
}

static long open_mapping(void)
{
    return syscall(SYS_openat, AT_FDCWD, name, O_RDONLY, 0);
}

static void directory_there(void)
{
    mapping_there();
    OK(fd = open("/proc/self/map_files", O_RDONLY));
}

static long list_them(void)
{
    return syscall(SYS_getdents64, fd, block, sizeof(block)) < 0 ? -1 : 0;
}

TEST(I502, "links to mapped files")
{
    SWEEP(.setup = mapping_there, .call = follow, .errors = {ENOMEM});
    SWEEP(.setup = mapping_there, .call = open_mapping, .errors = {ENOMEM, ENFILE});
    SWEEP(.setup = directory_there, .call = list_them, .errors = {ENOMEM});
}

/* ---- netlink ---- */

static struct {
    unsigned len;
    unsigned short type, flags;
    unsigned seq, port;
    unsigned char family, pad[3];
} all_links = {20, 18, 0x301, 7, 0, 0, {0}};

static long make_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static void netlink_there(void)
{
    OK(fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0));
}

static long ask(void)
{
    return send(fd, &all_links, sizeof(all_links), 0) < 0 ? -1 : 0;
}

/* An answer that found no memory is told as lost. */
static void hear(void)
{
    while (recv(fd, block, sizeof(block), 0) > 0 || errno == ENOBUFS)
        ;
    EQ(errno, EAGAIN);
}

TEST(I503, "questions about interfaces")
{
    SWEEP(.call = make_netlink, .errors = {ENOMEM, ENFILE, ENOBUFS});
    for (unsigned short type = 18; type <= 30; type += 4) { /* links ... neighbours */
        all_links.type = type;
        SWEEP(.setup = netlink_there, .call = ask, .undo = hear, .errors = {ENOBUFS});
    }
}

/* ---- debug registers ---- */

static pid_t child;

static void stopped_child(void)
{
    child = t_fork();
    if (!child) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    int status;
    EQ(waitpid(child, &status, 0), child);
}

static long set_address(void)
{
    return syscall(SYS_ptrace, PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg),
                   block);
}

static long get_control(void)
{
    return syscall(SYS_ptrace, PTRACE_PEEKUSER, child,
                   offsetof(struct user, u_debugreg) + 7 * 8, block);
}

static void no_child(void)
{
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

TEST(I504, "debug registers")
{
    SWEEP(.setup = stopped_child, .call = set_address, .undo = no_child,
          .errors = {ENOMEM});
    SWEEP(.setup = stopped_child, .call = get_control, .undo = no_child,
          .errors = {ENOMEM});
}

/* ---- kcmp ---- */

enum { KCMP_FILE_, KCMP_VM_, KCMP_FILES_ };

static long compare_files(void)
{
    return syscall(SYS_kcmp, child, getpid(), KCMP_FILE_, 0, 0);
}

static long compare_memory(void)
{
    return syscall(SYS_kcmp, child, getpid(), KCMP_VM_, 0, 0) > 0 ? 0 : -1;
}

static long compare_tables(void)
{
    return syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILES_, 0, 0);
}

TEST(I506, "kcmp")
{
    SWEEP(.setup = stopped_child, .call = compare_files, .undo = no_child);
    SWEEP(.setup = stopped_child, .call = compare_memory, .undo = no_child);
    SWEEP(.call = compare_tables);
}

/* ---- policies of memory ---- */

static unsigned char *memory;

static void memory_there(void)
{
    memory = t_map(NULL, 900, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 0x5a, 900 * P);
    t_region(memory, 900 * P);
}

static long bind_middle(void)
{
    unsigned long node_0 = 1;

    return syscall(SYS_mbind, memory + 100 * P, 600 * P, 2 /* MPOL_BIND */, &node_0, 64,
                   0);
}

static void middle_bound(void)
{
    memory_there();
    OK(bind_middle());
}

static long unbind_part(void)
{
    return syscall(SYS_mbind, memory + 200 * P, 100 * P, 0 /* MPOL_DEFAULT */, NULL, 0,
                   0);
}

static long where_pages_are(void)
{
    static void *at[600];
    static int node[600];

    for (size_t i = 0; i < 600; i++)
        at[i] = memory + i * P;
    return syscall(SYS_move_pages, 0, 600, at, NULL, node, 0);
}

TEST(I507, "policies of memory")
{
    SWEEP(.setup = memory_there, .call = bind_middle, .errors = {ENOMEM});
    SWEEP(.setup = middle_bound, .call = unbind_part, .errors = {ENOMEM});
    SWEEP(.setup = memory_there, .call = where_pages_are, .errors = {ENOMEM});
}

/* ---- handles of files, what is fixed in them ---- */

static struct {
    unsigned bytes;
    int type;
    unsigned char body[128];
} handle;

static void named_there(void)
{
    OK(fd = open("file", O_CREAT | O_RDWR, 0600));
    handle.bytes = 128;
}

static long handle_of_file(void)
{
    int mount;

    return syscall(SYS_name_to_handle_at, AT_FDCWD, "file", &handle, &mount, 0);
}

static void handle_there(void)
{
    named_there();
    OK(handle_of_file());
}

static long open_handle(void)
{
    return syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDWR);
}

static long fix(void)
{
    unsigned append = 0x20;

    return ioctl(fd, 0x40086602 /* FS_IOC_SETFLAGS */, &append);
}

static void loosen(void)
{
    unsigned none = 0;

    OK(ioctl(fd, 0x40086602, &none));
}

TEST(I508, "handles of files, files that only grow")
{
    SWEEP(.setup = named_there, .call = handle_of_file, .errors = {ENOMEM});
    SWEEP(.setup = handle_there, .call = open_handle, .errors = {ENOMEM, ENFILE});
    SWEEP(.setup = named_there, .call = fix, .undo = loosen, .errors = {ENOMEM});
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
