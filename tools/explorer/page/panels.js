/* SPDX-License-Identifier: MIT
 *
 * What stands below the drawing: locks, path, TLBs, counters, memory, frames.
 */
"use strict";

function rows(list) {
    return `<table>${list.map(([cls, ...cells]) => `<tr class="${cls}">${cells.map((c) => `<td>${escapeHtml(String(c))}</td>`).join("")}</tr>`).join("")}</table>`;
}

function lockText(locks) {
    if (!locks.length)
        return "none";
    return locks.map((l) => "  ".repeat(Math.max(l.depth, 0)) + l.name + (l.of ? ` of ${l.of}` : "") + (l.shared ? ", shared" : "") +
                            (l.times > 1 ? `  × ${l.times}` : "")).join("\n");
}

function pathHtml(lines, now) {
    return lines.slice(0, 600).map((l) => {
        const cls = (l.tlb ? "tlb" : "") + (l.at === now ? " now" : "");
        const text = l.tlb ? `TLB of CPU ${l.cpu}: ${l.name} ${l.tlb === "wrong" ? "has become wrong" : "is flushed"}`
                           : `${escapeHtml(l.name)}${l.times > 1 ? ` × ${l.times}` : ""} <span>${l.file}:${l.row}</span>`;

        return `<div class="${cls}" data-at="${l.at}" title="show the structures at this moment">${"&nbsp;".repeat(2 * l.depth)}${text}</div>`;
    }).join("") + (lines.length > 600 ? `<div>… ${lines.length} in all</div>` : "");
}

function tlbHtml(pic) {
    return pic.cpus.map((c, n) => `<h3>CPU ${n}${c.runs ? ` runs ${c.runs}` : ""}</h3>` +
        rows(c.tlb.map(([i, va, frame, r, wrong]) => [wrong ? "wrong" : "", i, "0x" + va, "→ " + frame, r & 1 ? "rw" : "r", wrong ? "WRONG" : ""]))).join("");
}

function counterHtml(pic, before) {
    return rows(Object.entries(pic.counters).map(([k, v]) => {
        const was = before ? before.counters[k] : v;

        return [v !== was ? "new" : "", k, v, v !== was ? "+" + (v - was) : ""];
    }));
}

function memoryHtml(pic) {
    const kinds = { r: "reserved", f: "free", c: "free, in a CPU's list", k: "kernel", s: "slabs", t: "page tables", a: "private memory", o: "pages of files" };
    const list = Object.entries(kinds).map(([k, name]) => ["", name, pic.frames.split(k).length - 1, "frames"]);

    for (const [name, size, objects, slabs] of pic.slabs)
        list.push(["", name, objects * size, `bytes: ${objects} of ${size} in ${slabs} slabs`]);
    list.push(["", "away arrays", pic.away_bytes, "bytes"], ["", "backlink logs", pic.log_bytes, "bytes"]);
    pic.free.forEach((n, order) => n && list.push(["", `free blocks of ${2 ** order}`, n, ""]));
    return rows(list);
}

function framesSvg(pic) {
    let body = "";

    for (let i = 0; i < pic.frames.length;) {
        let n = 1;

        while ((i + n) % 64 && pic.frames[i + n] === pic.frames[i])
            n++;
        body += `<rect x="${i % 64}" y="${Math.floor(i / 64)}" width="${n}" height="1" class="${pic.frames[i]}"/>`;
        i += n;
    }
    return `<svg xmlns="${NS}" viewBox="0 0 64 64" class="map" data-tip="frames"><title>4096 frames</title>${body}</svg>`;
}
