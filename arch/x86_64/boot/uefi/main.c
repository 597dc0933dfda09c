/* SPDX-License-Identifier: MIT
 *
 * BOOTX64.EFI: reads /boot/tessera.cfg, loads the kernel and the initramfs from the volume it
 * came from, and enters the kernel's 64-bit entry as arch/x86_64/boot/handover.h says. It
 * knows nothing else of the kernel. Whatever fails is told on the screen; then it goes
 * back to the firmware, which tries its next boot entry.
 */
#include "arch/x86_64/boot/uefi/console.h"
#include "arch/x86_64/boot/uefi/files.h"
#include "arch/x86_64/boot/uefi/gop.h"
#include "arch/x86_64/boot/uefi/kimage.h"
#include "arch/x86_64/boot/uefi/loader.h"
#include "arch/x86_64/boot/uefi/memory.h"
#include "arch/x86_64/boot/uefi/menu.h"
#include "lib/string.h"

#define CONFIG_FILE   "/boot/tessera.cfg"
#define CONFIG_MAX    (64u << 10)
#define KERNEL_MAX    (64u << 20)
#define INITRAMFS_MAX (1u << 30)
#define STACK_SIZE    (4 * PAGE_SIZE)

EFI_HANDLE loader_image;
EFI_SYSTEM_TABLE *loader_table;

static struct config config;

static EFI_GUID loaded_image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
static EFI_GUID shell_guid = {
    0x752f3136, 0x4e16, 0x4fdc, {0xa2, 0x2a, 0xe5, 0xf4, 0x68, 0x12, 0xf4, 0xca}};
static EFI_GUID acpi2_guid = ACPI_20_TABLE_GUID;
static EFI_GUID acpi1_guid = ACPI_TABLE_GUID;
static EFI_GUID global_guid = EFI_GLOBAL_VARIABLE;

/* All that is handed over, in memory that is the kernel's afterwards. */
struct parcel {
    struct handover handover;
    char cmdline[CONFIG_CMDLINE_MAX];
};

static void say_firmware(void)
{
    UINT8 secure = 0;
    UINTN n = sizeof(secure);
    EFI_STATUS status = loader_table->RuntimeServices->GetVariable(
        L"SecureBoot", &global_guid, NULL, &n, &secure);

    say("\nTessera loader, UEFI %u.%u, Secure Boot %s\n",
        (u32)loader_table->Hdr.Revision >> 16,
        (u32)(loader_table->Hdr.Revision & 0xffff) / 10,
        EFI_ERROR(status) ? "not known to the firmware"
        : secure          ? "on"
                          : "off");
}

/* A line that is wrong is told and waited for, but it does not keep the machine from
 * booting. */
static void say_faults(void)
{
    EFI_INPUT_KEY key;

    if (!config.nfaults)
        return;
    for (u32 i = 0; i < MIN(config.nfaults, (u32)CONFIG_FAULTS); i++)
        say("error: %s, line %u %s; ignored\n", CONFIG_FILE, config.faults[i].line,
            config.faults[i].reason);
    if (config.nfaults > CONFIG_FAULTS)
        say("error: %u more lines\n", config.nfaults - CONFIG_FAULTS);
    say("Going on without that: press a key, or wait 10 s\n");
    wait_key(100, &key);
}

static EFI_STATUS read_config(void)
{
    struct file file;
    EFI_STATUS status = files_read(CONFIG_FILE, FILE_OPTIONAL, CONFIG_MAX, &file);

    if (EFI_ERROR(status) && status != EFI_NOT_FOUND)
        return status;
    if (EFI_ERROR(status)) {
        say("%s is not there: the usual names, no kernel command line\n", CONFIG_FILE);
        config_parse(&config, "", 0);
        return EFI_SUCCESS;
    }
    config_parse(&config, (const char *)file.address, file.size);
    pages_free(file.address);
    say_faults();
    return EFI_SUCCESS;
}

/* Options of the boot entry, the shell or `qemu -append`; false: none. */
static bool read_load_options(char *out, size_t size)
{
    EFI_LOADED_IMAGE *self;
    void *shell;

    if (EFI_ERROR(
            BOOT->HandleProtocol(loader_image, &loaded_image_guid, (void **)&self)) ||
        !self->LoadOptions)
        return false;
    return config_load_options(
        self->LoadOptions, self->LoadOptionsSize,
        !EFI_ERROR(BOOT->HandleProtocol(loader_image, &shell_guid, &shell)), out, size);
}

/* The entry to boot, NULL: none, back to the firmware. */
static const struct config_entry *choose_entry(void)
{
    static char options[CONFIG_CMDLINE_MAX];
    struct config_entry *e = &config.entries[config.chosen];

    if (read_load_options(options, sizeof(options))) {
        str_copy(e->cmdline, options, sizeof(e->cmdline));
        return e;
    }
    if (config.nentries > 1 && config.timeout > 0)
        return menu_choose(&config);
    return e;
}

