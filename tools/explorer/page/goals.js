/* SPDX-License-Identifier: MIT
 *
 * Exercises: a state to begin with, and what must hold at the end.
 */
"use strict";

/* The pages of files that the addresses from `name` on show in process A. */
function pagesShown(pic, name, count) {
    const start = BigInt("0x" + pic.names[name]), list = [];

    for (let k = 0n; k < count; k++) {
        const va = start + k * 4096n, proc = pic.procs[0];
        const area = proc.areas.find((a) => BigInt("0x" + a.s) <= va && va < BigInt("0x" + a.e));
        const slot = slotOf(proc, va);

        list.push(!area ? -1 : slot.away ? slot.away[1] : area.home + Number((va - BigInt("0x" + area.s)) / 4096n));
    }
    return list;
}

/* Addresses of process A that show page n of the first file. */
function timesShown(pic, n) {
    let times = 0;

    for (const a of pic.procs[0].areas.filter((x) => x.file === 0))
        for (let va = BigInt("0x" + a.s), k = 0; va < BigInt("0x" + a.e); va += 4096n, k++) {
            const slot = slotOf(pic.procs[0], va);

            times += (slot.away ? slot.away[1] : a.home + k) === n;
        }
    return times;
}

function goalMet(goal, pic, steps, given) {
    const [kind, ...w] = goal.split(" "), last = steps[steps.length - 1];
    const proc = pic.procs.find((p) => p.name === w[0]);

    switch (kind) {
    case "shows": return pagesShown(pic, w[0], w.length - 1).join(" ") === w.slice(1).join(" ");
    case "areas": return proc.areas.length === +w[1];
    case "calls": return steps.length - given <= +w[0];
    case "memory": return pic[w[0]] === +w[1];
    case "counter": return pic.counters[w[0]] === +w[1];
    case "count": return timesShown(pic, +w[0]) === +w[1];
    case "result": return last.result.includes(w.join(" "));
    case "word": {
        const slot = proc && slotOf(proc, BigInt("0x" + pic.names[w[1]]));

        return !!slot && !!slot.entry && slot.entry[4] === +w[2];
    }
    default: return false;
    }
}

const GOALS = {
    shows: (w) => `from ${w[0]} on the pages ${w.slice(1).join(" ")} are shown`, areas: (w) => `${w[0]} has ${w[1]} area(s)`,
    calls: (w) => `at most ${w[0]} call(s)`, memory: (w) => `${w[0]} is ${w[1]}`, counter: (w) => `counter ${w[0]} is ${w[1]}`,
    count: (w) => `page ${w[0]} is shown at ${w[1]} addresses`, result: (w) => `the last line ends with ${w.join(" ")}`,
    word: (w) => `${w[0]} has the word ${w[2]} at ${w[1]}`,
};

/* Goals of an exercise as [text, met]. */
function goalStates(x, machine) {
    const steps = machine.steps.slice(0, machine.at);

    return x.goals.map((g) => {
        const [kind, ...w] = g.split(" ");

        return [GOALS[kind](w), steps.length >= x.given && goalMet(g, machine.shown(), steps, x.given)];
    });
}
