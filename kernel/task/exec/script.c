/* SPDX-License-Identifier: MIT
 *
 * The first line of a script, read as Linux reads it. Pure: no kernel around it.
 */
#include "kernel/task/exec/script.h"
#include "kernel/task/exec/loader.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

/* The blank or NUL at or after p; `end` when there is none before. */
static char *find_break(char *p, const char *end)
{
    while (p < end && *p && !is_blank(*p))
        p++;
    return p;
}

int script_parse(char *line, char **interp, char **arg)
{
    char *last = line + SCRIPT_LINE_MAX - 1, *name = line + 2, *sep;
    char *nul = memchr(line, 0, SCRIPT_LINE_MAX);
    char *end = memchr(line, '\n', nul ? (size_t)(nul - line) : SCRIPT_LINE_MAX);

    if (!end) {
        name = skip_blanks(name, last);
        if (name == last ? *last != 0
                         : find_break(name, last) == last && *last && !is_blank(*last))
            return -ENOEXEC;
        end = last;
    }
    while (end > line + 2 && is_blank(end[-1]))
        end--;
    name = skip_blanks(name, end);
    if (name == end)
        return -ENOEXEC;
    *end = '\0';
    *interp = name;
    *arg = NULL;
    sep = find_break(name, end);
    if (is_blank(*sep)) {
        *sep++ = '\0';
        *arg = skip_blanks(sep, end);
    }
    return 0;
}
