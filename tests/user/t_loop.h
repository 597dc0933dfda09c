/* SPDX-License-Identifier: MIT
 *
 * Loop devices for the suites of them: one that is free, files to bind, what it is asked.
 */
#pragma once

#include "tests/user/t.h"
#include "user/include/loop.h"
#include <sys/sysmacros.h>

#define SECTOR 512

static int number; /* of the device of this case */
static char node[32];

/* On Linux the devices are those of the machine, which is asked for: T_LOOP=1, and root. */
static inline int control_open(void)
{
    int control;

    if (!t_tessera && (geteuid() != 0 || !getenv("T_LOOP")))
        SKIP("not root, or without T_LOOP");
    control = open("/dev/loop-control", O_RDWR);
    if (control < 0)
        SKIP("/dev/loop-control: %s", strerror(errno));
    return control;
}

/* Opens a device that is not bound. */
static inline int loop_open(int flags)
{
    int control = control_open(), fd;

    number = ioctl(control, LOOP_CTL_GET_FREE);
    close(control);
    if (number < 0)
        SKIP("no loop device: %s", strerror(errno));
    snprintf(node, sizeof(node), "/dev/loop%d", number);
    fd = open(node, flags);
    if (fd < 0)
        SKIP("%s: %s", node, strerror(errno));
    return fd;
}

static inline int file_of_size(const char *name, off_t size)
{
    int fd = t_make(name, "");

    OK(ftruncate(fd, size));
    return fd;
}

static inline uint64_t size_of(int dev)
{
    uint64_t size;

    OK(ioctl(dev, BLKGETSIZE64, &size));
    return size;
}

static inline unsigned flags_of(int dev)
{
    struct loop_info64 info;

    OK(ioctl(dev, LOOP_GET_STATUS64, &info));
    return info.lo_flags;
}

static inline void is_gone(int dev)
{
    struct loop_info64 info;

    ERR(ioctl(dev, LOOP_GET_STATUS64, &info), ENXIO);
}
