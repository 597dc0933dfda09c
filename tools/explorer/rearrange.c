/* SPDX-License-Identifier: MIT
 *
 * The lines of a script that rearrange mappings: remap_file_pages and the calls around it.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "lib/uapi/remap.h"
#include "mm/call/calls.h"
#include "tools/explorer/explorer.h"

bool ex_run_remap(struct mm *mm, struct ex_words *w)
{
    u64 npages, pgoff;
    vaddr_t va;

    if (!ex_address(w, &va) || !ex_number(w, &npages) || !ex_number(w, &pgoff))
        return false;
    ex_say_error(mm_remap(mm, va, npages * PAGE_SIZE, 0, pgoff,
                          ex_take(w, "nonblock") ? MAP_NONBLOCK : 0));
    return true;
}

bool ex_run_remapv(struct mm *mm, struct ex_words *w)
{
    struct remap_vec v[8];
    u32 n = 0, flags = 0;
    u64 npages;

    do {
        vaddr_t va;

        if (n == ARRAY_SIZE(v) || !ex_address(w, &va) || !ex_number(w, &npages) ||
            !ex_number(w, &v[n].pgoff))
            return false;
        v[n].addr = va;
        v[n].npages = (u32)npages;
        v[n++].flags = 0;
    } while (ex_take(w, ","));
    if (ex_take(w, "atomic"))
        flags |= RM_ATOMIC;
    if (ex_take(w, "nopopulate"))
        flags |= RM_NOPOPULATE;
    if (ex_take(w, "check"))
        flags |= RM_CHECK;
    ex_say_error(mm_remapv(mm, v, n, flags));
    return true;
}

bool ex_run_swap(struct mm *mm, struct ex_words *w)
{
    vaddr_t a, b;
    u64 npages;

    if (!ex_address(w, &a) || !ex_address(w, &b) || !ex_number(w, &npages))
        return false;
    ex_say_error(mm_remap_swap(mm, a, b, npages * PAGE_SIZE));
    return true;
}

bool ex_run_rotate(struct mm *mm, struct ex_words *w)
{
    u64 npages, by;
    vaddr_t va;
    bool back;

    if (!ex_address(w, &va) || !ex_number(w, &npages))
        return false;
    back = ex_take(w, "back");
    if (!ex_number(w, &by))
        return false;
    ex_say_error(mm_remap_rotate(mm, va, npages * PAGE_SIZE, back ? -(s64)by : (s64)by));
    return true;
}

bool ex_run_clone(struct mm *mm, struct ex_words *w)
{
    const char *name = ex_word(w);
    vaddr_t va, out = 0;
    u64 npages;
    int err;

    if (!name || !ex_address(w, &va) || !ex_number(w, &npages))
        return false;
    err = mm_remap_clone(mm, va, npages * PAGE_SIZE, PROT_READ | PROT_WRITE, &out);
    if (err) {
        ex_say_error(err);
        return true;
    }
    ex_say("= 0x%lx", (unsigned long)out);
    ex_set_name(name, out);
    return true;
}

bool ex_run_query(struct mm *mm, struct ex_words *w)
{
    u64 npages, words[32];
    vaddr_t va;
    int err;

    if (!ex_address(w, &va) || !ex_number(w, &npages) || npages > ARRAY_SIZE(words))
        return false;
    err = mm_remap_query(mm, va, npages, words);
    if (err) {
        ex_say_error(err);
        return true;
    }
    for (u64 i = 0; i < npages; i++)
        ex_say("%s%llu%s%s", i ? " " : "", (unsigned long long)(words[i] & RMQ_PGOFF),
               words[i] & RMQ_AWAY ? " away" : "",
               words[i] & RMQ_PRESENT ? "" : " (absent)");
    return true;
}
