/* SPDX-License-Identifier: MIT
 *
 * /proc/sysvipc, and settings of System V objects that are no plain number: limits of semaphores
 * (kernel.sem) and the id that the next object shall have (kernel.*_next_id).
 */
#pragma once

#include "kernel/procfs/procfs.h"

int procfs_show_shm(struct seq *s, s32 pid);
int procfs_show_sem(struct seq *s, s32 pid);
int procfs_show_msg(struct seq *s, s32 pid);

int procfs_get_sem(struct seq *s);
int procfs_set_sem(char *text, size_t n);
int procfs_get_sem_next(struct seq *s);
int procfs_set_sem_next(char *text, size_t n);
int procfs_get_msg_next(struct seq *s);
int procfs_set_msg_next(char *text, size_t n);
int procfs_get_shm_next(struct seq *s);
int procfs_set_shm_next(char *text, size_t n);
int procfs_get_shm_forced(struct seq *s);
int procfs_set_shm_forced(char *text, size_t n);
