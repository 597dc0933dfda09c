/* SPDX-License-Identifier: MIT
 *
 * From the RSDP to the tables: checks of lengths and checksums, see parse.h. One table is
 * mapped at a time; what is needed of it is copied out.
 */
#include "arch/x86_64/acpi/parse.h"
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/acpi/aml.h"
#include "lib/log.h"
#include "lib/string.h"

#define HEADER_BYTES   36u
#define RSDP_BYTES_MAX 4096u
#define EBDA_POINTER   0x40eul /* BIOS data area: segment of the EBDA */
#define EBDA_SEARCH    1024u

struct view {
    const u8 *bytes;
    u32 length;
};

/* Little-endian number of `width` bytes at `offset`; 0 outside of the table. */
static u64 get(const struct view *t, u32 offset, u32 width)
{
    u64 value = 0;

    if (offset > t->length || width > t->length - offset)
        return 0;
    memcpy(&value, t->bytes + offset, width);
    return value;
}

static bool sums_to_zero(const u8 *p, size_t n)
{
    u8 sum = 0;

    while (n--)
        sum = (u8)(sum + *p++);
    return sum == 0;
}

/* Printable bytes only: this goes to the log. */
static void copy_text(char *out, const u8 *from, u32 n)
{
    for (u32 i = 0; i < n; i++)
        out[i] = from[i] >= ' ' && from[i] < 0x7f ? (char)from[i] : '.';
    out[n] = '\0';
}

/* ---- RSDP ---- */

static bool is_rsdp(const u8 *p)
{
    return memcmp(p, "RSD PTR ", 8) == 0 && sums_to_zero(p, ACPI_RSDP_BYTES);
}

static paddr_t search(paddr_t start, u32 nbytes)
{
    const u8 *p = acpi_map(start, nbytes);

    for (u32 at = 0; p && at + ACPI_RSDP_BYTES <= nbytes; at += 16) {
        if (is_rsdp(p + at))
            return start + at;
    }
    return 0;
}

paddr_t acpi_search_rsdp(void)
{
    const u8 *segment = acpi_map(EBDA_POINTER, 2);
    paddr_t ebda = segment ? (paddr_t)(segment[0] | segment[1] << 8) << 4 : 0;
    paddr_t found = 0;

    if (ebda >= 0x400 && ebda < ACPI_LOW_BIOS_END - EBDA_SEARCH)
        found = search(ebda, EBDA_SEARCH);
    return found ? found : search(ACPI_LOW_BIOS, ACPI_LOW_BIOS_END - ACPI_LOW_BIOS);
}

/* Address of the root table and the width of its entries. False: said why. */
static bool read_rsdp(paddr_t pa, paddr_t *root, u32 *width)
{
    struct view v = {acpi_map(pa, ACPI_RSDP_BYTES), ACPI_RSDP_BYTES};
    u32 length;

    if (!v.bytes || !is_rsdp(v.bytes)) {
        printk("acpi: no valid RSDP at %#lx, going on without ACPI\n", (unsigned long)pa);
        return false;
    }
    *root = get(&v, 16, 4);
    *width = 4;
    if (get(&v, 15, 1) < 2) /* ACPI 1.0 */
        return true;
    v.bytes = acpi_map(pa, 24);
    v.length = 24;
    length = v.bytes ? (u32)get(&v, 20, 4) : 0;
    if (length < 33 || length > RSDP_BYTES_MAX)
        return true;
    v.bytes = acpi_map(pa, length);
    v.length = length;
    if (v.bytes && sums_to_zero(v.bytes, length) && get(&v, 24, 8)) {
        *root = get(&v, 24, 8);
        *width = 8;
    }
    return true;
}

/* ---- tables ---- */

