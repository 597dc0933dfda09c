/* SPDX-License-Identifier: MIT
 *
 * Huge pages against a model: every call that rearranges, moves, cuts or copies, beside small
 * pages, with allocations that fail.
 */
#include "lib/string.h"
#include "lib/uapi/remap.h"
#include "mm/op/fork.h"
#include "mm/vm/slot.h"
#include "tests/host/mmtest.h"

#define H HUGE_SIZE
#define N 6u

struct model {
    struct mm *mm;
    struct vm_object *o;
    u32 shown[N]; /* file page of each address; N: small private memory stands there */
    u32 data[N];  /* first word of each file page */
    u32 size;
};

static void model_map(struct model *m, u32 i, u32 n)
{
    t_shared(m->mm, BASE + i * H, n * HUGE_PAGES, m->o, i * HUGE_PAGES);
    for (u32 k = i; k < i + n; k++)
        m->shown[k] = k;
}

static void model_remap(struct model *m, u32 i, u32 n, u32 page)
{
    bool whole = true;
    int err;

    for (u32 k = i; k < i + n; k++)
        whole &= m->shown[k] < N;
    err = mm_remap(m->mm, BASE + i * H, n * H, 0, page * HUGE_PAGES,
                   test_rand() % 2 ? MAP_NONBLOCK : 0);
    CHECK_EQ(err, whole ? 0 : -EINVAL);
    for (u32 k = 0; whole && k < n; k++)
        m->shown[i + k] = page + k;
}

static void model_look(struct model *m, struct mm *mm, u32 i, bool write)
{
    u32 page = m->shown[i], value = (u32)test_rand();
    vaddr_t va = BASE + i * H;

    if (page == N)
        return;
    if (page >= m->size) {
        CHECK_EQ(host_access(mm, va, &value, 4, FAULT_READ), FAULT_BUS);
        return;
    }
    CHECK_EQ(host_read_u32(mm, va), m->data[page]);
    if (write)
        host_write_u32(mm, va, m->data[page] = value);
}

static void model_fork(struct model *m)
{
    struct mm *child;

    CHECK_EQ(mm_fork(m->mm, &child), 0);
    for (u32 i = 0; i < N; i++)
        model_look(m, child, i, test_rand() % 2);
    t_check(child);
    t_end(child);
}

static void model_file(struct model *m, u32 op)
{
    u32 page = test_rand() % N;

    if (op == 0) {
        m->size = test_rand() % (N + 1);
        CHECK_EQ(object_truncate(m->o, m->size * H), 0);
        for (page = m->size; page < N; page++)
            m->data[page] = 0;
    } else if (op == 1) {
        object_punch(m->o, page * H, (page + 1) * H);
        m->data[page] = 0;
    } else {
        CHECK_EQ(object_truncate(m->o, N * H), 0);
        m->size = N;
    }
}

/* Whether all of n slots from i on are of the file. */
static bool whole(const struct model *m, u32 i, u32 n)
{
    for (u32 k = i; k < i + n; k++)
        if (m->shown[k] == N)
            return false;
    return true;
}

/* Three entries of a vector, in order; an atomic one changes all or nothing. */
static void model_vector(struct model *m)
{
    u32 flags = test_rand() % 2 ? RM_ATOMIC : 0, n = 1 + test_rand() % 3, good = 0;
    struct remap_vec v[3];
    u32 slot[3], page[3];
    ssize_t done;

    for (u32 k = 0; k < n; k++) {
        slot[k] = test_rand() % N;
        page[k] = test_rand() % N;
        v[k] =
            (struct remap_vec){BASE + slot[k] * H, page[k] * HUGE_PAGES, HUGE_PAGES, 0};
        if (good == k && m->shown[slot[k]] < N)
            good++;
    }
    done = mm_remapv(m->mm, v, n, flags | (test_rand() % 2 ? RM_NOPOPULATE : 0));
    if (good < n && ((flags & RM_ATOMIC) || !good)) {
        CHECK_EQ(done, -EINVAL);
        return;
    }
    CHECK_EQ(done, good);
    for (u32 k = 0; k < good; k++)
        m->shown[slot[k]] = page[k];
}

static void model_swap(struct model *m, u32 a)
{
    u32 b = test_rand() % N, gap = a < b ? b - a : a - b, n;

    if (gap == 0)
        return;
    n = 1 + test_rand() % MIN(gap, N - MAX(a, b));
    if (!whole(m, a, n) || !whole(m, b, n)) {
        CHECK_EQ(mm_remap_swap(m->mm, BASE + a * H, BASE + b * H, n * H), -EINVAL);
        return;
    }
    CHECK_EQ(mm_remap_swap(m->mm, BASE + a * H, BASE + b * H, n * H), 0);
    for (u32 k = 0; k < n; k++) {
        u32 page = m->shown[a + k];

        m->shown[a + k] = m->shown[b + k];
        m->shown[b + k] = page;
    }
}

static void model_rotate(struct model *m, u32 i, u32 n)
{
    s64 by = (s64)(test_rand() % 15) - 7;
    int err = mm_remap_rotate(m->mm, BASE + i * H, n * H, by * (s64)HUGE_PAGES);
    u32 before[N];

    CHECK_EQ(err, whole(m, i, n) ? 0 : -EINVAL);
    memcpy(before, m->shown, sizeof(before));
    for (u32 k = 0; !err && k < n; k++)
        m->shown[i + (u32)(((s64)k + by + 7 * n) % n)] = before[i + k];
}

