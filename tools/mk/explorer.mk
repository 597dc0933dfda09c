# SPDX-License-Identifier: MIT
#
# The explorer, one page: lib and mm, unmodified, as WebAssembly in tools/explorer's machine. They
# are compiled as the host tests compile them (every check on) by clang, for a CPU with 64-bit
# addresses; between clang's two halves tools/explorer/instrument.py has each function
# say that it is entered and left. The same sources make a program of this machine, with which
# the page is compared.

EXPLORER := $(O)/explorer.html
EXPLORER_OUT := $(O)/explorer
EXPLORER_OWN := $(sort $(wildcard tools/explorer/*.c))
EXPLORER_C   := $(filter-out lib/kcsan.c lib/lockdep.c lib/lockdep_graph.c,$(LIB_C))

EXPLORER_COMMON := -std=gnu17 -DTESSERA_HOST -fno-strict-aliasing -I. -Itools/explorer -Iarch/include \
    -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes
EXPLORER_WASM   := --target=wasm64 -O2 -mbulk-memory -mmutable-globals
EXPLORER_CFLAGS := $(EXPLORER_COMMON) $(EXPLORER_WASM) -ffreestanding -nostdlibinc -isystem tools/explorer/libc
EXPLORER_EXPORTS := ex_start ex_step ex_check ex_picture ex_trace_end ex_line ex_result ex_panic_text ex_text \
    ex_events ex_nevents ex_stop_at __stack_pointer
EXPLORER_OBJS := $(EXPLORER_C:%.c=$(EXPLORER_OUT)/%.o) $(EXPLORER_OWN:%.c=$(EXPLORER_OUT)/%.o)
EXPLORER_HOST := $(EXPLORER_OUT)/host/explorer
EXPLORER_HOST_OBJS := $(patsubst %.c,$(EXPLORER_OUT)/host/%.o,$(EXPLORER_C) $(filter-out %/libc.c,$(EXPLORER_OWN)))

# lib and mm: to LLVM's own language, instrumented, then optimised as ever. Each file has 256 numbers
# for its functions.
$(EXPLORER_C:%.c=$(EXPLORER_OUT)/%.o): $(EXPLORER_OUT)/%.o: %.c tools/explorer/instrument.py
	mkdir -p $(@D)
	$(call say,WASM ,$<)
	clang-14 $(EXPLORER_CFLAGS) -g1 -Xclang -disable-llvm-passes -S -emit-llvm -MMD -MP -MT $@ -MF $(@:.o=.d) \
	    -o $(@:.o=.ll) $<
	tools/explorer/instrument.py $(@:.o=.ll) $(@:.o=.in.ll) $(@:.o=.names) \
	    $$(( $$(printf '%s\n' $(EXPLORER_C) | grep -nxF $< | cut -d: -f1) * 256 ))
	clang-14 $(EXPLORER_WASM) -Wno-override-module -c -o $@ $(@:.o=.in.ll)

$(EXPLORER_OWN:%.c=$(EXPLORER_OUT)/%.o): $(EXPLORER_OUT)/%.o: %.c
	mkdir -p $(@D)
	$(call say,WASM ,$<)
	clang-14 $(EXPLORER_CFLAGS) -MMD -MP -c -o $@ $<

$(EXPLORER_OUT)/explorer.wasm: $(EXPLORER_OBJS)
	wasm-ld-14 -mwasm64 --no-entry --strip-all -z stack-size=262144 $(EXPLORER_EXPORTS:%=--export=%) -o $@ $^

$(EXPLORER): $(EXPLORER_OUT)/explorer.wasm $(wildcard tools/explorer/page/* tools/explorer/scenarios/* tools/explorer/exercises/*) tools/explorer/build.py
	cat $(EXPLORER_C:%.c=$(EXPLORER_OUT)/%.names) >$(EXPLORER_OUT)/names
	tools/explorer/build.py $< $(EXPLORER_OUT)/names $@

# gcc's own way of telling: the tours print where a call went.
$(EXPLORER_OUT)/host/%.o: %.c
	mkdir -p $(@D)
	$(CC) $(EXPLORER_COMMON) -O0 -g1 -fno-pie $(if $(filter $<,$(EXPLORER_C)),-finstrument-functions) -MMD -MP -c -o $@ $<

$(EXPLORER_HOST): $(EXPLORER_HOST_OBJS)
	$(CC) -no-pie -o $@ $^

TOUR = tools/explorer/tour.py $(EXPLORER_HOST)
TEST_EXPLORER = tools/explorer/test.py $(O) $(SEED)

-include $(EXPLORER_OBJS:.o=.d) $(EXPLORER_HOST_OBJS:.o=.d)
