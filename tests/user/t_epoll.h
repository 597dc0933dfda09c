/* SPDX-License-Identifier: MIT
 *
 * What the two suites of epoll share.
 */
#pragma once

#include "tests/user/t.h"
#include <sys/epoll.h>
#include <unistd.h>

static int ep;
static struct epoll_event got[16];

static int add(int e, int fd, unsigned events)
{
    struct epoll_event want = {.events = events, .data.fd = fd};

    return epoll_ctl(e, EPOLL_CTL_ADD, fd, &want);
}

static int mod(int e, int fd, unsigned events)
{
    struct epoll_event want = {.events = events, .data.fd = fd};

    return epoll_ctl(e, EPOLL_CTL_MOD, fd, &want);
}

static int now(int e)
{
    return epoll_wait(e, got, 16, 0);
}

static int new (void)
{
    int e = epoll_create1(EPOLL_CLOEXEC);

    OK(e);
    return e;
}

/* A pipe whose reading end is watched by a new epoll. */
static void watched_pipe(int fds[2], unsigned events)
{
    OK(pipe(fds));
    ep = new ();
    OK(add(ep, fds[0], events));
    EQ(now(ep), 0);
}
