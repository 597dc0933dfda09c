/* SPDX-License-Identifier: MIT
 *
 * The module and its history. A step keeps the blocks of memory that it changed, before and after,
 * so that one can go back and forth; nothing here knows what the memory means.
 */
"use strict";

const BLOCK = 1024; /* words of 32 bits: a page */
const KINDS = ["", "enter", "leave", "lock", "unlock", "wrong", "flushed"];

class Machine {
    static async load(packed, names) {
        const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
        const plain = new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
        const m = new Machine();

        m.module = await WebAssembly.compile(await plain.arrayBuffer());
        m.names = names;
        await m.reset();
        return m;
    }

    async reset() {
        const page = { stopped: () => this.stopped() };

        this.x = (await WebAssembly.instantiate(this.module, { page })).exports;
        this.steps = []; /* steps[i]: line, result, picture, events, blocks */
        this.at = 0; /* steps done */
        this.x.ex_start();
        this.words = new Uint32Array(this.x.memory.buffer);
        this.last = this.words.slice();
        this.first = this.picture();
        /* Not part of the state: the picture's text and the events. */
        this.skip = [[this.place("ex_text"), 1 << 20], [this.place("ex_events"), 32768 * 16]];
    }

    place(name) {
        return Number(this.x[name].value);
    }

    text(at) {
        const bytes = new Uint8Array(this.x.memory.buffer);
        let end = at;

        while (bytes[end])
            end++;
        return new TextDecoder().decode(bytes.subarray(at, end));
    }

    picture() {
        return JSON.parse(this.text(Number(this.x.ex_picture())));
    }

    pictureText() {
        return this.text(Number(this.x.ex_picture()));
    }

    skipped(block) {
        const at = block * BLOCK * 4;

        return this.skip.some(([start, size]) => at >= start && at + BLOCK * 4 <= start + size);
    }

    /* The blocks that differ from what was before, which become it. */
    changes() {
        const now = this.words, last = this.last, found = [];

        for (let b = 0; b * BLOCK < now.length; b++) {
            const start = b * BLOCK, end = start + BLOCK;
            let i = start;

            while (i < end && now[i] === last[i])
                i++;
            if (i === end || this.skipped(b))
                continue;
            found.push({ b, before: last.slice(start, end), after: now.slice(start, end) });
            last.set(now.subarray(start, end), start);
        }
        return found;
    }

    apply(blocks, which) {
        for (const k of blocks) {
            this.words.set(k[which], k.b * BLOCK);
            this.last.set(k[which], k.b * BLOCK);
        }
    }

    /* What a call did, as objects with the name of the function. */
    events() {
        const v = new DataView(this.x.memory.buffer), list = [];
        const n = Math.min(v.getUint32(this.place("ex_nevents"), true), 32768);

        for (let i = 0, p = this.place("ex_events"); i < n; i++, p += 16)
            list.push({ kind: KINDS[v.getUint32(p, true)], id: v.getUint32(p + 4, true),
                        arg: v.getBigUint64(p + 8, true) });
        return list;
    }

    write(line) {
        const bytes = new Uint8Array(this.x.memory.buffer), at = this.place("ex_line");
        const text = new TextEncoder().encode(line).subarray(0, 511);

        bytes.set(text, at);
        bytes[at + text.length] = 0;
    }

    /* Runs a function of the module; what broke, or "". */
    guarded(name) {
        const stack = this.x.__stack_pointer.value;

        try {
            this.x[name]();
            return "";
        } catch (e) {
            this.x.__stack_pointer.value = stack;
            this.x.ex_trace_end();
            return this.text(this.place("ex_panic_text")) || String(e);
        }
    }

    run(line) {
        this.steps.length = this.at;
        this.write(line);
        const step = { line, broken: this.guarded("ex_step") };

        step.result = this.text(this.place("ex_result"));
        step.events = this.events();
        if (!step.broken)
            step.broken = this.guarded("ex_check");
        try {
            step.picture = this.picture();
        } catch (e) {
            step.picture = this.shown();
            step.broken += " (no picture: " + e + ")";
        }
        step.blocks = this.changes();
        this.steps.push(step);
        this.at++;
        return step;
    }

    go(to) {
        while (this.at > to)
            this.apply(this.steps[--this.at].blocks, "before");
        while (this.at < to)
            this.apply(this.steps[this.at++].blocks, "after");
    }

    shown() {
        return this.at ? this.steps[this.at - 1].picture : this.first;
    }

    /* The picture in the middle of the last step, before its event number n; null: there is none. */
    peek(n) {
        const step = this.steps[this.at - 1], v = new DataView(this.x.memory.buffer);

        this.apply(step.blocks, "before");
        this.caught = null;
        v.setUint32(this.place("ex_stop_at"), n, true);
        this.write(step.line);
        this.guarded("ex_step");
        v.setUint32(this.place("ex_stop_at"), 0xffffffff, true);
        this.apply(step.blocks, "after");
        return this.caught;
    }

    stopped() {
        try {
            this.caught = this.picture();
        } catch (e) {
            this.caught = null; /* a structure is being changed just now */
        }
    }
}