/* Maps the table at pa and describes it in *t; false when it must not be read on. */
static bool open_table(paddr_t pa, struct acpi_table *t, struct view *v)
{
    v->bytes = pa ? acpi_map(pa, HEADER_BYTES) : NULL;
    v->length = HEADER_BYTES;
    *t = (struct acpi_table){.pa = pa};
    if (!v->bytes) {
        printk("acpi: a table at %#lx is out of reach, not used\n", (unsigned long)pa);
        return false;
    }
    copy_text(t->signature, v->bytes, 4);
    copy_text(t->oem, v->bytes + 10, 6);
    t->revision = (u8)get(v, 8, 1);
    t->length = (u32)get(v, 4, 4);
    if (t->length < HEADER_BYTES || t->length > ACPI_TABLE_BYTES_MAX) {
        printk("acpi: table %s has an impossible length of %u bytes, not used\n",
               t->signature, t->length);
        return false;
    }
    v->bytes = acpi_map(pa, t->length);
    v->length = t->length;
    if (!v->bytes || !sums_to_zero(v->bytes, t->length)) {
        printk("acpi: table %s has a wrong checksum, not used\n", t->signature);
        return false;
    }
    t->used = true;
    return true;
}

/* A register in the generic form (ACPI 6.4, 5.2.3.2). */
static struct acpi_register get_register(const struct view *t, u32 offset)
{
    struct acpi_register r = {.space = (u8)get(t, offset, 1),
                              .addr = get(t, offset + 4, 8)};

    r.present = r.addr && (r.space == ACPI_MEMORY || r.space == ACPI_PCI_CONFIG ||
                           (r.space == ACPI_IO && r.addr <= 0xffff));
    return r;
}

/* A register of the FADT: the generic form where the table is long enough to have it, else
 * the port number. */
static struct acpi_register fadt_register(const struct view *t, u32 generic, u32 port)
{
    struct acpi_register r = get_register(t, generic);

    if (r.present && r.space != ACPI_PCI_CONFIG)
        return r;
    r = (struct acpi_register){.space = ACPI_IO, .addr = get(t, port, 4)};
    r.present = r.addr && r.addr <= 0xffff;
    return r;
}

static void parse_fadt(const struct view *t, u32 revision, struct acpi_info *info)
{
    u32 flags = (u32)get(t, 112, 4);

    info->has_fadt = true;
    info->reduced = flags & 1u << 20 && revision >= 5;
    info->dsdt = get(t, 140, 8) ? get(t, 140, 8) : get(t, 40, 4);
    /* Revision 1 has neither boot flags nor a reset register. */
    info->has_boot_flags = revision >= 2 && t->length >= 111;
    info->boot_flags = (u16)get(t, 109, 2);
    info->century = (u8)get(t, 108, 1);
    if (revision >= 2 && flags & 1u << 10 && t->length >= 129) {
        info->reset = get_register(t, 116);
        info->reset_value = (u8)get(t, 128, 1);
    }
    if (info->reduced) {
        info->sleep = get_register(t, 244);
        return;
    }
    info->smi_command = (u32)get(t, 48, 4);
    if (info->smi_command > 0xffff)
        info->smi_command = 0;
    info->acpi_enable = (u8)get(t, 52, 1);
    info->pm1a = fadt_register(t, 172, 64);
    info->pm1b = fadt_register(t, 184, 68);
    info->timer_32_bits = flags & 1u << 8;
    if (get(t, 91, 1) == 4)
        info->pm_timer = fadt_register(t, 208, 76);
}

#define LOCAL_APIC_ENABLED 1u
#define APIC_ID_ALL        0xffu /* means all of them: nobody's own */
#define X2APIC_ID_ALL      0xffffffffu

/* One processor; the firmware may list it twice, as APIC and as x2APIC too. Those that can
 * only be switched on later count for nothing. */
static void add_processor(struct acpi_info *info, u32 id, u64 flags)
{
    if (!(flags & LOCAL_APIC_ENABLED))
        return;
    for (u32 i = 0; i < info->nlocal_apics; i++) {
        if (info->local_apics[i] == id)
            return;
    }
    info->processors++;
    if (info->nlocal_apics < ARRAY_SIZE(info->local_apics))
        info->local_apics[info->nlocal_apics++] = id;
}

