/* SPDX-License-Identifier: MIT
 *
 * The words of HOST_FILE, each with a NUL behind it: the working directory, then directories that
 * may be written. Everything else of the host can be read only; what is written stays in memory.
 * Temporary directories may always be written.
 */
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST_FILE "/etc/tessera/host"
#define TOP       "/host"
#define BESIDE    "/host-beside"

static char words[65536];
static char place[4096];

static int mount_server(const char *at)
{
    mkdir(at, 0755);
    return mount("host", at, "9p", 0, "trans=virtio,version=9p2000.L");
}

/* Shows what lies at `from` at TOP/to. */
static int show(const char *from, const char *to)
{
    snprintf(place, sizeof(place), TOP "%s", to);
    return mount(from, place, NULL, MS_BIND, NULL);
}

/* The same directory of a mount of its own: what may be written lies on another device than what
 * may not, so a file's device leads to its mount. */
static int show_own(const char *dir)
{
    static char from[sizeof(place)];
    int err = mount_server(BESIDE);

    if (err)
        return err;
    snprintf(from, sizeof(from), BESIDE "%s", dir);
    err = show(from, dir);
    umount2(BESIDE, MNT_DETACH);
    return err;
}

static int mount_below(ssize_t n)
{
    static const char *const ours[] = {"/dev", "/dev/shm", "/dev/pts", "/proc", "/sys"};
    static const char *const temporary[] = {"/tmp", "/var/tmp", "/run"};

    snprintf(place, sizeof(place), TOP);
    if (mount_server(TOP) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(temporary) / sizeof(*temporary); i++)
        if (show_own(temporary[i]) != 0 && errno != ENOENT)
            return -1;
    for (const char *w = words + strlen(words) + 1; w < words + n; w += strlen(w) + 1)
        if (show_own(w) != 0)
            return -1;
    if (mount(NULL, TOP, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        if (show(ours[i], ours[i]) != 0 && errno != ENOENT)
            return -1;
    return 0;
}

int host_enter(const char **what)
{
    int fd = open(HOST_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return 0;
    n = read(fd, words, sizeof(words) - 1);
    close(fd);
    *what = place;
    if (n <= 0 || mount_below(n) != 0)
        return -1;
    *what = words;
    return chroot(TOP) == 0 && chdir(words) == 0 ? 0 : -1;
}
