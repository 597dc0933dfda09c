/* SPDX-License-Identifier: MIT
 *
 * The kernel's log: what programs can put in it, how much of it, and how it is read. It is
 * the machine's, so on Linux nothing is done.
 */
#include "tests/user/t.h"
#include <sys/klog.h>
#include <sys/prctl.h>

enum { READ_ALL = 3, OFF = 6, ON = 7, LEVEL = 8, SIZE_BUFFER = 10 };

static char text[1 << 18];

static void only_here(void)
{
    if (!t_tessera)
        SKIP("the log of a Linux machine is left alone");
}

/* All of the log; the number of bytes. */
static int read_log(void)
{
    int n = klogctl(READ_ALL, text, sizeof(text) - 1);
    OK(n);
    text[n] = 0;
    return n;
}

static int count(const char *what)
{
    int found = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        found++;
    return found;
}

TEST(bytes, "a name with control bytes stays one printable line")
{
    only_here();
    prctl(PR_SET_NAME, "a\033[2J\n<0>[ b\377");
    syscall(511);
    int n = read_log();
    for (int i = 0; i < n; i++)
        CHECK(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
    CHECK(count("a\\x1b[2J\\x0a<0>[ b\\xff[") <= 1);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        CHECK(line[0] == '<' && strchr(line, '[') && strchr(line, ']'));
}

TEST(flood, "unknown calls of a thousand programs are a few lines")
{
    only_here();
    read_log();
    int before = count("is not implemented");
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "flood%d", i);
        prctl(PR_SET_NAME, name);
        ERR(syscall(500), ENOSYS);
        ERR(syscall(500), ENOSYS);
    }
    read_log();
    int lines = count("is not implemented") - before;
    if (lines > 20)
        FAIL("%d lines", lines);
}

TEST(kmsg, "/dev/kmsg: a line each read, priorities, positions")
{
    only_here();
    int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK);
    OK(fd);
    EQ(lseek(fd, 0, SEEK_END), 0);
    ERR(read(fd, text, 1000), EAGAIN);
    EQ(write(fd, "<5>one", 6), 6);
    EQ(write(fd, "two\n", 4), 4);
    ERR(read(fd, text, 10), EINVAL);
    int n = (int)read(fd, text, 1000), priority, end = 0;
    unsigned long number, later, us;
    OK(n);
    text[n] = 0;
    EQ(sscanf(text, "%d,%lu,%lu,-;one\n%n", &priority, &number, &us, &end), 3);
    EQ(end, n);
    EQ(priority, 8 + 5);
    n = (int)read(fd, text, 1000);
    OK(n);
    text[n] = 0;
    EQ(sscanf(text, "%d,%lu,%lu,-;two\n", &priority, &later, &us), 3);
    EQ(priority, 8 + 4);
    CHECK(later > number);
    ERR(read(fd, text, 1000), EAGAIN);
    ERR(lseek(fd, 1, SEEK_SET), ESPIPE);
    EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK(read(fd, text, 1000) > 0);
    ERR(read(fd, (void *)8, 1000), EFAULT);
}

TEST(levels, "syslog and /proc/sys/kernel/printk speak of one level")
{
    only_here();
    unsigned before, now;
    FILE *f = fopen("/proc/sys/kernel/printk", "r+");
    CHECK(f);
    EQ(fscanf(f, "%u", &before), 1);
    EQ(klogctl(LEVEL, NULL, 3), 0);
    rewind(f);
    EQ(fscanf(f, "%u", &now), 1);
    EQ(now, 3);
    EQ(klogctl(OFF, NULL, 0), 0);
    EQ(klogctl(ON, NULL, 0), 0);
    rewind(f);
    EQ(fscanf(f, "%u", &now), 1);
    EQ(now, 3);
    ERR(klogctl(LEVEL, NULL, 0), EINVAL);
    ERR(klogctl(LEVEL, NULL, 9), EINVAL);
    ERR(klogctl(11, NULL, 0), EINVAL);
    ERR(klogctl(READ_ALL, NULL, 10), EINVAL);
    ERR(klogctl(READ_ALL, text, -1), EINVAL);
    EQ(klogctl(READ_ALL, text, 0), 0);
    CHECK(klogctl(SIZE_BUFFER, NULL, 0) >= 65536);
    rewind(f);
    fprintf(f, "%u\n", before);
    fclose(f);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}

/* What somebody without rights gets: of syslog, and when /dev/kmsg is opened. */
static void expect_of_others(bool restricted)
{
    pid_t pid = t_fork();
    if (pid == 0) {
        OK(setuid(65534));
        if (restricted) {
            ERR(klogctl(READ_ALL, text, 100), EPERM);
            ERR(klogctl(SIZE_BUFFER, NULL, 0), EPERM);
            ERR(open("/dev/kmsg", O_RDONLY), EPERM);
        } else {
            OK(klogctl(READ_ALL, text, 100));
            OK(klogctl(SIZE_BUFFER, NULL, 0));
            OK(open("/dev/kmsg", O_RDONLY));
        }
        ERR(klogctl(LEVEL, NULL, 3), EPERM);
        _exit(0);
    }
    int status;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

static void restrict_log(const char *value)
{
    int fd = open("/proc/sys/kernel/dmesg_restrict", O_WRONLY);
    OK(fd);
    EQ(write(fd, value, 1), 1);
    close(fd);
}

TEST(others, "who may read the log when it is restricted, as it is at first")
{
    only_here();
    expect_of_others(true);
    restrict_log("0");
    expect_of_others(false);
    restrict_log("1");
    expect_of_others(true);
}
