/* SPDX-License-Identifier: MIT
 *
 * The kernel's command line: words separated by blanks, `key=value` or a bare `key`.
 * Words the kernel does not know are there for programs (/proc/cmdline).
 */
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "lib/string.h"

static char text[BOOT_CMDLINE_MAX];
static char
    words[BOOT_CMDLINE_MAX + 1]; /* each word ended by NUL, an empty one ends all */

void cmdline_init(const char *line)
{
    size_t n = 0;

    str_copy(text, line, sizeof(text));
    for (const char *s = text; *s; s++) {
        bool blank = *s == ' ' || *s == '\t' || *s == '\n';

        if (!blank)
            words[n++] = *s;
        else if (n && words[n - 1])
            words[n++] = '\0';
    }
    words[n] = '\0';
    words[MIN(n + 1, sizeof(words) - 1)] = '\0';
}

const char *cmdline_get(const char *key)
{
    size_t len = strlen(key);

    for (const char *word = words; *word; word += strlen(word) + 1) {
        if (strncmp(word, key, len) != 0)
            continue;
        if (word[len] == '=')
            return word + len + 1;
        if (word[len] == '\0')
            return word + len;
    }
    return NULL;
}

const char *cmdline_text(void)
{
    return text;
}
