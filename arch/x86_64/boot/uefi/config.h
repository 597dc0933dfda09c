/* SPDX-License-Identifier: MIT
 *
 * /boot/tessera.cfg, the loader's configuration: lines of `key = value`, `#` begins a comment
 * line. Keys above the first `entry` are for all entries: timeout (seconds of the menu, 0:
 * none), default (number of an entry, from 1), mode (WIDTHxHEIGHT of the screen), kernel,
 * initramfs, cmdline. `entry = NAME` begins an entry, where kernel, initramfs and cmdline
 * replace what stood above; `chain` names another EFI program to start instead of a kernel.
 * Pure text, without firmware: compiles on the host for its tests.
 */
#pragma once

#include "lib/types.h"

#define CONFIG_ENTRIES     16
#define CONFIG_FAULTS      8
#define CONFIG_NAME_MAX    64
#define CONFIG_PATH_MAX    128
#define CONFIG_CMDLINE_MAX 1024
#define CONFIG_TIMEOUT_MAX 3600
#define CONFIG_SCREEN_MAX  16384

struct config_entry {
    char name[CONFIG_NAME_MAX];
    char kernel[CONFIG_PATH_MAX];
    char initramfs[CONFIG_PATH_MAX]; /* "": none */
    char chain[CONFIG_PATH_MAX];     /* "": boot the kernel */
    char cmdline[CONFIG_CMDLINE_MAX];
};

/* A line that could not be understood; it has no effect. */
struct config_fault {
    u32 line; /* from 1 */
    const char *reason;
};

struct config {
    u32 nentries; /* at least 1 */
    u32 chosen;   /* index of the default entry */
    u32 timeout;
    u32 width, height; /* of the wanted screen mode; 0: leave it as it is */
    u32 nfaults;       /* all of them; the first CONFIG_FAULTS are told */
    struct config_fault faults[CONFIG_FAULTS];
    struct config_entry common; /* what entries begin with */
    struct config_entry entries[CONFIG_ENTRIES];
};

/* Reads n bytes of text, any bytes at all. The result can always be booted from: without an
 * entry in the text there is one, with the usual names. */
void config_parse(struct config *c, const char *text, size_t n);

/* EFI load options (UTF-16, nbytes long, usually with a NUL) as a command line. A first word
 * that is the program's name is left out: always when `shell`, else when it ends in ".efi".
 * False, and `out` empty, when they are absent, empty or not plain text: firmware puts bytes
 * of its own there. What does not fit `size` is cut. */
bool config_load_options(const u16 *options, size_t nbytes, bool shell, char *out,
                         size_t size);
