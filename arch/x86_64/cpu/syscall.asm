; SPDX-License-Identifier: MIT
;
; Entry by SYSCALL: RCX is the return address, R11 the flags, RSP still the user's.
; Interrupts are off (SFMASK) until the frame is complete. The number is kept in `error`,
; so that a call can be restarted after a signal.

%include "arch/x86_64/cpu/percpu.inc"

bits 64

extern syscall_entry, user_exit

global syscall_gate, syscall32_gate

section .text.entry progbits alloc exec nowrite align=64

syscall_gate:
    swapgs
    mov [gs:CPU_SCRATCH], rsp
    mov rsp, [gs:CPU_KERNEL_STACK]
    push qword USER_SS
    push qword [gs:CPU_SCRATCH]
    push r11
    push qword USER_CS
    push rcx
    push rax
    push qword TRAP_SYSCALL
    PUSH_REGS
    xor ebp, ebp
    sti
    mov rdi, rsp
    call syscall_entry          ; returns with interrupts off, work done
    jmp user_exit

; From compatibility mode: there is no 32-bit user segment, so nobody can be there. Uses
; no stack and no GS.
syscall32_gate:
    mov eax, -38                ; ENOSYS
    o32 sysret
