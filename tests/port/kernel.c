/* SPDX-License-Identifier: MIT
 *
 * An example kernel around Tessera's memory system: memory map, page faults, one address
 * space with a window on an object. Accesses are made in ring 0, through the real MMU.
 */
#include "port.h"

#define NPAGES 64u
#define MEMORY (128ul << 20) /* more is not used: frames[] below has room for so much */

bool peek(vaddr_t from, u32 *to);
void peek_failed(void), page_fault_entry(void), other_fault_entry(void);
void page_fault(vaddr_t va, u64 error, u64 *rip);
noreturn void other_fault(u64 a, u64 b);
noreturn void main(u64 start_info);

/* ---- memory ---- */

extern u8 kernel_end[];
u8 stack[16384] __attribute__((aligned(16)));
__asm__(".global stack_top; stack_top = stack + 16384");

/* Descriptors of all frames below MEMORY: the page of 2 MiB that boot.asm maps. */
u8 frames[2ul << 20] __attribute__((aligned(2ul << 20)));
_Static_assert(MEMORY / PAGE_SIZE * sizeof(struct page) <= sizeof(frames), "room");

struct pvh_start {
    u32 magic, version, flags, nmodules;
    u64 modules, cmdline, rsdp, map;
    u32 nmap, reserved;
};

struct pvh_range {
    u64 start, len;
    u32 type, reserved;
};

static void memory_init(u64 start_info)
{
    static struct bootinfo bi;
    const struct pvh_start *s = phys_to_virt(start_info);
    const struct pvh_range *map = phys_to_virt(s->map);
    u64 low = align_up((uintptr_t)kernel_end - 0xffffffff80000000ul, PAGE_SIZE);

    for (u32 i = 0; i < s->nmap && bi.nranges < BOOT_RANGES_MAX; i++) {
        u64 start = MAX(map[i].start, low), stop = MIN(map[i].start + map[i].len, MEMORY);

        if (map[i].type != 1 || start >= stop)
            continue;
        stop = align_down(stop, PAGE_SIZE);
        bi.ranges[bi.nranges++] =
            (struct boot_range){start, stop - start, BOOT_MEM_USABLE, 0};
    }
#ifdef OWN_FRAMES
    for (u32 i = 0; i < bi.nranges; i++)
        frames_add(bi.ranges[i].base, bi.ranges[i].base + bi.ranges[i].len);
#else
    tsm_boot_alloc_init(&bi);
    tsm_buddy_init();
#endif
    tsm_zero_page = tsm_page_alloc(0, PA_ZERO);
}

/* ---- faults ---- */

static u64 idt[256][2]; /* Intel SDM vol. 3A, figure 6-8 */
static enum fault_result last_fault;

static void faults_init(void)
{
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) pointer = {sizeof(idt) - 1, (u64)idt};

    for (unsigned i = 0; i < 256; i++) {
        u64 entry = (u64)(i == 14 ? page_fault_entry : other_fault_entry);

        idt[i][0] =
            (entry & 0xffff) | 8 << 16 | 0x8eull << 40 | (entry >> 16 & 0xffff) << 48;
        idt[i][1] = entry >> 32;
    }
    __asm__ volatile("lidt %0" ::"m"(pointer));
}

void page_fault(vaddr_t va, u64 error, u64 *rip)
{
    struct mm *mm = cpu_own.mm;

    last_fault = FAULT_MAPERR;
    if (mm && va < USER_END)
        last_fault = tsm_fault_handle(mm, va, error & 2 ? FAULT_WRITE : FAULT_READ);
    if (last_fault == FAULT_OK)
        return;
    if (*rip != (u64)peek)
        tsm_panic("fault at %lx, error %lx, from %lx", va, error, *rip);
    *rip = (u64)peek_failed;
}

noreturn void other_fault(u64 a, u64 b)
{
    tsm_panic("exception, stack: %lx %lx", a, b);
}

/* ---- the scenario ---- */

#define CHECK(cond) ((cond) ? (void)0 : tsm_panic("line %d: not so: %s", __LINE__, #cond))

static u32 shuffled[NPAGES]; /* the file page at each page of the window */

static void shuffle(struct mm *mm, vaddr_t window)
{
    u32 random = 20040401;

    for (u32 i = 0, k; i < NPAGES; i++) {
        random = random * 1664525 + 1013904223;
        k = (random >> 8) % (i + 1);
        shuffled[i] = shuffled[k];
        shuffled[k] = i;
    }
    for (u32 i = 0; i < NPAGES; i++)
        CHECK(!tsm_mm_remap(mm, window + i * PAGE_SIZE, PAGE_SIZE, 0, shuffled[i], 0));
}

/* Each page of the window shows its file page, or cannot be read where that is cut off. */
static void look(vaddr_t window, u32 left)
{
    for (u32 i = 0; i < NPAGES; i++) {
        u32 value = 0;
        bool there = peek(window + i * PAGE_SIZE, &value);

        CHECK(there == (shuffled[i] < left));
        CHECK(there ? value == shuffled[i] + 1 : last_fault == FAULT_BUS);
    }
}

static void scenario(void)
{
    struct mm *mm = tsm_mm_create();
    struct vm_object *o = tsm_object_create(NPAGES * PAGE_SIZE);
    struct mmap_args args = {.len = NPAGES * PAGE_SIZE,
                             .prot = PROT_READ | PROT_WRITE,
                             .flags = MAP_SHARED,
                             .object = o,
                             .max_prot = PROT_READ | PROT_WRITE};
    vaddr_t window;
    u32 value;

    CHECK(mm && o);
    CHECK(tsm_mm_mmap(mm, &args, &window) == 0 && window < USER_END);
    tsm_mm_activate(mm);
    for (u32 i = 0; i < NPAGES; i++)
        *(volatile u32 *)(window + i * PAGE_SIZE) = i + 1;
    shuffle(mm, window);
    look(window, NPAGES);
    print("%u pages shuffled at %lx\n", NPAGES, window);
    CHECK(tsm_object_truncate(o, NPAGES / 2 * PAGE_SIZE) == 0);
    look(window, NPAGES / 2);
    CHECK(tsm_object_truncate(o, NPAGES * PAGE_SIZE) == 0);
    CHECK(peek(window, &value)); /* grown again: zeros where it was cut off */
    CHECK(value == (shuffled[0] < NPAGES / 2 ? shuffled[0] + 1 : 0));
    CHECK(tsm_mm_munmap(mm, window, NPAGES * PAGE_SIZE) == 0);
    CHECK(!peek(window, &value) && last_fault == FAULT_MAPERR);
    tsm_mm_activate(NULL);
    tsm_mm_put(mm);
    tsm_object_put(o);
}

noreturn void main(u64 start_info)
{
    faults_init();
    tsm_kernel_root = (uintptr_t)root - 0xffffffff80000000ul;
    memory_init(start_info);
    print("%lu frames free\n", tsm_page_count_free());
    scenario(); /* what slabs keep is kept now */
    u64 before = tsm_page_count_free();
    scenario();
    CHECK(tsm_page_count_free() == before);
    print("OK\n");
    end(0);
}
