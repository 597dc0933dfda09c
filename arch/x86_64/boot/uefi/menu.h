/* SPDX-License-Identifier: MIT
 *
 * The menu of the UEFI loader.
 */
#pragma once

#include "arch/x86_64/boot/uefi/loader.h"

struct config;
struct config_entry;

/* menu.c: shows the entries and returns the chosen one, whose command line may have been
 * edited; NULL: back to the firmware. Without a key the default, after the time-out. */
struct config_entry *menu_choose(struct config *c);
