/* SPDX-License-Identifier: MIT
 *
 * Places that take locks are sites; a class is a set of sites, kept as a forest. Edges between
 * sites are only added; those between classes are made anew when two classes become one. All of
 * it under one lock that takes part in nothing.
 */
#include "lib/lockdep_graph.h"
#include "arch/symbols.h"
#include "lib/lock.h"
#include "lib/lockdep.h"
#include "lib/log.h"
#include "lib/string.h"

#ifdef TESSERA_LOCKDEP

#define SITES 2048u
#define EDGES 16384u /* places of the hash tables, powers of two */

struct site {
    uintptr_t place;
    u32 parent;        /* of the forest; itself: a root */
    uintptr_t in_irq;  /* where an interrupt handler took the class; roots only */
    uintptr_t irqs_on; /* where it was taken with interrupts on */
    uintptr_t up[2],
        down[2]; /* two at once, the lower address first, second: the places */
};

/* `to` was taken while `from` was held: sites, or roots of classes with the sites meant. */
struct edge {
    u32 from, to; /* from 0: free */
    u32 from_site, to_site;
    u32 up, down; /* between sites: seen with the lower address first, second */
};

static struct site sites[SITES]; /* by hash of the place; 0 is none */
static struct edge edges[EDGES], classes[EDGES];
static u32 nedges, nclasses;
static u32 graph_lock;

static u32 reached_by[SITES]; /* of a search: the edge of `classes` by which, 0: not */

static void graph_take(void)
{
    while (__atomic_exchange_n(&graph_lock, 1, __ATOMIC_ACQUIRE))
        cpu_relax();
}

static void graph_give(void)
{
    __atomic_store_n(&graph_lock, 0, __ATOMIC_RELEASE);
}

/* ---- reports ---- */

struct where {
    const char *name;
    u64 offset;
};

static struct where where(uintptr_t place)
{
    struct where w;

    w.name = symbol_at(place - 1, &w.offset);
    return w;
}

#define PLACE(p) where(p).name, (unsigned long)where(p).offset

/* The way of the last search, from class `first` to `to`, as the last lines before the panic. */
static void print_way(u32 first, u32 to)
{
    do {
        u32 e = reached_by[to];
        struct where from = where(sites[classes[e].from_site].place);
        struct where then = where(sites[classes[e].to_site].place);

        printk("lockdep: taken at %s+%#lx while held since %s+%#lx\n", then.name,
               (unsigned long)then.offset, from.name, (unsigned long)from.offset);
        to = classes[e].from;
    } while (to != first);
}

/* ---- sites and classes ---- */

u32 lockdep_site_of(uintptr_t place)
{
    u32 s = (u32)(place * 0x9e3779b97f4a7c15ull >> 40) % SITES;

    for (u32 tries = 0; tries < SITES; tries++, s = (s + 1) % SITES) {
        if (s == 0)
            continue;
        if (READ_ONCE(sites[s].place) == place)
            return s;
        if (sites[s].place == 0)
            break;
    }
    graph_take();
    while (s == 0 || (sites[s].place && sites[s].place != place))
        s = (s + 1) % SITES;
    sites[s].parent = s;
    WRITE_ONCE(sites[s].place, place);
    graph_give();
    return s;
}

u32 lockdep_class_of(u32 s)
{
    while (READ_ONCE(sites[s].parent) != s)
        s = READ_ONCE(sites[s].parent);
    return s;
}

static u32 edge_place(const struct edge *table, u32 from, u32 to)
{
    u32 i = (from * 0x9e3779b1u ^ to * 0x85ebca6bu) % EDGES;

    while (i == 0 || (table[i].from && (table[i].from != from || table[i].to != to)))
        i = (i + 1) % EDGES;
    return i;
}

/* Notes an edge between the classes of two sites. Whether it is new. */
static bool add_class_edge(u32 from_site, u32 to_site)
{
    u32 from = lockdep_class_of(from_site), to = lockdep_class_of(to_site);
    u32 i = edge_place(classes, from, to);

    if (from == to || classes[i].from)
        return false;
    if (++nclasses > EDGES / 2)
        panic("lockdep: too many edges");
    classes[i] = (struct edge){from, to, from_site, to_site, 0, 0};
    return true;
}

/* Whether class `to` is reached from class `from`, in one step or more. */
static bool search(u32 from, u32 to)
{
    bool more = true;

    memset(reached_by, 0, sizeof(reached_by));
    while (more) {
        more = false;
        for (u32 i = 1; i < EDGES; i++) {
            const struct edge *e = &classes[i];

            if (!e->from || (e->from != from && !reached_by[e->from]) ||
                reached_by[e->to])
                continue;
            reached_by[e->to] = i;
            more = true;
        }
    }
    return reached_by[to] != 0;
}

