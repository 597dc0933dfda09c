/* SPDX-License-Identifier: MIT
 *
 * The text of mount options.
 */
#pragma once

#include "lib/types.h"

struct root_options;
struct super;

/* Takes the next "key" or "key=value" off *text, in place; value NULL: none given. false at
 * the end. */
bool option_next(char **text, char **key, char **value);
/* A number in this base (8: modes). 0 or -EINVAL. */
int option_number(const char *value, unsigned base, u64 *out);
/* A size in bytes: also in octal or hexadecimal, with k, m, g, t, p, e after it, or a percentage of `whole`. 0 or -EINVAL. */
int option_size(const char *value, u64 whole, u64 *out);

/* 1: taken, 0: not one of these, -EINVAL. */
int root_option(struct root_options *r, const char *key, const char *value);
/* Its root gets them, once. */
void root_options_apply(const struct root_options *r, struct super *s);
/* Those that were given, as /proc/mounts has them. How long the text is. */
int root_options_show(const struct super *s, char *buf, size_t size);