/* A clone shows the same; it goes again. */
static void model_clone(struct model *m, u32 i, u32 n)
{
    vaddr_t out;
    int err = mm_remap_clone(m->mm, BASE + i * H, n * H, RW, &out);

    CHECK_EQ(err, whole(m, i, n) ? 0 : -EINVAL);
    if (err)
        return;
    t_check(m->mm);
    CHECK_EQ(out % H, 0);
    for (u32 k = 0; k < n; k++) {
        u32 page = m->shown[i + k];

        if (page < m->size)
            CHECK_EQ(host_read_u32(m->mm, out + k * H), m->data[page]);
    }
    CHECK_EQ(mm_munmap(m->mm, out, n * H), 0);
}

/* Away and back again, over whatever has been there. */
static void model_move(struct model *m, u32 i, u32 n)
{
    vaddr_t there =
        BASE + (2 * N + test_rand() % 3) * H + (1ul << 30) * (test_rand() % 2);
    u32 how = MREMAP_MAYMOVE | MREMAP_FIXED;
    vaddr_t out;

    if (!whole(m, i, n))
        return;
    if (test_rand() % 2)
        t_shared(m->mm, there, n * HUGE_PAGES, m->o, 0);
    CHECK_EQ(mm_mremap(m->mm, BASE + i * H, n * H, n * H, how, there, &out), 0);
    t_check(m->mm);
    CHECK(!UNDER(&m->mm->lock, vma_at(m->mm, BASE + i * H)));
    if (test_rand() % 2) /* small pages in the way */
        t_anon(m->mm, BASE + i * H, n * HUGE_PAGES, RW);
    CHECK_EQ(mm_mremap(m->mm, there, n * H, n * H, how, BASE + i * H, &out), 0);
    CHECK(!UNDER(&m->mm->lock, vma_at(m->mm, there)));
}

/* A failed call leaves everything as it was. */
static void model_fail(struct model *m, u32 i, u32 n)
{
    u64 before = t_picture(m->mm);
    vaddr_t out;

    if (!whole(m, i, n) || !whole(m, 0, N))
        return;
    alloc_fail_at(1 + test_rand() % 2);
    switch (test_rand() % 3) {
    case 0:
        if (mm_remap_clone(m->mm, BASE + i * H, n * H, RW, &out) == 0)
            CHECK_EQ(mm_munmap(m->mm, out, n * H), 0);
        break;
    case 1:
        if (mm_remap_rotate(m->mm, BASE, N * H, HUGE_PAGES) == 0)
            CHECK_EQ(mm_remap_rotate(m->mm, BASE, N * H, -(s64)HUGE_PAGES), 0);
        break;
    default:
        if (mm_mremap(m->mm, BASE + i * H, n * H, n * H, MREMAP_MAYMOVE | MREMAP_FIXED,
                      BASE + (1ul << 30), &out) == 0)
            CHECK_EQ(mm_mremap(m->mm, out, n * H, n * H, MREMAP_MAYMOVE | MREMAP_FIXED,
                               BASE + i * H, &out),
                     0);
        break;
    }
    alloc_fail_at(0);
    t_check(m->mm);
    CHECK_EQ(t_picture(m->mm), before);
}

static void model_step(struct model *m)
{
    u32 i = test_rand() % N, n = 1 + test_rand() % (N - i);
    u32 op = test_rand() % 24;

    switch (op) {
    case 0:
    case 1:
    case 2:
        model_file(m, op);
        break;
    case 3:
        t_anon(m->mm, BASE + i * H, HUGE_PAGES, RW);
        m->shown[i] = N;
        host_write_u32(m->mm, BASE + i * H + 5 * P, 1);
        break;
    case 4:
        model_map(m, i, n);
        break;
    case 5:
        model_fork(m);
        break;
    case 6:
        CHECK_EQ(mm_madvise(m->mm, BASE + i * H, n * H, MADV_DONTNEED), 0);
        break;
    case 7:
        CHECK_EQ(mm_mprotect(m->mm, BASE + i * H, n * H, PROT_NONE), 0);
        t_check(m->mm);
        CHECK_EQ(mm_mprotect(m->mm, BASE, N * H, RW), 0);
        break;
    case 8:
    case 9:
    case 10:
        model_look(m, m->mm, i, true);
        break;
    case 11:
    case 12:
        model_vector(m);
        break;
    case 13:
    case 14:
        model_swap(m, i);
        break;
    case 15:
    case 16:
        model_rotate(m, i, n);
        break;
    case 17:
        model_clone(m, i, n);
        break;
    case 18:
        model_move(m, i, n);
        break;
    case 19:
        model_fail(m, i, n);
        break;
    default:
        model_remap(m, i, n, test_rand() % (N - n + 1));
        break;
    }
}

TEST(huge_random)
{
    struct model m = {.mm = t_mm(), .o = object_create_huge(N * H), .size = N};

    model_map(&m, 0, N);
    for (u32 step = 0; step < 4000; step++) {
        model_step(&m);
        t_check(m.mm);
        model_look(&m, m.mm, test_rand() % N, false);
    }
    t_end(m.mm);
    object_put(m.o);
}
