/* SPDX-License-Identifier: MIT
 *
 * The menu of the configuration's entries: arrows or digits and Enter, `e` edits the command
 * line first, Escape goes back to the firmware. Drawn with text calls only, so that it works
 * on a serial console as well.
 */
#include "arch/x86_64/boot/uefi/menu.h"
#include "arch/x86_64/boot/uefi/console.h"
#include "arch/x86_64/boot/uefi/loader.h"

#define KEY_ENTER  0x0d
#define TOP_ROW    2
#define NO_TIMEOUT 0xffffffffu

static void draw(const struct config *c, u32 at, u32 seconds)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = loader_table->ConOut;

    for (u32 i = 0; i < c->nentries; i++) {
        out->SetCursorPosition(out, 0, TOP_ROW + i);
        out->SetAttribute(out, i == at ? EFI_TEXT_ATTR(EFI_BLACK, EFI_LIGHTGRAY)
                                       : EFI_TEXT_ATTR(EFI_LIGHTGRAY, EFI_BLACK));
        say(" %c %2u  %-*s", i == at ? '>' : ' ', i + 1, CONFIG_NAME_MAX,
            c->entries[i].name);
    }
    out->SetAttribute(out, EFI_TEXT_ATTR(EFI_LIGHTGRAY, EFI_BLACK));
    out->SetCursorPosition(out, 0, TOP_ROW + c->nentries + 1);
    say("Up, Down, digits: choose   Enter: boot   e: edit the command line   Esc: "
        "firmware\n");
    if (seconds != NO_TIMEOUT)
        say("Boots in %u s. ", seconds);
    else
        say("                ");
}

/* The entry after one key; Enter and Escape are the caller's. */
static u32 move(const struct config *c, u32 at, const EFI_INPUT_KEY *key)
{
    u32 digit = (u32)key->UnicodeChar - '1';

    if (key->ScanCode == SCAN_UP)
        return at ? at - 1 : c->nentries - 1;
    if (key->ScanCode == SCAN_DOWN)
        return at + 1 < c->nentries ? at + 1 : 0;
    return digit < c->nentries && digit < 9 ? digit : at;
}

static bool edit_entry(struct config_entry *e)
{
    say("\n\nCommand line of \"%s\" (Enter: boot, Esc: give up):\n", e->name);
    return edit_line(e->cmdline, sizeof(e->cmdline));
}

struct config_entry *menu_choose(struct config *c)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = loader_table->ConOut;
    u32 at = c->chosen, seconds = c->timeout;
    EFI_INPUT_KEY key;

    out->ClearScreen(out);
    say("Tessera\n");
    while (seconds > 0) {
        draw(c, at, seconds);
        if (!wait_key(10, &key)) {
            seconds -= seconds != NO_TIMEOUT;
            continue;
        }
        seconds = NO_TIMEOUT; /* somebody is there */
        if (key.ScanCode == SCAN_ESC)
            return NULL;
        if (key.UnicodeChar == KEY_ENTER)
            break;
        if ((key.UnicodeChar == 'e' || key.UnicodeChar == 'E') &&
            !c->entries[at].chain[0]) {
            if (edit_entry(&c->entries[at]))
                break;
            out->ClearScreen(out);
            say("Tessera\n");
            continue;
        }
        at = move(c, at, &key);
    }
    say("\n");
    return &c->entries[at];
}
