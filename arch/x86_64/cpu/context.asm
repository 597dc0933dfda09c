; SPDX-License-Identifier: MIT
;
; Switch of kernel stacks, the first instructions of a new thread, a wait that serves.

bits 64
section .text progbits alloc exec nowrite align=16

global context_switch, thread_start

; context_switch(uintptr_t *save_sp, uintptr_t load_sp)
context_switch:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    mov [rdi], rsp
    mov rsp, rsi
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

; r12: entry, r13: its argument
thread_start:
    xor ebp, ebp
    mov rdi, r13
    call r12
    ud2
