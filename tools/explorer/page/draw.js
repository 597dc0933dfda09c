/* SPDX-License-Identifier: MIT
 *
 * The picture as one SVG: address spaces page by page with entries and away numbers below, tables,
 * files with their pages, arrows between them. Colours carry nothing alone: what is away
 * is dashed, what is stale is crossed, what is absent is hollow.
 */
"use strict";

const CELL = 40, LEFT = 150, MOST = 32; /* pages of an area that are drawn */
const NS = "http://www.w3.org/2000/svg";

const VM = { read: 1, write: 2, exec: 4, shared: 0x100, grows: 0x200, locked: 0x400, sealed: 0x100000 };

class Drawing {
    constructor() {
        this.parts = [];
        this.over = []; /* arrows, above everything */
        this.y = 10;
        this.slots = new Map(); /* "frame:index" -> [x, y] of its entry */
        this.pages = new Map(); /* frame -> [x, y] of the page of a file */
    }

    add(text) {
        this.parts.push(text);
    }

    text(x, y, text, cls = "") {
        this.add(`<text x="${x}" y="${y}" class="${cls}">${escapeHtml(text)}</text>`);
    }

    box(x, y, w, h, cls, tip, title, label = "", labelClass = "mid") {
        this.add(`<g class="thing" tabindex="0" data-tip="${tip}"><title>${escapeHtml(title)}</title>` +
                 `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="3" class="${cls}"/>` +
                 (label === "" ? "" : `<text x="${x + w / 2}" y="${y + h / 2 + 4}" class="${labelClass}">` +
                                      `${escapeHtml(String(label))}</text>`) + "</g>");
    }

    line(a, b, cls, tip, title) {
        const bend = (a[1] + b[1]) / 2;

        this.over.push(`<path class="${cls}" data-tip="${tip}" d="M${a[0]} ${a[1]} C${a[0]} ${bend} ${b[0]} ${bend} ` +
                       `${b[0]} ${b[1]}"><title>${escapeHtml(title)}</title></path>`);
    }

    svg(width) {
        const h = this.y + 10;

        return `<svg xmlns="${NS}" viewBox="0 0 ${width} ${h}" width="${width}" height="${h}" role="img" ` +
               `aria-label="address spaces, tables and files">${this.parts.join("")}${this.over.join("")}</svg>`;
    }
}

