; SPDX-License-Identifier: MIT
;
; Switch of kernel stacks, the first instructions of a new thread, a wait that serves.

bits 64
section .text progbits alloc exec nowrite align=16

extern cpu_serve

global context_switch, thread_start, cpu_serve_saving

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

; cpu_serve(), which may use the registers of any call, for callers that have none to spare.
cpu_serve_saving:
    push rbp
    mov rbp, rsp
    push rax
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    and rsp, -16
    cld
    call cpu_serve
    lea rsp, [rbp - 9*8]
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rax
    pop rbp
    ret
