/* SPDX-License-Identifier: MIT
 *
 * Each allocation of opening, reading and writing every file of /proc fails once. Cases: I3xx.
 */
#include "tests/user/t_inject.h"
#include "tests/user/t_loop.h"
#include <dirent.h>

static const char *path;
static int fd;
static char block[65536];

static long open_it(void)
{
    return open(path, O_RDONLY);
}

static void opened(void)
{
    OK(fd = open(path, O_RDONLY));
}

static long read_it(void)
{
    return read(fd, block, sizeof(block)) >= 0 ? 0 : -1;
}

static long list_it(void)
{
    return syscall(SYS_getdents64, fd, block, sizeof(block)) >= 0 ? 0 : -1;
}

static void window(void)
{
    M(F(600), 600);
    t_reverse(600, 0);
}

static void opened_window(void)
{
    window();
    opened();
}

/* Files that can be read at all. */
static bool readable(const char *name)
{
    int f = open(name, O_RDONLY | O_NONBLOCK);
    bool good = f >= 0 && read(f, block, 16) >= 0;

    close(f);
    return good;
}

static void sweep_file(const char *name)
{
    path = name;
    if (!readable(name))
        return;
    SWEEP(.call = open_it, .errors = {ENOMEM});
    SWEEP(.setup = opened_window, .call = read_it, .errors = {ENOMEM});
}

static void sweep_directory(const char *name)
{
    static char names[64][300];
    DIR *d = opendir(name);
    int n = 0;

    CHECK(d);
    for (struct dirent *e; (e = readdir(d)) && n < 64;)
        if (e->d_type == DT_REG)
            snprintf(names[n++], sizeof(names[0]), "%s/%s", name, e->d_name);
    closedir(d);
    CHECK(n > 0);
    for (int i = 0; i < n; i++)
        sweep_file(names[i]);
}

TEST(I301, "files of the system")
{
    sweep_directory("/proc");
}

TEST(I302, "files of a process")
{
    sweep_directory("/proc/self");
}

TEST(I303, "settings")
{
    sweep_directory("/proc/sys/vm");
    sweep_directory("/proc/sys/kernel");
}

TEST(I304, "directories")
{
    static const char *const all[] = {
        "/proc",           "/proc/self", "/proc/self/fd",       "/proc/self/fdinfo",
        "/proc/self/task", "/proc/sys",  "/proc/self/map_files"};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        path = all[i];
        SWEEP(.call = open_it, .errors = {ENOMEM});
        SWEEP(.setup = opened, .call = list_it, .errors = {ENOMEM});
    }
}

/* ---- loop devices ---- */

static int dev, control, backing;
static uint64_t range[2] = {P, 2 * P};

static void loop_there(void)
{
    dev = loop_open(O_RDWR);
    backing = file_of_size("file", 8 * P);
}

static void loop_bound(void)
{
    loop_there();
    OK(ioctl(dev, LOOP_SET_FD, backing));
    EQ(pwrite(dev, "x", 1, 2 * P), 1);
}

static void loop_gone(void)
{
    OK(ioctl(dev, LOOP_CLR_FD));
    close(dev);
}

static long loop_bind(void)
{
    return ioctl(dev, LOOP_SET_FD, backing);
}

static long loop_set(void)
{
    struct loop_config c = {.fd = (uint32_t)backing, .info = {.lo_offset = P}};

    return ioctl(dev, LOOP_CONFIGURE, &c);
}

static long loop_part(void)
{
    struct loop_info64 info = {.lo_offset = P};

    return ioctl(dev, LOOP_SET_STATUS64, &info);
}

static long loop_status(void)
{
    struct loop_info64 info;

    return ioctl(dev, LOOP_GET_STATUS64, &info);
}

static long loop_write(void)
{
    return pwrite(dev, "text", 4, 4 * P) == 4 ? 0 : -1;
}

static long loop_discard(void)
{
    return ioctl(dev, BLKDISCARD, range);
}

static void loop_control(void)
{
    control = control_open();
}

static long loop_more(void)
{
    return ioctl(control, LOOP_CTL_ADD, 40);
}

static void loop_less(void)
{
    EQ(ioctl(control, LOOP_CTL_REMOVE, 40), 0);
}

TEST(I305, "loop devices")
{
    SWEEP(.setup = loop_control, .call = loop_more, .undo = loop_less,
          .errors = {ENOMEM});
    SWEEP(.setup = loop_there, .call = loop_bind, .undo = loop_gone, .errors = {ENOMEM});
    SWEEP(.setup = loop_there, .call = loop_set, .undo = loop_gone, .errors = {ENOMEM});
    SWEEP(.setup = loop_bound, .call = loop_part, .undo = loop_gone, .errors = {ENOMEM});
    SWEEP(.setup = loop_bound, .call = loop_status, .undo = loop_gone,
          .errors = {ENOMEM});
    SWEEP(.setup = loop_bound, .call = loop_write, .undo = loop_gone,
          .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = loop_bound, .call = loop_discard, .undo = loop_gone,
          .errors = {ENOMEM});
    path = "/sys/block/loop0/size";
    SWEEP(.call = open_it, .errors = {ENOMEM});
    path = "/sys/block/loop0";
    SWEEP(.setup = opened, .call = list_it, .errors = {ENOMEM});
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
