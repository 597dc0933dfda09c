/* SPDX-License-Identifier: MIT
 *
 * Search: pages that have all the words, those with them in the title first.
 */
"use strict";

function find(question) {
    const words = question.toLowerCase().split(/\s+/).filter((w) => w);
    const hits = [];

    for (const [place, title, text] of words.length ? TEXTS : []) {
        const low = text.toLowerCase(), head = title.toLowerCase();
        const score = words.reduce((sum, w) => sum + low.split(w).length - 1 + (head.includes(w) ? 1000 : 0), 0);

        if (words.every((w) => low.includes(w) || head.includes(w)))
            hits.push({ place, title, score, around: around(text, low.indexOf(words[0]), words[0].length) });
    }
    return hits.sort((a, b) => b.score - a.score).slice(0, 20);
}

function around(text, at, length) {
    const escape = (s) => s.replace(/&/g, "&amp;").replace(/</g, "&lt;");
    const from = Math.max(at - 60, 0);

    return `${escape(text.slice(from, at))}<mark>${escape(text.slice(at, at + length))}</mark>${escape(text.slice(at + length, at + 120))}`;
}

const input = document.getElementById("search");

input.addEventListener("input", () => {
    document.getElementById("found").innerHTML = find(input.value)
        .map((h) => `<li><a href="${input.dataset.up}${h.place}">${h.title.replace(/</g, "&lt;")}</a><br>… ${h.around} …</li>`).join("");
});
document.addEventListener("keydown", (e) => {
    if (e.key === "/" && e.target !== input) {
        e.preventDefault();
        input.focus();
    }
});