/* Two of one class in both orders. */
static void check_pair(const struct site *c)
{
    if (!c->up[0] || !c->down[0])
        return;
    lockdep_stop();
    printk("lockdep: taken at %s+%#lx while one of its class is held since %s+%#lx\n",
           PLACE(c->up[1]), PLACE(c->up[0]));
    panic("lockdep: two of one class in both orders: at %s+%#lx while held since %s+%#lx",
          PLACE(c->down[1]), PLACE(c->down[0]));
}

/* No class that handlers take may wait for one taken with interrupts on: the handler could
 * come while that is held. */
static void check_interrupts(void)
{
    for (u32 c = 1; c < SITES; c++) {
        if (sites[c].parent != c || !sites[c].in_irq)
            continue;
        (void)search(c, c);
        for (u32 to = 1; to < SITES; to++) {
            if (!sites[to].irqs_on || (to != c && !reached_by[to]))
                continue;
            lockdep_stop();
            if (to != c)
                print_way(c, to);
            panic("lockdep: taken with interrupts on at %s+%#lx, and by a handler%s at "
                  "%s+%#lx",
                  PLACE(sites[to].irqs_on), to == c ? "" : " that holds another",
                  PLACE(sites[c].in_irq));
        }
    }
}

static void check_circle(u32 class)
{
    if (!search(class, class))
        return;
    lockdep_stop();
    print_way(class, class);
    panic("lockdep: circle of locks");
}

/* An edge whose two classes have become one: which of the two came first counts now. */
static void note_inner(const struct edge *e)
{
    struct site *c = &sites[lockdep_class_of(e->from)];

    if (c != &sites[lockdep_class_of(e->to)])
        return;
    if (e->up && !c->up[0]) {
        c->up[0] = sites[e->from].place;
        c->up[1] = sites[e->to].place;
    }
    if (e->down && !c->down[0]) {
        c->down[0] = sites[e->from].place;
        c->down[1] = sites[e->to].place;
    }
}

void lockdep_join(u32 a, u32 b)
{
    struct site *to, *from;

    graph_take();
    a = lockdep_class_of(a);
    b = lockdep_class_of(b);
    if (a == b || lockdep_stopped) {
        graph_give();
        return;
    }
    to = &sites[a];
    from = &sites[b];
    to->in_irq = to->in_irq ?: from->in_irq;
    to->irqs_on = to->irqs_on ?: from->irqs_on;
    if (!to->up[0])
        memcpy(to->up, from->up, sizeof(to->up));
    if (!to->down[0])
        memcpy(to->down, from->down, sizeof(to->down));
    from->irqs_on = from->in_irq = 0;
    WRITE_ONCE(from->parent, a);
    memset(classes, 0, sizeof(classes));
    nclasses = 0;
    for (u32 i = 1; i < EDGES; i++)
        if (edges[i].from && !add_class_edge(edges[i].from, edges[i].to))
            note_inner(&edges[i]);
    check_pair(to);
    check_circle(a);
    check_interrupts();
    graph_give();
}

/* ---- what happens ---- */

void lockdep_note_edge(u32 from, const void *held, u32 to, const void *lock, bool fresh)
{
    u32 i = edge_place(edges, from, to), class = lockdep_class_of(from);
    struct site *c = &sites[class];

    if (class == lockdep_class_of(to)) {
        uintptr_t *pair = held < lock ? c->up : c->down;

        if (fresh || READ_ONCE(pair[0]))
            return;
        graph_take();
        pair[1] = sites[to].place;
        WRITE_ONCE(pair[0], sites[from].place);
        check_pair(c);
        graph_give();
        return;
    }
    if (edges[i].from) {
        if (!fresh)
            WRITE_ONCE(*(held < lock ? &edges[i].up : &edges[i].down), 1);
        return;
    }
    graph_take();
    i = edge_place(edges, from, to);
    if (!edges[i].from) {
        if (++nedges > EDGES / 2)
            panic("lockdep: too many edges");
        edges[i].to = to;
        edges[i].from_site = from;
        edges[i].to_site = to;
        edges[i].up = !fresh && held < lock;
        edges[i].down = !fresh && held > lock;
        WRITE_ONCE(edges[i].from, from);
        if (add_class_edge(from, to)) {
            check_circle(lockdep_class_of(from));
            check_interrupts();
        }
    }
    graph_give();
}

void lockdep_note_interrupts(u32 class, uintptr_t place, bool irqs_on)
{
    struct site *c = &sites[class];
    uintptr_t *which = cpu_own.irq_depth ? &c->in_irq : &c->irqs_on;

    if ((!cpu_own.irq_depth && !irqs_on) || *which)
        return;
    graph_take();
    *which = place;
    check_interrupts();
    graph_give();
}

#endif
