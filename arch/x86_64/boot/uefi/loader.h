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

/* Called by gnu-efi's start code, with the C calling convention. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

/* Set once by main.c. */
extern EFI_HANDLE loader_image;
extern EFI_SYSTEM_TABLE *loader_table;
#define BOOT (loader_table->BootServices)

/* console.c: formatted text (lib/fmt.h) on the firmware's console; '\n' ends a line. */
void say(const char *fmt, ...) printf_like(1, 2);

/* What the firmware calls an error, as text. */
const char *status_text(EFI_STATUS status);

/* A key, or false when none came within that many tenths of a second. */
bool wait_key(u32 tenths, EFI_INPUT_KEY *key);

/* Lets the user edit `text` (size bytes) on the line of the screen where the cursor stands.
 * False: given up, text as before. */
bool edit_line(char *text, size_t size);

/* menu.c: shows the entries and returns the chosen one, whose command line may have been
 * edited; NULL: back to the firmware. Without a key the default, after the time-out. */
struct config_entry *menu_choose(struct config *c);

/* files.c: the volume the loader was started from. Each says on the console what is wrong. */
EFI_STATUS files_open_volume(void);

/* A whole file of at most `max` bytes in pages of its own (pages_free). That it is not there
 * is told only when it is required. */
struct file {
    const char *path;
    u64 address, size;
};
enum file_need { FILE_OPTIONAL, FILE_REQUIRED };
EFI_STATUS files_read(const char *path, enum file_need need, u64 max, struct file *out);

/* Starts another EFI program of the volume; returns when it did. */
EFI_STATUS files_chain(const char *path);

/* memory.c: zeroed pages below 4 GiB, aligned to `align` (a power of two of pages or more). 0:
 * there are none, which has been said, with `what` they were for. */
u64 pages_get(const char *what, EFI_MEMORY_TYPE type, u64 nbytes, u64 align);
void pages_free(u64 address);
/* Gives back everything that pages_get took. */
void pages_free_all(void);

/* Reserves what memory_leave needs. */
EFI_STATUS memory_prepare(void);

/* Ends the boot services and writes the map, with `keep` (nkeep ranges) behind it. After
 * EFI_SUCCESS nothing of the firmware may be called any more. */
EFI_STATUS memory_leave(struct handover *h, const struct handover_range *keep, u32 nkeep);

/* gop.c: picks width x height when the config asks for it; fb->base 0: no framebuffer. */
void screen_set_up(const struct config *c, struct handover_framebuffer *fb);
