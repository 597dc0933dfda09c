/* SPDX-License-Identifier: MIT
 *
 * Lines of a script: `[A|B][@CPU] command words`. A runs on CPU 0, B on CPU 1, unless said
 * otherwise. An address is 0x..., or the name of a mapping, with +N for its page N.
 */
#include "lib/fmt.h"
#include "lib/string.h"
#include "tools/explorer/explorer.h"

char ex_result[512];
struct ex_name ex_names[EX_NAMES];

void ex_say(const char *fmt, ...)
{
    size_t used = strlen(ex_result);
    va_list ap;

    va_start(ap, fmt);
    fmt_vsnprintf(ex_result + used, sizeof(ex_result) - used, fmt, ap);
    va_end(ap);
}

char *ex_word(struct ex_words *w)
{
    return w->next < w->n ? w->word[w->next++] : NULL;
}

bool ex_take(struct ex_words *w, const char *text)
{
    if (w->next == w->n || strcmp(w->word[w->next], text) != 0)
        return false;
    w->next++;
    return true;
}

bool ex_number(struct ex_words *w, u64 *n)
{
    const char *word = w->next < w->n ? w->word[w->next] : NULL;

    if (!word || str_to_u64(word, n) != 0)
        return false;
    w->next++;
    return true;
}

static struct ex_name *find_name(const char *name, size_t len)
{
    for (u32 i = 0; i < EX_NAMES; i++)
        if (strlen(ex_names[i].name) == len && strncmp(ex_names[i].name, name, len) == 0)
            return &ex_names[i];
    return NULL;
}

struct ex_name *ex_set_name(const char *name, vaddr_t va)
{
    struct ex_name *n = find_name(name, strlen(name));

    for (u32 i = 0; i < EX_NAMES && !n; i++)
        if (!ex_names[i].name[0])
            n = &ex_names[i];
    if (n) {
        str_copy(n->name, name, sizeof(n->name));
        n->va = va;
    }
    return n;
}

bool ex_address(struct ex_words *w, vaddr_t *va)
{
    const char *word = w->next < w->n ? w->word[w->next] : NULL;
    const char *plus = word ? strchr(word, '+') : NULL;
    const struct ex_name *n;
    u64 pages = 0;

    if (!word)
        return false;
    if (strncmp(word, "0x", 2) == 0 && ex_number(w, &pages)) {
        *va = pages;
        return true;
    }
    n = find_name(word, plus ? (size_t)(plus - word) : strlen(word));
    if (!n || !word[0] || (plus && str_to_u64(plus + 1, &pages) != 0))
        return false;
    *va = n->va + pages * PAGE_SIZE;
    w->next++;
    return true;
}

struct ex_file *ex_find_file(const char *name)
{
    for (u32 i = 0; i < EX_FILES; i++)
        if (ex_files[i].object && strcmp(ex_files[i].name, name) == 0)
            return &ex_files[i];
    return NULL;
}

static void cut(char *line, struct ex_words *w)
{
    w->n = w->next = 0;
    while (*line && w->n < ARRAY_SIZE(w->word)) {
        while (*line == ' ')
            *line++ = 0;
        if (!*line || *line == '#')
            break;
        w->word[w->n++] = line;
        while (*line && *line != ' ')
            line++;
    }
    *line = 0;
}

/* "A", "B@0", "@1": who runs, and where. */
static void choose(struct ex_words *w, u32 *proc)
{
    const char *word = w->next < w->n ? w->word[w->next] : "";
    bool named = word[0] >= 'A' && word[0] < (char)('A' + EX_PROCS) &&
                 (!word[1] || word[1] == '@');
    const char *at = named ? word + 1 : word;

    *proc = named ? (u32)(word[0] - 'A') : 0;
    ex_cpu = *proc;
    if (*at == '@' && at[1] >= '0' && at[1] < (char)('0' + EX_CPUS) && !at[2])
        ex_cpu = (u32)(at[1] - '0');
    else if (!named)
        return;
    w->next++;
}

bool ex_run(char *line)
{
    static struct ex_words w;
    const char *name;
    u32 proc;

    ex_result[0] = 0;
    cut(line, &w);
    if (w.n == 0)
        return true;
    choose(&w, &proc);
    name = ex_word(&w);
    for (const struct ex_command *c = ex_commands; c->name && name; c++) {
        bool done;

        if (strcmp(c->name, name) != 0)
            continue;
        if (!ex_procs[proc]) {
            ex_say("there is no process %c", 'A' + proc);
            return true;
        }
        done = c->run(ex_procs[proc], &w) && w.next == w.n;
        if (!done && !ex_result[0])
            ex_say("%s", c->help);
        return done;
    }
    ex_say("no such command");
    return false;
}
