/* SPDX-License-Identifier: MIT
 *
 * Buttons, keys, links: what a reader does with the machine.
 */
"use strict";

const $ = (id) => document.getElementById(id);
const BUTTONS = ["file f 8", "mmap w 8 f at 0x40000000", "load w+1", "store w+1 7", "remap w 1 5", "swap w w+4 4", "rotate w 8 1", "fork",
                 "protect w 2 ro", "punch f 2 1", "truncate f 4", "munmap w 8"];

const view = { machine: null, script: [], exercise: null, inside: null, insideAt: -1 };

/* A script is lines; a line of words behind # tells what the next one does. */
function parseScript(text) {
    const list = [];
    let said = [];

    for (const raw of text.split("\n")) {
        const line = raw.trim();

        if (line.startsWith("#"))
            said.push(line.slice(1).trim());
        else if (line) {
            list.push({ line, said: said.join(" ") });
            said = [];
        }
    }
    return list;
}

function setScript(text) {
    view.script = parseScript(text);
    $("script").value = text;
}

async function restart() {
    await view.machine.reset();
    view.inside = null;
    show();
}

function stepForth() {
    const m = view.machine;

    view.inside = null;
    if (m.at < m.steps.length)
        m.go(m.at + 1);
    else if (m.at < view.script.length && !(m.at && m.steps[m.at - 1].broken))
        m.run(view.script[m.at].line);
    else
        return false;
    show();
    return true;
}

function stepTo(n) {
    view.inside = null;
    view.machine.go(Math.min(n, view.machine.steps.length));
    show();
}

function runLine(line) {
    const m = view.machine, at = m.at;

    view.inside = null;
    m.run(line);
    view.script.length = Math.min(view.script.length, at);
    view.script.push({ line, said: "" });
    $("script").value = view.script.map((s) => (s.said ? `# ${s.said}\n` : "") + s.line).join("\n");
    show();
}

function showSteps() {
    const m = view.machine, list = view.script.map((s, i) => {
        const done = m.steps[i];
        const cls = i + 1 === m.at ? "now" : i + 1 > m.at ? "after" : "";

        return `<li class="${cls}" data-to="${i + 1}">${escapeHtml(s.line)}${done && i < m.at ? `<i>${escapeHtml(done.result)}</i>` : ""}</li>`;
    });

    $("steps").innerHTML = `<li class="${m.at ? "" : "now"}" data-to="0">an empty machine with process A</li>` + list.join("");
    const next = view.script[m.at];
    const done = m.at ? view.script[m.at - 1] : null;

    if (view.exercise)
        $("said").innerHTML = escapeHtml(view.exercise.task) +
            goalStates(view.exercise, m).map(([text, met]) => `<br>${met ? "✓" : "✗"} ${escapeHtml(text)}`).join("");
    else
        $("said").textContent = (done && done.said) || (next && !m.at ? `Next: ${next.said || next.line}` : "");
}

function show() {
    const m = view.machine, step = m.at ? m.steps[m.at - 1] : null;
    const pic = view.inside || m.shown(), before = m.at > 1 ? m.steps[m.at - 2].picture : m.first;

    showSteps();
    $("drawing").innerHTML = drawPicture(pic);
    $("state").className = view.inside ? "inside" : step && step.broken ? "broken" : "";
    $("state").textContent = view.inside ? "In the middle of the call, at the marked line of its path. Step, or click the line again, to leave."
        : step && step.broken ? `An invariant is broken: ${step.broken}` : "";
    $("locks").textContent = step ? lockText(traceLocks(step.events, m.names, step.picture)) : "";
    $("path").innerHTML = step ? pathHtml(tracePath(step.events, m.names, $("inlines").checked), view.inside ? view.insideAt : -1) : "";
    $("tlbs").innerHTML = tlbHtml(pic);
    $("counters").innerHTML = counterHtml(pic, step ? before : null);
    $("memory").innerHTML = memoryHtml(pic);
    $("frames").innerHTML = framesSvg(pic);
}

function lookInside(at) {
    if (view.inside && view.insideAt === at) {
        view.inside = null;
    } else {
        const pic = view.machine.peek(at);

        view.inside = pic;
        view.insideAt = at;
        if (!pic)
            $("help").textContent = "at this moment a structure is being changed: it cannot be drawn";
    }
    show();
}

