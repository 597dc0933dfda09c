/* SPDX-License-Identifier: MIT
 *
 * Files of the volume the loader came from (UEFI 2.10, 13.4 and 13.5), and starting another
 * EFI program of it (7.4). Sizes and positions are the firmware's word: a file that ends
 * before its size is an error, not a short file.
 */
#include "arch/x86_64/boot/uefi/files.h"
#include "arch/x86_64/boot/uefi/console.h"
#include "arch/x86_64/boot/uefi/loader.h"
#include "arch/x86_64/boot/uefi/memory.h"
#include "lib/string.h"

#define CHUNK (1u << 20) /* some firmware fails on very large reads */

static EFI_FILE_HANDLE root;
static EFI_HANDLE volume;

static EFI_GUID loaded_image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
static EFI_GUID file_system_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
static EFI_GUID file_info_guid = EFI_FILE_INFO_ID;
static EFI_GUID device_path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;

EFI_STATUS files_open_volume(void)
{
    EFI_LOADED_IMAGE *self;
    EFI_FILE_IO_INTERFACE *fs;
    EFI_STATUS status;

    status = BOOT->HandleProtocol(loader_image, &loaded_image_guid, (void **)&self);
    if (!EFI_ERROR(status)) {
        volume = self->DeviceHandle;
        status = volume ? BOOT->HandleProtocol(volume, &file_system_guid, (void **)&fs)
                        : EFI_NOT_FOUND;
    }
    if (!EFI_ERROR(status))
        status = fs->OpenVolume(fs, &root);
    if (EFI_ERROR(status))
        say("error: no file system where the loader came from: %s\n",
            status_text(status));
    return status;
}

/* The firmware's spelling of a path: backslashes, 16 bits. */
static void to_efi_path(const char *path, CHAR16 out[CONFIG_PATH_MAX])
{
    size_t i;

    for (i = 0; path[i] && i < CONFIG_PATH_MAX - 1; i++)
        out[i] = path[i] == '/' ? '\\' : (u8)path[i];
    out[i] = 0;
}

static EFI_STATUS file_size(EFI_FILE_HANDLE file, u64 *size)
{
    union {
        EFI_FILE_INFO info;
        u8 bytes[sizeof(EFI_FILE_INFO) + 2 * 512];
    } buf;
    UINTN nbytes = sizeof(buf);
    EFI_STATUS status = file->GetInfo(file, &file_info_guid, &nbytes, &buf);

    if (EFI_ERROR(status))
        return status;
    *size = buf.info.FileSize;
    return buf.info.Attribute & EFI_FILE_DIRECTORY ? EFI_NOT_FOUND : EFI_SUCCESS;
}

static EFI_STATUS read_all(EFI_FILE_HANDLE file, u64 address, u64 size)
{
    while (size) {
        UINTN n = MIN(size, (u64)CHUNK);
        EFI_STATUS status = file->Read(file, &n, (void *)address);

        if (EFI_ERROR(status))
            return status;
        if (n == 0 || n > size)
            return EFI_VOLUME_CORRUPTED;
        address += n;
        size -= n;
    }
    return EFI_SUCCESS;
}

static EFI_STATUS read_open(EFI_FILE_HANDLE file, u64 max, struct file *out)
{
    EFI_STATUS status = file_size(file, &out->size);

    if (EFI_ERROR(status)) {
        say("error: %s: %s\n", out->path, status_text(status));
        return status;
    }
    if (out->size == 0 || out->size > max) {
        say("error: %s has %llu bytes; 1 to %llu are possible\n", out->path,
            (unsigned long long)out->size, (unsigned long long)max);
        return EFI_LOAD_ERROR;
    }
    out->address = pages_get(out->path, EfiLoaderData, out->size, PAGE_SIZE);
    if (!out->address)
        return EFI_OUT_OF_RESOURCES;
    status = read_all(file, out->address, out->size);
    if (EFI_ERROR(status)) {
        say("error: %s cannot be read: %s\n", out->path, status_text(status));
        pages_free(out->address);
    }
    return status;
}

EFI_STATUS files_read(const char *path, enum file_need need, u64 max, struct file *out)
{
    CHAR16 name[CONFIG_PATH_MAX];
    EFI_FILE_HANDLE file;
    EFI_STATUS status;

    *out = (struct file){.path = path};
    to_efi_path(path, name);
    status = root->Open(root, &file, name, EFI_FILE_MODE_READ, 0);
    if (EFI_ERROR(status)) {
        if (need == FILE_REQUIRED || status != EFI_NOT_FOUND)
            say("error: %s: %s\n", path, status_text(status));
        return status;
    }
    status = read_open(file, max, out);
    file->Close(file);
    return status;
}

static size_t device_path_size(const EFI_DEVICE_PATH *dp)
{
    const u8 *p = (const u8 *)dp;

    while (!IsDevicePathEndType((EFI_DEVICE_PATH *)p))
        p += DevicePathNodeLength((EFI_DEVICE_PATH *)p);
    return (size_t)(p - (const u8 *)dp);
}

/* The device path of a file: the volume's, a node with the name, the end. */
static EFI_STATUS make_file_path(const char *path, EFI_DEVICE_PATH **out)
{
    CHAR16 name[CONFIG_PATH_MAX];
    size_t nname = (strnlen(path, CONFIG_PATH_MAX - 1) + 1) * sizeof(CHAR16);
    EFI_DEVICE_PATH *dp, *node;
    EFI_STATUS status;
    size_t head;

    status = BOOT->HandleProtocol(volume, &device_path_guid, (void **)&dp);
    if (EFI_ERROR(status))
        return status;
    head = device_path_size(dp);
    status =
        BOOT->AllocatePool(EfiLoaderData, head + 2 * sizeof(*node) + nname, (void **)out);
    if (EFI_ERROR(status))
        return status;
    memcpy(*out, dp, head);
    node = (EFI_DEVICE_PATH *)((u8 *)*out + head);
    node->Type = MEDIA_DEVICE_PATH;
    node->SubType = MEDIA_FILEPATH_DP;
    SetDevicePathNodeLength(node, sizeof(*node) + nname);
    to_efi_path(path, name);
    memcpy(node + 1, name, nname);
    node = (EFI_DEVICE_PATH *)((u8 *)(node + 1) + nname);
    SetDevicePathEndNode(node);
    return EFI_SUCCESS;
}

EFI_STATUS files_chain(const char *path)
{
    EFI_DEVICE_PATH *dp;
    EFI_HANDLE image;
    EFI_STATUS status = make_file_path(path, &dp);

    if (!EFI_ERROR(status)) {
        status = BOOT->LoadImage(FALSE, loader_image, dp, NULL, 0, &image);
        BOOT->FreePool(dp);
    }
    if (EFI_ERROR(status)) {
        say("error: %s: %s\n", path, status_text(status));
        return status;
    }
    say("Starting %s\n", path);
    status = BOOT->StartImage(image, NULL, NULL);
    say("%s came back%s%s\n", path, EFI_ERROR(status) ? ": " : "",
        EFI_ERROR(status) ? status_text(status) : "");
    return status;
}
