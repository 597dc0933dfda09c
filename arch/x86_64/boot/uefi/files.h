/* SPDX-License-Identifier: MIT
 *
 * Files of the volume the loader came from.
 */
#pragma once

#include "arch/x86_64/boot/uefi/loader.h"

struct file;

/* files.c: the volume the loader was started from. Each says on the console what is wrong. */
EFI_STATUS files_open_volume(void);
EFI_STATUS files_read(const char *path, enum file_need need, u64 max, struct file *out);

/* Starts another EFI program of the volume; returns when it did. */
EFI_STATUS files_chain(const char *path);
