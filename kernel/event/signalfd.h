/* SPDX-License-Identifier: MIT
 *
 * Who waits for signals of a process through signalfd(2).
 */
#pragma once

struct sigwait;

/* A signal came. With sig.lock of its process. */
void sigwait_wake(struct sigwait *w);
void sigwait_put(struct sigwait *w); /* NULL: nothing */
