/* SPDX-License-Identifier: MIT
 *
 * epoll(7), eventfd(2), timerfd_create(2), signalfd(2), pidfd_open(2): values of Linux x86-64.
 */
#pragma once

#include "lib/types.h"

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

/* Beside POLLIN and so on. */
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET        (1u << 31)

struct epoll_event {
    u32 events;
    u64 data;
} __attribute__((packed));

#define EFD_SEMAPHORE 1u

#define TFD_TIMER_ABSTIME       1u
#define TFD_TIMER_CANCEL_ON_SET 2u
