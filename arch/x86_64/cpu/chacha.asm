; SPDX-License-Identifier: MIT
;
; Blocks of ChaCha20 (RFC 8439, 2.3) with SSE2: each row of the state's matrix is a vector, so
; four quarter rounds are done at once. The registers used are the program's and are put back;
; a switch of threads on the way saves and restores them as any others.

bits 64
default rel

%macro ROTATE 2
    movdqa xmm4, %1
    pslld %1, %2
    psrld xmm4, 32 - %2
    por %1, xmm4
%endmacro

; Four quarter rounds: on the columns of xmm0..xmm3.
%macro QUARTERS 0
    paddd xmm0, xmm1
    pxor xmm3, xmm0
    pshuflw xmm3, xmm3, 0xb1 ; by 16 bits
    pshufhw xmm3, xmm3, 0xb1
    paddd xmm2, xmm3
    pxor xmm1, xmm2
    ROTATE xmm1, 12
    paddd xmm0, xmm1
    pxor xmm3, xmm0
    ROTATE xmm3, 8
    paddd xmm2, xmm3
    pxor xmm1, xmm2
    ROTATE xmm1, 7
%endmacro

; Turns the rows so that the diagonals become columns (1), or back (3).
%macro TURN 1
%if %1 == 1
    pshufd xmm1, xmm1, 0x39
    pshufd xmm3, xmm3, 0x93
%else
    pshufd xmm1, xmm1, 0x93
    pshufd xmm3, xmm3, 0x39
%endif
    pshufd xmm2, xmm2, 0x4e
%endmacro

section .rodata
align 16
constants: dd 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574

section .text
global arch_chacha_blocks

; void arch_chacha_blocks(const u32 key[8], u64 counter, void *out, size_t n), n > 0
arch_chacha_blocks:
    sub rsp, 9 * 16
%assign i 0
%rep 9
    movdqu [rsp + i * 16], xmm %+ i
%assign i i + 1
%endrep
    movdqa xmm5, [constants]
    movdqu xmm6, [rdi]
    movdqu xmm7, [rdi + 16]
.block:
    movq xmm8, rsi
    movdqa xmm0, xmm5
    movdqa xmm1, xmm6
    movdqa xmm2, xmm7
    movdqa xmm3, xmm8
    mov eax, 10
.round:
    QUARTERS
    TURN 1
    QUARTERS
    TURN 3
    dec eax
    jnz .round
    paddd xmm0, xmm5
    paddd xmm1, xmm6
    paddd xmm2, xmm7
    paddd xmm3, xmm8
    movdqu [rdx], xmm0
    movdqu [rdx + 16], xmm1
    movdqu [rdx + 32], xmm2
    movdqu [rdx + 48], xmm3
    add rdx, 64
    inc rsi
    dec rcx
    jnz .block
%assign i 0
%rep 9
    movdqu xmm %+ i, [rsp + i * 16]
%assign i i + 1
%endrep
    add rsp, 9 * 16
    ret

section .note.GNU-stack noalloc noexec nowrite progbits ; the host tests link it, too
