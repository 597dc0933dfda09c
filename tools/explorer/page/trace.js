/* SPDX-License-Identifier: MIT
 *
 * The events of a call as lists: functions, and locks in the order they were taken.
 */
"use strict";

/* Lines {depth, name, file, row, times, at}; equal neighbours are one line. `all`: also lib, and what
 * is inline in headers. */
function tracePath(events, names, all) {
    const lines = [], stack = [];

    events.forEach((e, at) => {
        if (e.kind === "leave") {
            stack.pop();
        } else if (e.kind === "enter") {
            const [name, file, row] = names[e.id] || ["?", "?", 0];
            const shown = all || /^mm.*\.c$/.test(file);
            const depth = stack.filter((s) => s).length;
            const before = lines[lines.length - 1];

            stack.push(shown);
            if (!shown)
                return;
            if (before && before.name === name && before.depth === depth)
                before.times++;
            else
                lines.push({ depth, name, file, row, at, times: 1, arg: e.arg });
        } else if (e.kind === "wrong" || e.kind === "flushed") {
            lines.push({ depth: stack.filter((s) => s).length, tlb: e.kind, cpu: e.id, at, times: 1,
                         name: "0x" + e.arg.toString(16) });
        }
    });
    return lines;
}

function lockName(arg, pic) {
    const letter = String.fromCharCode(Number(arg >> 56n)), n = Number(arg & 0xffffffffffffffn);
    const file = () => (pic.files[n] ? pic.files[n].name : "");

    switch (letter) {
    case "M": return { name: "M", of: "AB"[n], tip: "M" };
    case "O": return { name: "O", of: file(), tip: "O" };
    case "N": return { name: "N", of: file(), tip: "N" };
    case "G": return { name: "log", of: file(), tip: "log" };
    case "T": return { name: "T", of: String(n), tip: "T" };
    case "B": return { name: "buddy", of: "", tip: "buddy" };
    case "S": return { name: "slab", of: "", tip: "slab" };
    default: return { name: "other", of: "", tip: "other" };
    }
}

/* Lines {name, of, depth, shared, times}: depth is how many were held already. */
function traceLocks(events, names, pic) {
    const lines = [], calls = [];
    let held = 0;

    for (const e of events) {
        if (e.kind === "enter")
            calls.push((names[e.id] || ["?"])[0]);
        else if (e.kind === "leave")
            calls.pop();
        if ((e.kind !== "lock" && e.kind !== "unlock") || e.arg >> 56n === 109n /* m: inside M */)
            continue;
        if (e.kind === "unlock") {
            held--;
            continue;
        }
        const l = lockName(e.arg, pic), before = lines[lines.length - 1];

        l.shared = l.name === "M" && calls.some((c) => /shared|read_begin/.test(c));
        l.depth = held++;
        if (before && before.name === l.name && before.of === l.of && before.depth === l.depth)
            before.times++;
        else
            lines.push({ ...l, times: 1 });
    }
    return lines;
}
