/* SPDX-License-Identifier: MIT
 *
 * The text of mount options.
 */
#pragma once

#include "lib/types.h"

struct inode;
struct root_options;

/* Takes the next "key" or "key=value" off *text, in place; value NULL: none given. false at
 * the end. */
bool option_next(char **text, char **key, char **value);
/* A number in this base (8: modes). 0 or -EINVAL. */
int option_number(const char *value, unsigned base, u64 *out);
/* A size in bytes: k, m, g after it, or a percentage of `whole`. 0 or -EINVAL. */
int option_size(const char *value, u64 whole, u64 *out);

/* 1: taken, 0: not one of these, -EINVAL. */
int root_option(struct root_options *r, const char *key, const char *value);
void root_options_apply(const struct root_options *r, struct inode *root);
