/* SPDX-License-Identifier: MIT
 *
 * One sentence for each kind of thing, and the chapter that tells more.
 */
"use strict";

const TIPS = {
    area: ["An area (struct vma): a range of addresses with one object, one first page, one set of rights.", "05-address-spaces"],
    home: ["Home: the address shows the file page that the area's linear rule gives.", "10-home-and-away"],
    away: ["Away: the address shows another page than its home; the number stands beside the leaf table.", "10-home-and-away"],
    anon: ["Private memory: a page of this process alone, or shared with a child until one of them writes.", "08-copy-on-write"],
    entry: ["A page-table entry: the translation that a CPU finds; only a cache of what areas and numbers say.", "04-page-tables"],
    absent: ["No translation: the next access faults, and the fault brings the right page.", "06-faults"],
    parked: ["Parked: private memory whose area has lost all rights keeps its page in a not-present entry.", "04-page-tables"],
    number: ["The away number of this entry: file page plus one in the array, 0 for home.", "10-home-and-away"],
    table: ["A page table of an upper level: its entries lead to tables.", "04-page-tables"],
    leaf: ["A leaf table: 512 entries for 2 MiB, with an away array when something in it is not at home.", "04-page-tables"],
    page: ["A page of the file: its first word, its frame; all mappings that show it see the same bytes.", "07-objects"],
    hole: ["A hole of the file: reads as zeros, costs nothing.", "07-objects"],
    backlink: ["A live backlink: from the page to an entry that shows it away from home; truncate goes this way.", "09-reverse-mapping"],
    run: ["A run: one word for the backlinks of neighbours that are shown by neighbours; each page in it proves itself.", "09-reverse-mapping"],
    stale: ["A stale backlink: the entry shows something else by now; it does no harm and goes when the place is needed.", "09-reverse-mapping"],
    M: ["M, the lock of an address space's areas; shared for faults and remaps.", "12-locking"],
    O: ["O, the lock of an object: who maps it, which pages it has.", "12-locking"],
    T: ["T, the lock of one leaf table: its entries and away numbers.", "12-locking"],
    N: ["N, the lock of one leaf of an object's index: 64 pages and their backlinks.", "12-locking"],
    tlb: ["A TLB entry: what this CPU remembers; it must go before the frame may be used for something else.", "04-page-tables"],
    frames: ["All 4096 frames of this machine by owner.", "03-pages"],
    counters: ["The counters of /proc/vmstat; what the last step has moved is marked.", "06-faults"],
    memory: ["What the structures take.", "03-pages"],
};

function tipText(kind, title) {
    const [sentence, chapter] = TIPS[kind] || ["", ""];

    return `<b>${escapeHtml(title || "")}</b> ${escapeHtml(sentence)}` +
           (chapter ? ` <a href="book/${chapter}.html">chapter ${chapter.slice(0, 2)}</a>` : "");
}
