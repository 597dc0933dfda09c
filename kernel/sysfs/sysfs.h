/* SPDX-License-Identifier: MIT
 *
 * sysfs, as far as programs ask it what machine this is: see docs/reference/sysfs.md.
 */
#pragma once

void sysfs_init(void); /* registers file system "sysfs" */
