/* SPDX-License-Identifier: MIT
 *
 * Faults that a monitor is asked about: waiting for him.
 */
#pragma once

#include "mm/op/fault.h"

struct uffd;
struct uffd_event;
struct uffd_msg;

/* fault_handle() has said FAULT_ASK_* about this access, of user mode or of the kernel: asks the
 * monitor and waits until he, a signal or the end says otherwise. FAULT_OK: it is to be tried again
 * (or the thread is to end); FAULT_BUS: he is not asked. No spinlock held; locks of the call that
 * touches memory may be. */
enum fault_result uffd_wait(struct mm *mm, vaddr_t va, u32 access, bool user);

/* For calls that reach memory without a fault (mm/op/access.h) and did not get at va: whether it was
 * a monitor who was asked then, and they are to try again. */
bool uffd_await(struct mm *mm, vaddr_t va, u32 access);

/* Takes the oldest message nobody has read, of a fault before all events: 1; 0: there is none; -errno
 * of uffd_open(): it stays. */
int uffd_take(struct uffd *u, struct uffd_msg *msg);

/* The teller goes on. u->lock held. */
void uffd_end_event(struct uffd_event *e);

/* Who waits for an address in [start, end) tries again. No spinlock held, interrupts on. */
void uffd_wake(struct uffd *u, vaddr_t start, vaddr_t end);
