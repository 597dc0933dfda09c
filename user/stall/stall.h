/* SPDX-License-Identifier: MIT
 *
 * The rows of the stall program: each prepares what it needs, then makes its call.
 */
#pragma once

#include <stddef.h>

#define MIB (1ul << 20)
#define GIB (1ul << 30)
#define P   4096ul

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

/* Two GiB of addresses that show 2 MiB of memory: a buffer that costs nothing. */
extern char *window;

/* Says what failed and ends the program. */
_Noreturn void die(const char *what);
char *map(size_t size, int prot, int flags, int fd);
int file(size_t size); /* in memory, without pages */

/* stall_procs.c */
void start_children(void (*fn)(void)); /* thousands that do this and end */
void end_children(void);
void end_in_reverse(void); /* and leaves them to be waited for */
void many_children(void);
void wait_nohang(void);
void kill_all(void);
void kill_group(void);
void fork_bomb(void);
void list_proc(void);
void many_sleepers(void);
void many_threads(void);
void orphans(void);

/* stall_jobs.c */
void stop_threads(void);
void terminal_keys(void);
void queued_signals(void);
void dead_children(void);
void nested_children(void);
void not_meant(void);
void typed_lines(void);

/* stall_crowds.c */
void crowd_reads(void);
void crowd_polls(void);
void crowd_waits(void);
void crowd_faults(void);
void crowd_epoll(void);
void crowd_futex(void);
void crowd_owned(void);
void thread_with_children(void);
void usage_of_many(void);
void used_time(void);
void many_tracees(void);

/* stall_sockets.c */
void one_port(void);
void one_listener(void);
void netlink_numbers(void);
void chosen_names(void);
void many_friends(void);
void sockets_told(void);

/* stall_files.c */
void many_polled(void);
void many_open(void);
void big_directory(void);
void many_attributes(void);
void deep_directories(void);
void many_locks(void);
void many_lock_waiters(void);
void many_mounts(void);
void link_chain(void);
void big_exec(void);
void many_segments(void);

/* stall_lists.c */
void on_its_own(
    void (*fn)(void)); /* in a process of its own, which may open many files */
void socket_chain(void);
void socket_ring(void);
void many_flocks(void);
void locks_told(void);
void many_watches(void);
void nested_epolls(void);
void last_descriptor(void);
void posix_timers(void);
void semaphore_waiters(void);
void empty_messages(void);
void many_vectors(void);
void many_priorities(void);

/* stall_ranges.c */
void calls_over_areas(void);
void wide_guards(void);
void far_pages(void);
void own_calls(void);
void logged_pages(void);

/* stall_memory.c */
void many_areas(void);
void maps_of_areas(void);
void core_of_areas(void);
void low_addresses(void);
void many_single_pages(void);
void counted_pages(void);
void lone_pages(void);
void many_aliases(void);
void many_homes(void);
void mapped_many_times(void);
