/* SPDX-License-Identifier: MIT
 *
 * What the parts of the UEFI loader share: the firmware's tables, the screen and keys, files,
 * memory, the framebuffer. One thread, boot services alive until memory_leave().
 * Facts: UEFI Specification 2.10; its calls by section in the files.
 */
#pragma once

#include <efi.h>

#include "arch/x86_64/boot/handover.h"
#include "arch/x86_64/boot/uefi/config.h"
#include "lib/types.h"

#define BELOW_4G 0xffffffffull

/* Set once by main.c. */
extern EFI_HANDLE loader_image;
extern EFI_SYSTEM_TABLE *loader_table;
#define BOOT (loader_table->BootServices)

/* A whole file of at most `max` bytes in pages of its own (pages_free). That it is not there
 * is told only when it is required. */
struct file {
    const char *path;
    u64 address, size;
};
enum file_need { FILE_OPTIONAL, FILE_REQUIRED };
