; SPDX-License-Identifier: MIT
;
; Entry by SYSCALL: RCX is the return address, R11 the flags, RSP still the user's.
; Interrupts are off (SFMASK) until the frame is complete. The number is kept in `error`,
; so that a call can be restarted after a signal.
;
; The short way calls the function from here and returns by SYSRET: registers that C keeps
; are where the program left them and are not saved. It is left for the long one, whose
; frame is whole, when the thread has `work` before or after the call, when the call reads
; or writes all registers (its entry is syscall_long), or when it is to start again.

%include "arch/x86_64/cpu/percpu.inc"

bits 64

extern syscall_entry, syscall_leave, syscall_short, user_exit

global syscall_gate, syscall32_gate, syscall_long

%define SHORT_CALLS   512       ; SYSCALL_SHORT of arch/trap.h
%define RESTART_FIRST 516       ; -ERESTART_BLOCK to -ERESTARTSYS are five results
%define RESTARTS      4

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
    PUSH_CHANGED
    sti
    mov rdi, [gs:CPU_CURRENT]
    cmp eax, SHORT_CALLS
    jae .long
    cmp dword [rdi + THREAD_WORK], 0
    jne .long
    and eax, SHORT_CALLS - 1    ; holds under speculation too
    sub rsp, TF_KEPT
    mov rdi, rsp
    call [syscall_short + rax*8]
    lea rcx, [rax + RESTART_FIRST]
    cmp rcx, RESTARTS
    jbe .leave
    cli
    mov rdx, [gs:CPU_CURRENT]
    mov ecx, [gs:CPU_NEED_RESCHED]
    or ecx, [rdx + THREAD_WORK]
    jnz .leave
    mov r11, [rsp + TF_RFLAGS]
    test r11d, RFLAGS_TF_RF
    jnz .leave
    mov rcx, [rsp + TF_RIP]
    mov r10, [rsp + TF_R10]
    mov r9, [rsp + TF_R9]
    mov r8, [rsp + TF_R8]
    mov rdx, [rsp + TF_RDX]
    mov rsi, [rsp + TF_RSI]
    mov rdi, [rsp + TF_RDI]
    mov rsp, [rsp + TF_RSP]
    swapgs
    o64 sysret
.leave:
    mov [rsp + TF_RAX], rax
    add rsp, TF_KEPT
    PUSH_KEPT
    xor ebp, ebp
    mov rdi, rsp
    call syscall_leave          ; returns with interrupts off, work done
    jmp user_exit

; Called by the short way in place of the function.
syscall_long:
    add rsp, 8 + TF_KEPT
syscall_gate.long:
    PUSH_KEPT
    xor ebp, ebp
    mov rdi, rsp
    call syscall_entry          ; returns with interrupts off, work done
    jmp user_exit

; From compatibility mode: there is no 32-bit user segment, so nobody can be there. Uses
; no stack and no GS.
syscall32_gate:
    mov eax, -38                ; ENOSYS
    o32 sysret
