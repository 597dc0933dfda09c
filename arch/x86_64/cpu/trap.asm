; SPDX-License-Identifier: MIT
;
; Entry by interrupt and exception, and every way back to user mode.
;
; From user mode the frame stands at the top of the thread's kernel stack (TSS.rsp0); GS
; is swapped there and back. #DF, NMI, #MC and #DB come on stacks of their own and may hit
; kernel code while GS is still the user's, so they look at the GS base itself: user code
; cannot make it negative, because CR4.FSGSBASE stays off and arch_prctl refuses.
;
; IRETQ may fault on a user context that is not loadable. That fault arrives in kernel
; mode with the user's GS; it is recognised by its address and handed to C as a fault of
; the user.

%include "arch/x86_64/cpu/percpu.inc"

default rel
bits 64

extern trap_user, trap_page_fault, trap_kernel, trap_iret, trap_nmi, trap_fatal, trap_debug_kernel
extern return_to_user

global trap_gates, arch_enter_user, user_exit

section .text.entry progbits alloc exec nowrite align=64

; One entry of 16 bytes for each vector. 8, 10-14, 17, 21, 29, 30 push an error code.
trap_gates:
%assign i 0
%rep 256
    align 16
%if i != 8 && !(i >= 10 && i <= 14) && i != 17 && i != 21 && i != 29 && i != 30
    push strict byte 0
%endif
    push strict dword i
%if i == 1
    jmp debug_entry
%elif i == 2
    jmp nmi_entry
%elif i == 8 || i == 18
    jmp fatal_entry
%elif i == 14
    jmp page_fault_entry
%else
    jmp trap_common
%endif
%assign i i+1
%endrep

    align 64
trap_common:
    PUSH_REGS
    cld
    CLAC
    test byte [rsp + TF_CS], 3
    jz from_kernel
    swapgs
from_user:
    xor ebp, ebp                ; the chain of frames ends here
    mov rdi, rsp
    call trap_user
    jmp user_exit
; As with a system call, what C keeps is saved only when there is work to do.
    align 64
page_fault_entry:
    PUSH_CHANGED
    cld
    CLAC
    test byte [rsp + TF_CS - TF_KEPT], 3
    jz .kernel
    swapgs
    sub rsp, TF_KEPT
    mov rdi, rsp
    call trap_page_fault        ; returns with interrupts off
    add rsp, TF_KEPT
    mov rdx, [gs:CPU_CURRENT]
    mov ecx, [gs:CPU_NEED_RESCHED]
    or ecx, [rdx + THREAD_WORK]
    jnz .work
    POP_CHANGED
    add rsp, 16
    swapgs
    jmp iret_user
.work:
    PUSH_KEPT
    xor ebp, ebp
    mov rdi, rsp
    call return_to_user
    jmp user_exit
.kernel:
    PUSH_KEPT
from_kernel:
    lea rax, [iret_user]
    cmp rax, [rsp + TF_RIP]
    je iret_fault
    mov rdi, rsp
    call trap_kernel
    POP_REGS
    add rsp, 16
    iretq

; The registers are already the user's: trap_iret moves them into the frame at the top of
; the stack and returns its address.
iret_fault:
    swapgs
    xor ebp, ebp
    mov rdi, rsp
    call trap_iret
    mov rsp, rax
    jmp user_exit

; Never returns. Interrupts off first: the frame must not be overwritten.
arch_enter_user:
    cli
    mov rsp, [gs:CPU_KERNEL_STACK]
    sub rsp, TF_SIZE
    xor ebp, ebp
    mov rdi, rsp
    call return_to_user

; rsp: the frame at the top of the stack; interrupts off. SYSRET only for a context that
; it restores completely and that cannot fault in kernel mode.
user_exit:
    mov rcx, [rsp + TF_RIP]
    cmp rcx, [rsp + TF_RCX]
    jne .iret
    mov r11, [rsp + TF_RFLAGS]
    cmp r11, [rsp + TF_R11]
    jne .iret
    test r11d, RFLAGS_TF_RF
    jnz .iret
    mov rax, USER_END
    cmp rcx, rax
    jae .iret
    cmp qword [rsp + TF_CS], USER_CS
    jne .iret
    cmp qword [rsp + TF_SS], USER_SS
    jne .iret
    POP_REGS
    mov rsp, [rsp + TF_RSP - TF_VECTOR]
    swapgs
    o64 sysret
.iret:
    POP_REGS
    add rsp, 16
    swapgs
iret_user:
    iretq

; Sets ebx to whether GS had to be swapped.
%macro PARANOID_GS 0
    cld
    CLAC
    mov ecx, MSR_GS_BASE
    rdmsr
    xor ebx, ebx
    test edx, edx
    js %%done
    swapgs
    inc ebx
%%done:
%endmacro

%macro PARANOID_RETURN 0
    test ebx, ebx
    jz %%kernel
    swapgs
%%kernel:
    POP_REGS
    add rsp, 16
    iretq
%endmacro

nmi_entry:
    PUSH_REGS
    PARANOID_GS
    mov rdi, rsp
    call trap_nmi
    PARANOID_RETURN

fatal_entry:
    PUSH_REGS
    PARANOID_GS
    mov rdi, rsp
    call trap_fatal
    ud2

; From user mode a debug trap becomes a signal, so it moves to the thread's stack.
debug_entry:
    PUSH_REGS
    test byte [rsp + TF_CS], 3
    jz .kernel
    cld
    CLAC
    swapgs
.move:
    mov rsi, rsp
    mov rdi, [gs:CPU_KERNEL_STACK]
    sub rdi, TF_SIZE
    mov rax, rdi
    mov ecx, TF_SIZE / 8
    rep movsq
    mov rsp, rax
    jmp from_user
.kernel:
    PARANOID_GS
    mov rdi, rsp
    call trap_debug_kernel
    test al, al
    jnz .move                   ; the frame is the program's
    PARANOID_RETURN