static void parse_madt(const struct view *t, struct acpi_info *info)
{
    u32 length;

    info->has_madt = true;
    info->has_pics = get(t, 40, 4) & 1;
    for (u32 at = 44; at + 2 <= t->length; at += length) {
        u32 type = (u32)get(t, at, 1);

        length = (u32)get(t, at + 1, 1);
        if (length < 2 || length > t->length - at)
            return;
        if (type == 0 && length >= 8 && get(t, at + 3, 1) != APIC_ID_ALL)
            add_processor(info, (u32)get(t, at + 3, 1), get(t, at + 4, 4));
        else if (type == 9 && length >= 16 && get(t, at + 4, 4) != X2APIC_ID_ALL)
            add_processor(info, (u32)get(t, at + 4, 4), get(t, at + 8, 4));
        else if (type == 1 && length >= 12)
            info->ioapics++;
    }
}

static void parse_table(const struct acpi_table *t, const struct view *v,
                        struct acpi_info *info)
{
    if (strcmp(t->signature, "FACP") == 0 && !info->has_fadt) {
        parse_fadt(v, t->revision, info);
    } else if (strcmp(t->signature, "APIC") == 0 && !info->has_madt) {
        parse_madt(v, info);
    } else if (strcmp(t->signature, "HPET") == 0 && !info->hpet.present) {
        info->hpet = get_register(v, 40);
        info->hpet.present &= info->hpet.space == ACPI_MEMORY;
    } else if (strcmp(t->signature, "MCFG") == 0 && !info->mcfg) {
        if (t->length >= 60 && get(v, 52, 2) == 0 && get(v, 54, 1) == 0)
            info->mcfg = get(v, 44, 8);
    }
}

/* Opens one more table and lists it, also when it cannot be used. */
static bool add_table(paddr_t pa, struct acpi_info *info, struct view *v)
{
    struct acpi_table *t = &info->tables[info->ntables];

    if (info->ntables == ACPI_TABLES_MAX)
        return false;
    if (!open_table(pa, t, v)) {
        info->ntables += t->length != 0;
        return false;
    }
    info->ntables++;
    return true;
}

static void read_s5(const struct view *v, struct acpi_info *info)
{
    info->has_s5 = acpi_find_s5(v->bytes + HEADER_BYTES, v->length - HEADER_BYTES,
                                &info->s5_a, &info->s5_b);
}

static void find_s5(struct acpi_info *info)
{
    struct view v;
    u32 listed;

    if (info->dsdt && add_table(info->dsdt, info, &v) &&
        strcmp(info->tables[info->ntables - 1].signature, "DSDT") == 0)
        read_s5(&v, info);
    listed = info->ntables;
    for (u32 i = 0; i < listed && !info->has_s5; i++) {
        const struct acpi_table *t = &info->tables[i];

        if (!t->used || strcmp(t->signature, "SSDT") != 0)
            continue;
        v.bytes = acpi_map(t->pa, t->length);
        v.length = t->length;
        if (v.bytes)
            read_s5(&v, info);
    }
}

void acpi_parse(paddr_t rsdp, struct acpi_info *info)
{
    static u64 entries[ACPI_TABLES_MAX];
    struct acpi_table root;
    struct view v;
    paddr_t root_pa;
    u32 width, n;

    memset(info, 0, sizeof(*info));
    if (!read_rsdp(rsdp, &root_pa, &width))
        return;
    if (!open_table(root_pa, &root, &v) ||
        strcmp(root.signature, width == 8 ? "XSDT" : "RSDT") != 0) {
        printk("acpi: no valid %s at %#lx, going on without ACPI\n",
               width == 8 ? "XSDT" : "RSDT", (unsigned long)root_pa);
        return;
    }
    info->present = true;
    info->tables[info->ntables++] = root;
    n = (root.length - HEADER_BYTES) / width;
    if (n > ACPI_TABLES_MAX - 2) {
        printk("acpi: %u tables, looking at the first %u\n", n, ACPI_TABLES_MAX - 2);
        n = ACPI_TABLES_MAX - 2;
    }
    for (u32 i = 0; i < n; i++)
        entries[i] = get(&v, HEADER_BYTES + i * width, width);
    for (u32 i = 0; i < n; i++) {
        if (add_table(entries[i], info, &v))
            parse_table(&info->tables[info->ntables - 1], &v, info);
    }
    find_s5(info);
}
