/* SPDX-License-Identifier: MIT
 *
 * Flags of personality(2) that something here looks at; the numbers are Linux's.
 */
#pragma once

#define PER_MASK       0x00ffu /* whose system's programs these are */
#define PER_LINUX32    0x0008u
#define UNAME26        0x0020000u /* uname tells a release of 2.6 */
#define READ_EXECUTES  0x0400000u /* READ_IMPLIES_EXEC */
#define STICKY_TIMEOUT 0x4000000u /* the rest of a time is not written back */
