/* SPDX-License-Identifier: MIT
 *
 * Between fs/mount/mount.c and fs/mount/mount_calls.c.
 */
#pragma once

#include "fs/mount/mount.h"
