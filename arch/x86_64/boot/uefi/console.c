/* SPDX-License-Identifier: MIT
 *
 * Text and keys through the firmware's console (UEFI 2.10, chapter 12). It is the only trace
 * on a machine where the kernel does not come up, so every step and failure is told here.
 */
#include "arch/x86_64/boot/uefi/console.h"
#include "arch/x86_64/boot/uefi/loader.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define LINE_MAX  1200
#define KEY_ENTER 0x0d
#define KEY_BACK  0x08

static void put_text(const char *s)
{
    CHAR16 wide[128];
    size_t n = 0;

    for (; *s; s++) {
        if (*s == '\n')
            wide[n++] = '\r';
        wide[n++] = (u8)*s;
        if (n < ARRAY_SIZE(wide) - 2 && s[1])
            continue;
        wide[n] = 0;
        loader_table->ConOut->OutputString(loader_table->ConOut, wide);
        n = 0;
    }
}

void say(const char *fmt, ...)
{
    char line[LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    fmt_vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    put_text(line);
}

const char *status_text(EFI_STATUS status)
{
    switch (status) {
    case EFI_NOT_FOUND:
        return "not found";
    case EFI_OUT_OF_RESOURCES:
        return "out of memory";
    case EFI_DEVICE_ERROR:
        return "the device reports an error";
    case EFI_NO_MEDIA:
        return "there is no medium";
    case EFI_MEDIA_CHANGED:
        return "the medium was changed";
    case EFI_VOLUME_CORRUPTED:
        return "the file system is damaged";
    case EFI_ACCESS_DENIED:
        return "access denied";
    case EFI_SECURITY_VIOLATION:
        return "refused by Secure Boot";
    case EFI_UNSUPPORTED:
        return "not supported";
    case EFI_INVALID_PARAMETER:
        return "invalid parameter";
    case EFI_LOAD_ERROR:
        return "not a program for this machine";
    default:
        return "error of the firmware";
    }
}

bool wait_key(u32 tenths, EFI_INPUT_KEY *key)
{
    SIMPLE_INPUT_INTERFACE *in = loader_table->ConIn;

    for (u32 i = 0; i <= 2 * tenths; i++) {
        if (in->ReadKeyStroke(in, key) == EFI_SUCCESS)
            return true;
        if (i < 2 * tenths)
            BOOT->Stall(50000);
    }
    return false;
}

/* The part of the text around `at` that fits one line, and the cursor on it. */
static void draw_line(const char *text, size_t len, size_t at, UINTN row, size_t columns)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = loader_table->ConOut;
    size_t from = at < columns ? 0 : at - columns + 1;
    size_t shown = MIN(len - from, columns);

    out->SetCursorPosition(out, 0, row);
    say("%.*s%*s", (int)shown, text + from, (int)(columns - shown), "");
    out->SetCursorPosition(out, at - from, row);
}

static size_t erase(char *text, size_t len, size_t at)
{
    memmove(text + at, text + at + 1, len - at);
    return len - 1;
}

/* What one key does; true while the line is still being edited. */
static bool edit_key(char *text, size_t size, const EFI_INPUT_KEY *key, size_t *at)
{
    size_t len = strlen(text);

    if (key->ScanCode == SCAN_LEFT)
        *at -= *at > 0;
    else if (key->ScanCode == SCAN_RIGHT)
        *at += *at < len;
    else if (key->ScanCode == SCAN_HOME)
        *at = 0;
    else if (key->ScanCode == SCAN_END)
        *at = len;
    else if (key->ScanCode == SCAN_DELETE && *at < len)
        erase(text, len, *at);
    else if (key->UnicodeChar == KEY_BACK && *at > 0)
        erase(text, len, --*at);
    else if (key->UnicodeChar >= 0x20 && key->UnicodeChar <= 0x7e && len + 1 < size) {
        memmove(text + *at + 1, text + *at, len - *at + 1);
        text[(*at)++] = (char)key->UnicodeChar;
    }
    return key->UnicodeChar != KEY_ENTER;
}

bool edit_line(char *text, size_t size)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = loader_table->ConOut;
    char work[CONFIG_CMDLINE_MAX];
    UINTN columns = 80, rows = 25, row = (UINTN)out->Mode->CursorRow;
    size_t at;
    EFI_INPUT_KEY key;

    out->QueryMode(out, (UINTN)out->Mode->Mode, &columns, &rows);
    str_copy(work, text, sizeof(work));
    at = strlen(work);
    out->EnableCursor(out, TRUE);
    for (;;) {
        draw_line(work, strlen(work), at, row, MAX(columns, (UINTN)2) - 1);
        while (!wait_key(600, &key))
            ; /* a person is typing: the machine waits */
        if (key.ScanCode == SCAN_ESC)
            return false;
        if (!edit_key(work, MIN(size, sizeof(work)), &key, &at))
            break;
    }
    str_copy(text, work, size);
    say("\n");
    return true;
}
