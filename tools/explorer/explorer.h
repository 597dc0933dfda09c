/* SPDX-License-Identifier: MIT
 *
 * The explorer: Tessera's memory manager in a machine of 16 MiB with two CPUs, driven by lines of
 * a script, looked at through a picture in JSON. The same sources make the module in
 * build/explorer.html and a program of this machine; for one script both give the same pictures.
 *
 *   port.c     what mm/port.h asks for        script.c   lines, words, addresses
 *   machine.c  TLBs, accesses of programs     calls.c    what the lines do
 *   trace.c    functions, locks, stale TLB    files.c, rearrange.c  and these
 *   main.c     the two ways in                picture.c  the structures as JSON
 */
#pragma once

#include "lib/types.h"
#include "mm/op/fault_handle.h"
#include "mm/port.h"

struct vm_object;

/* ---- port.c ---- */

void ex_boot(void);
/* What panic() said; empty: nothing. */
extern char ex_panic_text[512];
/* Ends the call after panic(): a trap in WebAssembly, the end of the program elsewhere. */
noreturn void ex_stop(void);

/* ---- machine.c ---- */

#define TLB_SLOTS 16u

struct ex_translation {
    bool valid, wrong; /* wrong: the tables say something else by now */
    vaddr_t va;
    pte_t pte;
};

struct ex_tlb {
    struct ex_translation slot[TLB_SLOTS]; /* by page number */
    u32 used;
};

extern struct ex_tlb ex_tlbs[EX_CPUS];

/* One access by the running CPU to the word at va. *hit: no walk was needed. */
enum fault_result ex_access(struct mm *mm, vaddr_t va, u32 kind, u32 *word, bool *hit);
/* Marks the translations that have become wrong, on all CPUs. */
void ex_tlb_look(void);
/* Takes mm off every CPU. */
void ex_unload(struct mm *mm);

/* ---- script.c and calls.c ---- */

#define EX_PROCS 2u
#define EX_FILES 4u
#define EX_NAMES 16u
#define EX_LABEL 8u

/* A place that a script has named: the same in all processes. */
struct ex_name {
    char name[EX_LABEL];
    vaddr_t va;
};

struct ex_file {
    char name[EX_LABEL];
    struct vm_object *object;
};

extern struct mm *ex_procs[EX_PROCS]; /* A and B; NULL: there is none */
extern struct ex_file ex_files[EX_FILES];
extern struct ex_name ex_names[EX_NAMES];

/* A line cut into words. */
struct ex_words {
    u32 n, next;
    char *word[32];
};

/* Runs one line. What came of it is in ex_result; false: it is no line of the language. */
bool ex_run(char *line);
extern char ex_result[512];
void ex_say(const char *fmt, ...) printf_like(1, 2);
/* "= name" or "= 0", and the text behind it. */
void ex_say_error(s64 err);

/* The next word, or NULL. */
char *ex_word(struct ex_words *w);
/* Whether the next word is this one; then it is taken. */
bool ex_take(struct ex_words *w, const char *text);
/* An address: 0x..., a name, name+pages. A number of pages or bytes. false: it is none. */
bool ex_address(struct ex_words *w, vaddr_t *va);
bool ex_number(struct ex_words *w, u64 *n);
struct ex_file *ex_find_file(const char *name);
struct ex_name *ex_set_name(const char *name, vaddr_t va);

struct ex_command {
    const char *name;
    bool (*run)(struct mm *mm, struct ex_words *w); /* false: bad words */
    const char *help;
};
extern const struct ex_command ex_commands[];

/* The object of the file that the next word names, which is taken then, or NULL. */
struct vm_object *ex_take_file(struct ex_words *w);

bool ex_run_file(struct mm *mm, struct ex_words *w);
bool ex_run_punch(struct mm *mm, struct ex_words *w);
bool ex_run_allocate(struct mm *mm, struct ex_words *w);
bool ex_run_truncate(struct mm *mm, struct ex_words *w);
bool ex_run_remap(struct mm *mm, struct ex_words *w);
bool ex_run_remapv(struct mm *mm, struct ex_words *w);
bool ex_run_swap(struct mm *mm, struct ex_words *w);
bool ex_run_rotate(struct mm *mm, struct ex_words *w);
bool ex_run_clone(struct mm *mm, struct ex_words *w);
bool ex_run_query(struct mm *mm, struct ex_words *w);

/* ---- picture.c ---- */

/* The picture as JSON, terminated; the same text for the same state everywhere. */
const char *ex_picture(void);

/* ---- trace.c ---- */

enum ex_kind { EX_ENTER = 1, EX_LEAVE, EX_LOCK, EX_UNLOCK, EX_WRONG, EX_FLUSHED };

struct ex_event {
    u32 kind;
    u32 id;  /* of the function; WRONG, FLUSHED: CPU */
    u64 arg; /* its first argument; locks: ex_lock_name; WRONG, FLUSHED: address */
};

#define EX_EVENTS 32768u

extern struct ex_event ex_events[EX_EVENTS];
extern u32 ex_nevents; /* more than EX_EVENTS: the last ones are lost */

void ex_trace_begin(void);
void ex_trace_end(void);
void ex_trace_add(enum ex_kind kind, u32 id, u64 arg);