function escapeHtml(s) {
    return String(s).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function rights(flags) {
    return (flags & VM.read ? "r" : "-") + (flags & VM.write ? "w" : "-") + (flags & VM.exec ? "x" : "-") +
           (flags & VM.shared ? "s" : "p");
}

/* The leaf table over an address, and what the picture has of the entry there. */
function slotOf(proc, va) {
    const leaf = proc.tables.find((t) => t.level === 0 && BigInt("0x" + t.base) === va / 0x200000n * 0x200000n);
    const i = Number(va / 4096n % 512n);

    if (!leaf)
        return { i };
    return { leaf, i, entry: leaf.has.find((e) => e[0] === i), away: leaf.away.find((e) => e[0] === i) };
}

function drawCell(d, proc, area, k, x, y, pic) {
    const va = BigInt("0x" + area.s) + BigInt(k) * 4096n;
    const { leaf, i, entry, away } = slotOf(proc, va);
    const home = area.home + k, file = pic.files[area.file];
    const page = away ? away[1] : home;
    const hex = "0x" + va.toString(16);
    const there = entry && entry[1] === "p", frame = entry ? entry[2] : 0;
    const owned = file && (file.has.find((p) => p.f === frame) || null);
    const label = file ? page : "";

    d.box(x, y, CELL - 4, 20, away ? "away" : file ? "home" : "anon", away ? "away" : file ? "home" : "anon",
          `${hex}: ${file ? `page ${page} of ${file.name}${away ? `, away from home ${home}` : ", at home"}` : "private memory"}`,
          label);
    d.box(x, y + 22, CELL - 4, 20, there ? (entry[3] & 1 ? "entry writable" : "entry") : entry ? "parked" : "absent",
          there ? "entry" : entry ? "parked" : "absent",
          there ? `entry ${i} of table ${leaf.f}: frame ${frame}, ${entry[3] & 1 ? "writable" : "read only"}, holds ${entry[4]}`
                : entry ? `parked: frame ${frame}` : "no translation: a fault will bring one",
          entry ? frame : "·", "mid small");
    if (leaf)
        d.box(x, y + 44, CELL - 4, 14, away ? "number" : "none", "number",
              away ? `away number: file page ${away[1]}` : "away number 0: at home", away ? away[1] : "", "mid small");
    if (leaf)
        d.slots.set(`${leaf.f}:${i}`, [x + (CELL - 4) / 2, y + 42]);
    if (there && (owned || !file))
        return { from: [x + (CELL - 4) / 2, y + (leaf ? 58 : 42)], frame, away: !!away, hex };
    return null;
}

function drawProcess(d, proc, pic, arrows) {
    d.text(8, d.y + 14, `Process ${proc.name}`, "head");
    d.y += 22;
    drawTables(d, proc);
    for (const area of proc.areas) {
        const n = Number((BigInt("0x" + area.e) - BigInt("0x" + area.s)) / 4096n);
        const file = pic.files[area.file];
        const name = Object.keys(pic.names).find((k) => pic.names[k] === area.s);

        d.box(4, d.y, LEFT - 14, 42, "area", "area",
              `area 0x${area.s} to 0x${area.e}, ${rights(area.flags)}, ${file ? `file ${file.name} from page ${area.home}` : area.file < 0 ? "private memory" : "shared memory without a name"}`);
        d.text(10, d.y + 16, `${name ? name + " " : ""}${rights(area.flags)} ${file ? file.name : area.file < 0 ? "private" : "shared"}` +
               (area.flags & VM.locked ? " locked" : "") + (area.flags & VM.grows ? " stack" : ""), "");
        d.text(10, d.y + 34, "0x" + area.s, "small mono");
        for (let k = 0; k < Math.min(n, MOST); k++) {
            const a = drawCell(d, proc, area, k, LEFT + k * CELL, d.y, pic);

            if (a)
                arrows.push(a);
        }
        if (n > MOST)
            d.text(LEFT + MOST * CELL, d.y + 16, `… ${n} pages`);
        d.y += 66;
    }
    d.y += 6;
}

function drawTables(d, proc) {
    const spots = new Map(), shown = proc.tables.filter((t) => t.level < 4);

    for (let level = 3; level >= 0; level--) {
        shown.filter((t) => t.level === level).forEach((t, k) => {
            const x = LEFT + k * 150, y = d.y + (3 - level) * 30;
            const extra = level ? "" : `${t.naway ? `, ${t.naway} away` : ""}${t.shared ? ", shared" : ""}${t.frozen ? ", frozen" : ""}`;

            d.box(x, y, 142, 20, level ? "table" : "table leaf", level ? "table" : "leaf",
                  `table of level ${level} in frame ${t.f}, from 0x${t.base}: ${t.has.length} entries${extra}`,
                  `${level}: ${t.f} (${t.has.length}${t.shared ? " shared" : ""}${t.frozen ? " frozen" : ""})`, "mid small");
            spots.set(t.f, [x + 71, y]);
        });
    }
    for (const t of shown)
        for (const e of t.has)
            if (e[1] === "t" && spots.has(e[2]))
                d.line([spots.get(t.f)[0], spots.get(t.f)[1] + 20], spots.get(e[2]), "way", "table", `entry ${e[0]}`);
    d.text(10, d.y + 14, "tables, level 3 to 0", "small");
    d.y += 4 * 30 + 4;
}

function drawFile(d, file, backlinks) {
    d.text(8, d.y + 14, `File ${file.name}: ${file.pages} pages`, "head");
    d.y += 36;
    for (let n = 0; n < Math.min(Math.max(file.pages, ...file.has.map((p) => p.n + 1), 0), MOST); n++) {
        const x = LEFT + n * CELL, p = file.has.find((q) => q.n === n);

        d.text(x + CELL / 2 - 2, d.y + 54, n, "mid small");
        if (!p) {
            d.box(x, d.y, CELL - 4, 40, "hole", "hole", `page ${n} of ${file.name}: a hole, reads as zeros`);
            continue;
        }
        d.box(x, d.y, CELL - 4, 40, "page", "page",
              `page ${n} of ${file.name}: frame ${p.f}, holds ${p.w}, ${p.hints.length} backlinks${p.log ? " in a log" : ""}`,
              p.w);
        d.text(x + CELL / 2 - 2, d.y + 35, p.f, "mid small");
        d.pages.set(p.f, [x + CELL / 2 - 2, d.y]);
        p.hints.forEach((h, k) => backlinks.push({ from: [x + 6 + k % 5 * 7, d.y], slot: `${h[0]}:${h[1]}`, live: h[2], run: h[3], n, file }));
    }
    d.y += 66;
}

function drawPicture(pic) {
    const d = new Drawing(), arrows = [], backlinks = [];

    for (const proc of pic.procs)
        drawProcess(d, proc, pic, arrows);
    d.y += 20;
    for (const file of pic.files)
        drawFile(d, file, backlinks);
    for (const a of arrows)
        if (d.pages.has(a.frame))
            d.line(a.from, d.pages.get(a.frame), a.away ? "arrow far" : "arrow near", a.away ? "away" : "home",
                   `${a.hex} shows frame ${a.frame}${a.away ? ", away from home" : ""}`);
    for (const b of backlinks) {
        const to = d.slots.get(b.slot) || [b.from[0] - 20, b.from[1] - 26];

        d.line(b.from, to, b.live ? "back" : "back stale", !b.live ? "stale" : b.run ? "run" : "backlink",
               `${b.run ? "run over" : "backlink of"} page ${b.n} of ${b.file.name} to entry ${b.slot.split(":")[1]} of table ${b.slot.split(":")[0]}: ${b.live ? "live" : "stale"}`);
        if (!b.live)
            d.over.push(`<text x="${to[0]}" y="${to[1]}" class="cross">✕</text>`);
    }
    const longest = Math.max(16, ...pic.procs.flatMap((p) => p.areas.map((a) => Number(BigInt("0x" + a.e) - BigInt("0x" + a.s)) / 4096)),
                             ...pic.files.map((f) => f.pages));

    return d.svg(LEFT + Math.min(longest, MOST) * CELL + 90);
}
