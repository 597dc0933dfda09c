/* SPDX-License-Identifier: MIT
 *
 * #test: the page runs every scenario and prints what the host build must print too, into #report;
 * tools/explorer/test.py reads that.
 */
"use strict";

const complaints = [];

addEventListener("error", (e) => complaints.push(`error: ${e.message}`));
addEventListener("unhandledrejection", (e) => complaints.push(`rejection: ${e.reason}`));
for (const kind of ["error", "warn"]) {
    const old = console[kind];

    console[kind] = (...args) => { complaints.push(`console.${kind}: ${args.join(" ")}`); old(...args); };
}

function mustBe(cond, text) {
    if (!cond)
        complaints.push(text);
}

/* CRC-32, as Python's zlib has it. */
const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++)
        n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
});

function sum(text) {
    let h = ~0;

    for (const c of new TextEncoder().encode(text))
        h = CRC[(h ^ c) & 255] ^ (h >>> 8);
    return (~h >>> 0).toString(16).padStart(8, "0");
}

async function testScenario(s, report) {
    await chooseScenario(s.name);
    const texts = [view.machine.pictureText()];

    report.push(`scenario ${s.name}`);
    while (stepForth()) {
        const m = view.machine, step = m.steps[m.at - 1];

        texts.push(m.pictureText());
        report.push(`step ${step.line} | ${step.result} | ${sum(texts[m.at])}`);
        mustBe(!step.broken, `${s.name}, ${step.line}: ${step.broken}`);
        mustBe(!/(no such command|[A-Z-]+ \[|ADDRESS)/.test(step.result), `${s.name}: ${step.line}: ${step.result}`);
        mustBe(step.events.length > 0, `${s.name}, ${step.line}: no events`);
    }
    mustBe(view.machine.at === view.script.length, `${s.name} stops at step ${view.machine.at}`);
    testHistory(s, texts);
}

/* Back and forth gives the same pictures; a look into the middle of a call leaves no trace. */
function testHistory(s, texts) {
    const m = view.machine;

    for (let i = m.at; i >= 0; i--) {
        stepTo(i);
        mustBe(m.pictureText() === texts[i], `${s.name}: back at step ${i} the picture differs`);
    }
    for (let i = 1; i < texts.length; i++) {
        stepTo(i);
        for (const part of [4, 2, 1])
            lookInside(Math.floor(m.steps[i - 1].events.length / part) - 1);
        stepTo(i);
        mustBe(m.pictureText() === texts[i], `${s.name}: forth at step ${i} the picture differs`);
    }
}

/* Not solved by what is given, solved by the solution. */
async function testExercise(x, report) {
    await chooseScenario(x.name);
    const m = view.machine, met = () => goalStates(x, m).every(([, yes]) => yes);

    report.push(`scenario ${x.name}`);
    mustBe(m.at === x.given && !met(), `${x.name}: solved before it begins`);
    for (const line of x.solution)
        runLine(line);
    m.steps.forEach((s) => mustBe(!s.broken, `${x.name}: ${s.line}: ${s.broken}`));
    mustBe(met(), `${x.name}: not solved: ${goalStates(x, m).map((g) => g.join(" "))}`);
}

/* Lines at random; those that make no sense are answered with an error, which is an answer too. */
function randomLine(random) {
    const n = (below) => random() % below;
    const proc = n(4) ? "" : "B ", cpu = n(6) ? "" : "@" + n(2) + " ", who = cpu ? cpu : proc;
    const place = () => ["w", "v", "p"][n(3)] + "+" + n(12), file = () => "fg"[n(2)];
    const rights = () => ["none", "ro", "rw"][n(3)];

    switch (n(22)) {
    case 0: return `${who}mmap w 12 f ${n(6)} at 0x40000000`;
    case 1: return `${who}mmap v 12 g at 0x401fa000`;
    case 2: return `${who}mmap p 12 ${n(2) ? "f private " : ""}at 0x50000000`;
    case 3: case 4: return `${who}load ${place()}`;
    case 5: case 6: case 7: return `${who}store ${place()} ${n(1000)}`;
    case 8: case 9: return `${who}remap ${place()} ${1 + n(4)} ${n(14)}${n(3) ? "" : " nonblock"}`;
    case 10: return `${who}remapv ${place()} ${1 + n(3)} ${n(12)} , ${place()} 1 ${n(12)}${n(2) ? " atomic" : ""}`;
    case 11: return `${who}swap ${place()} ${place()} ${1 + n(4)}`;
    case 12: return `${who}rotate ${place()} ${1 + n(6)} ${n(9)}`;
    case 13: return n(2) ? "fork" : "B exit";
    case 14: return `${who}protect ${place()} ${1 + n(6)} ${rights()}`;
    case 15: return `punch ${file()} ${n(14)} ${1 + n(4)}`;
    case 16: return `truncate ${file()} ${n(16)}`;
    case 17: return `${who}munmap ${place()} ${1 + n(5)}`;
    case 18: return `${who}madvise ${place()} ${1 + n(5)} ${["dontneed", "remove", "willneed"][n(3)]}`;
    case 19: return `${who}mremap ${place()} ${1 + n(4)} ${1 + n(8)} as p`;
    case 20: return n(2) ? `fail ${1 + n(6)}` : `${who}query ${place()} ${1 + n(5)}`;
    default: return n(3) ? `${who}mlock ${place()} ${1 + n(4)}${n(2) ? " not" : ""}` : `allocate ${file()} ${n(14)} ${1 + n(5)}`;
    }
}

/* 32 bits, from a seed (xorshift). */
function randomNumbers(seed) {
    let x = seed || 1;

    return () => {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        return x >>> 0;
    };
}

async function testRandom(report, seed, count) {
    const random = randomNumbers(seed), m = view.machine, first = ["file f 16", "file g 12 empty", "mmap w 12 f at 0x40000000"];

    for (let i = 0; i < count; i++) {
        if (i % 100 === 0) {
            await m.reset();
            report.push("scenario random");
        }
        const step = m.run(first[i % 100] || randomLine(random));

        report.push(`step ${step.line} | ${step.result} | ${sum(m.pictureText())}`);
        mustBe(!step.broken, `random step ${i}, seed ${seed}: ${step.line}: ${step.broken}`);
        if (i % 10 === 0)
            show();
    }
}

async function selfTest(seed) {
    const report = [], started = performance.now();

    for (const s of DATA.scenarios)
        await testScenario(s, report);
    for (const x of DATA.exercises)
        await testExercise(x, report);
    await testRandom(report, seed, 1000);
    mustBe(/<style>[^]*#0072b2|rgb/.test(svgText()), "no SVG with its colours");
    await chooseScenario("10-home-and-away");
    while (stepForth());
    report.push("complaints " + complaints.length, ...complaints, `milliseconds ${Math.round(performance.now() - started)}`, "end");
    $("report").textContent = report.join("\n");
    document.title = "tested";
}