async function chooseScenario(name) {
    const all = [...DATA.scenarios, ...DATA.exercises];
    const s = all.find((x) => x.name === name) || all.find((x) => x.name === "10-home-and-away");

    $("scenario").value = s.name;
    $("chapter").href = `book/${s.chapter}.html`;
    $("chapter").textContent = `chapter ${s.chapter.slice(0, 2)}`;
    setScript(s.text);
    location.replace("#s=" + s.name);
    view.exercise = s.task ? s : null;
    await restart();
    while (view.exercise && stepForth()); /* what is given */
}

/* The drawing with its colours in it. */
function svgText() {
    const root = getComputedStyle(document.documentElement);
    const css = DATA.drawing.replace(/var\((--\w+)\)/g, (all, name) => root.getPropertyValue(name).trim());

    return $("drawing").innerHTML.replace(/<svg[^>]*>/, (tag) => `${tag}<style>svg { background: ${root.getPropertyValue("--bg").trim()}; } ${css}</style>`);
}

function saveSvg() {
    const a = document.createElement("a");

    a.href = URL.createObjectURL(new Blob([svgText()], { type: "image/svg+xml" }));
    a.download = "tessera.svg";
    a.click();
}

function bind() {
    const options = (list) => list.map((s) => `<option value="${s.name}">${escapeHtml(s.title)}</option>`).join("");

    $("scenario").innerHTML = `<optgroup label="Chapters">${options(DATA.scenarios)}</optgroup><optgroup label="Exercises">${options(DATA.exercises)}</optgroup>`;
    $("scenario").onchange = (e) => chooseScenario(e.target.value);
    $("back").onclick = () => stepTo(Math.max(view.machine.at - 1, 0));
    $("step").onclick = stepForth;
    $("all").onclick = () => { while (stepForth()); };
    $("svg").onclick = saveSvg;
    $("theme").onclick = () => document.documentElement.classList.toggle("dark");
    $("inlines").onchange = show;
    $("link").onclick = () => { location.hash = "script=" + encodeURIComponent($("script").value); $("help").textContent = "the address of this page now carries the script"; };
    $("runall").onclick = async () => { setScript($("script").value); await restart(); while (stepForth()); };
    $("one").onsubmit = (e) => { e.preventDefault(); if ($("line").value.trim()) runLine($("line").value.trim()); };
    $("steps").onclick = (e) => { const li = e.target.closest("li"); if (li) { const to = +li.dataset.to; while (view.machine.at < to && stepForth()); stepTo(to); } };
    $("path").onclick = (e) => { const line = e.target.closest("[data-at]"); if (line) lookInside(+line.dataset.at); };
    $("buttons").innerHTML = BUTTONS.map((b) => `<button data-line="${b}">${b.split(" ")[0]}</button>`).join("");
    $("buttons").onclick = (e) => { if (e.target.dataset.line) { $("line").value = e.target.dataset.line; $("line").focus(); } };
    for (const kind of ["mouseover", "focusin"])
        document.addEventListener(kind, (e) => {
            const g = e.target.closest && e.target.closest("[data-tip]");

            if (g)
                $("tip").innerHTML = tipText(g.dataset.tip, (g.querySelector("title") || { textContent: "" }).textContent);
        });
    document.addEventListener("keydown", (e) => {
        if (/INPUT|TEXTAREA|SELECT/.test(e.target.tagName))
            return;
        const keys = { ArrowRight: "step", ArrowLeft: "back", End: "all", t: "theme", T: "theme" };

        if (e.key === "Home")
            stepTo(0);
        else if (keys[e.key])
            $(keys[e.key]).click();
        else
            return;
        e.preventDefault();
    });
}

async function main() {
    const hash = location.hash.slice(1);

    try {
        view.machine = await Machine.load(DATA.module, DATA.names);
    } catch (e) {
        $("state").className = "broken";
        $("state").textContent = "This browser cannot run the module, which needs WebAssembly with 64-bit memory (Chrome 133, Firefox 134 or later): " + e;
        return;
    }
    bind();
    if (matchMedia("(prefers-color-scheme: dark)").matches)
        document.documentElement.classList.add("dark");
    if (hash.startsWith("script=")) {
        setScript(decodeURIComponent(hash.slice(7)));
        await restart();
        while (stepForth());
    } else {
        await chooseScenario(hash.startsWith("s=") ? hash.slice(2) : "");
    }
    view.ready = true;
    if (hash.startsWith("test="))
        await selfTest(+hash.slice(5));
}

addEventListener("load", main);
