/* SPDX-License-Identifier: MIT
 *
 * The way to a server of files outside the machine: one request and its answer at a time.
 */
#pragma once

#include "lib/types.h"

#define SHARE_REQUEST 4096u
#define SHARE_ANSWER  65536u

/* Looks for the device; its name (NUL-terminated, cut) in `tag`. Once; NULL or the two buffers
 * after that: -ENODEV, -ENOMEM. */
int share_open(char *tag, size_t size, u8 **request, const u8 **answer);

/* Sends n bytes of the request. How many bytes the server says the answer has, never more than
 * SHARE_ANSWER; -EIO: it broke its promises or did not answer, now or before: then it is never
 * asked again. May pause. One caller at a time. */
ssize_t share_exchange(size_t n);