/* Loads the kernel to *base. */
static EFI_STATUS load_kernel(const char *path, struct kimage *img, u64 *base)
{
    struct file file;
    const char *wrong;
    EFI_STATUS status = files_read(path, FILE_REQUIRED, KERNEL_MAX, &file);

    if (EFI_ERROR(status))
        return status;
    wrong = kimage_check((const void *)file.address, file.size, img);
    if (wrong) {
        say("error: %s %s\n", path, wrong);
        pages_free(file.address);
        return EFI_LOAD_ERROR;
    }
    /* As code: strict firmware lets nothing else be executed. */
    *base = pages_get("the kernel", EfiLoaderCode, img->size, KIMAGE_ALIGN);
    if (*base) {
        kimage_place(img, (u8 *)*base);
        say("kernel: %s, %llu KiB at 0x%llx\n", path, (unsigned long long)img->size >> 10,
            (unsigned long long)*base);
    }
    pages_free(file.address);
    return *base ? EFI_SUCCESS : EFI_OUT_OF_RESOURCES;
}

static EFI_STATUS load_initramfs(const char *path, struct handover *h)
{
    struct file file;
    EFI_STATUS status;

    if (!*path) {
        say("initramfs: none\n");
        return EFI_SUCCESS;
    }
    status = files_read(path, FILE_REQUIRED, INITRAMFS_MAX, &file);
    if (EFI_ERROR(status))
        return status;
    h->initrd = file.address;
    h->initrd_len = file.size;
    say("initramfs: %s, %llu KiB at 0x%llx\n", path, (unsigned long long)file.size >> 10,
        (unsigned long long)file.address);
    return EFI_SUCCESS;
}

static bool same_guid(const EFI_GUID *a, const EFI_GUID *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static u64 find_rsdp(void)
{
    u64 old = 0;

    for (UINTN i = 0; i < loader_table->NumberOfTableEntries; i++) {
        const EFI_CONFIGURATION_TABLE *t = &loader_table->ConfigurationTable[i];

        if (same_guid(&t->VendorGuid, &acpi2_guid))
            return (u64)t->VendorTable;
        if (same_guid(&t->VendorGuid, &acpi1_guid))
            old = (u64)t->VendorTable;
    }
    return old;
}

static void fill(struct parcel *p, const struct config_entry *e)
{
    struct handover *h = &p->handover;

    h->magic = HANDOVER_MAGIC;
    h->version = HANDOVER_VERSION;
    h->size = sizeof(*h);
    h->cmdline_len = (u32)str_copy(p->cmdline, e->cmdline, sizeof(p->cmdline));
    h->cmdline = (u64)p->cmdline;
    h->rsdp = find_rsdp();
    h->efi_system_table = (u64)loader_table;
    if (!h->rsdp)
        say("the firmware gives no ACPI tables\n");
    say("command line: %s\n", p->cmdline);
}

/* On a stack of our own: the firmware's may lie where the kernel does not map. */
static noreturn void jump(u64 entry, const struct handover *h, u64 stack_top)
{
    __asm__ volatile("cli\n\t"
                     "cld\n\t"
                     "mov %[stack], %%rsp\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "jmp *%[entry]"
                     :
                     : [entry] "r"(entry), [stack] "r"(stack_top), "D"(h)
                     : "memory");
    __builtin_unreachable();
}

/* Returns only when it could not. */
static EFI_STATUS boot_kernel(const struct config_entry *e)
{
    u64 base = 0, stack;
    struct handover_range keep[2];
    struct parcel *p;
    struct kimage img;
    EFI_STATUS status = load_kernel(e->kernel, &img, &base);

    if (EFI_ERROR(status))
        return status;
    p = (struct parcel *)pages_get("the hand-over", EfiLoaderData, sizeof(*p), PAGE_SIZE);
    stack = pages_get("the hand-over", EfiLoaderData, STACK_SIZE, PAGE_SIZE);
    if (!p || !stack)
        return EFI_OUT_OF_RESOURCES;
    status = load_initramfs(e->initramfs, &p->handover);
    if (!EFI_ERROR(status))
        status = memory_prepare();
    if (EFI_ERROR(status))
        return status;
    screen_set_up(&config, &p->handover.fb);
    fill(p, e);
    keep[0] = (struct handover_range){base, img.size, HANDOVER_LOADER, 0};
    keep[1] = (struct handover_range){p->handover.initrd,
                                      align_up(p->handover.initrd_len, PAGE_SIZE),
                                      HANDOVER_LOADER, 0};
    say("Entering the kernel at 0x%llx\n",
        (unsigned long long)(base + img.entry - img.low));
    status = memory_leave(&p->handover, keep, p->handover.initrd_len ? 2 : 1);
    if (!EFI_ERROR(status))
        jump(base + img.entry - img.low, &p->handover, stack + STACK_SIZE);
    say("error: the firmware does not let go: %s\n", status_text(status));
    return status;
}

/* Called by gnu-efi's start code, with the C calling convention. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
    const struct config_entry *e = NULL;
    EFI_INPUT_KEY key;
    EFI_STATUS status;

    loader_image = image;
    loader_table = table;
    BOOT->SetWatchdogTimer(0, 0, 0, NULL); /* it resets the machine after 5 minutes */
    say_firmware();
    status = files_open_volume();
    if (!EFI_ERROR(status))
        status = read_config();
    if (!EFI_ERROR(status)) {
        e = choose_entry();
        if (!e)
            return EFI_ABORTED;
        say("Booting \"%s\"\n", e->name);
        status = e->chain[0] ? files_chain(e->chain) : boot_kernel(e);
        pages_free_all();
    }
    if (EFI_ERROR(status)) {
        say("Tessera was not started. Back to the firmware: press a key, or wait 10 s\n");
        wait_key(100, &key);
    }
    return status;
}
