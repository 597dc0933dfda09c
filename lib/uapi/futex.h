/* SPDX-License-Identifier: MIT
 *
 * Operations of futex(2), Linux x86-64.
 */
#pragma once

#define FUTEX_WAIT        0
#define FUTEX_WAKE        1
#define FUTEX_REQUEUE     3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10

#define FUTEX_PRIVATE_FLAG   0x80u
#define FUTEX_CLOCK_REALTIME 0x100u
#define FUTEX_CMD_MASK       (~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))
