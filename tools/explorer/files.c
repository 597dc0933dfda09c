/* SPDX-License-Identifier: MIT
 *
 * The lines of a script about files: objects of the memory manager with a name.
 */
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/vm/object.h"
#include "tools/explorer/explorer.h"

struct ex_file ex_files[EX_FILES];

#define WORD_BASE 100u /* page i of a new file begins with this + i */

static int fill_file(struct vm_object *o, u64 npages)
{
    for (u64 i = 0; i < npages; i++) {
        struct page *pg;
        int err = object_get_page(o, i, &pg);

        if (err)
            return err;
        *(u32 *)page_to_virt(pg) = WORD_BASE + (u32)i;
        page_put(pg);
    }
    return 0;
}

bool ex_run_file(struct mm *mm, struct ex_words *w)
{
    const char *name = ex_word(w);
    struct ex_file *f = NULL;
    struct vm_object *o;
    u64 npages;

    (void)mm;
    if (!name || strlen(name) >= EX_LABEL || !ex_number(w, &npages))
        return false;
    for (u32 i = EX_FILES; i-- > 0;)
        if (!ex_files[i].object)
            f = &ex_files[i];
    if (!f || ex_find_file(name)) {
        ex_say("no room for a file of this name");
        return true;
    }
    o = npages <= OBJECT_MAX_PAGES ? object_create(npages * PAGE_SIZE) : NULL;
    if (!o || (!ex_take(w, "empty") && fill_file(o, npages) != 0)) {
        if (o)
            object_put(o);
        ex_say_error(-ENOMEM);
        return true;
    }
    str_copy(f->name, name, sizeof(f->name));
    f->object = o;
    ex_say_error(0);
    return true;
}

struct vm_object *ex_take_file(struct ex_words *w)
{
    struct ex_file *f = w->next < w->n ? ex_find_file(w->word[w->next]) : NULL;

    w->next += f != NULL;
    return f ? f->object : NULL;
}

bool ex_run_punch(struct mm *mm, struct ex_words *w)
{
    struct vm_object *o = ex_take_file(w);
    u64 first, n;

    (void)mm;
    if (!o || !ex_number(w, &first) || !ex_number(w, &n))
        return false;
    object_punch(o, first * PAGE_SIZE, MIN((first + n) * PAGE_SIZE, o->size));
    ex_say_error(0);
    return true;
}

bool ex_run_allocate(struct mm *mm, struct ex_words *w)
{
    struct vm_object *o = ex_take_file(w);
    u64 first, n;

    (void)mm;
    if (!o || !ex_number(w, &first) || !ex_number(w, &n))
        return false;
    ex_say_error(object_allocate(o, first * PAGE_SIZE, (first + n) * PAGE_SIZE));
    return true;
}

bool ex_run_truncate(struct mm *mm, struct ex_words *w)
{
    struct vm_object *o = ex_take_file(w);
    u64 n;

    (void)mm;
    if (!o || !ex_number(w, &n))
        return false;
    ex_say_error(object_truncate(o, n * PAGE_SIZE));
    return true;
}
