# Benchmarks: `make bench`, `make bench-quick`; docs/bench.md. The Makefile includes this after guest/guest.mk.
#
# BENCH_GUESTS are flat images, and PVH images as NAME.elf for QEMU. They use the guests' library. The peers that
# start neither format have the tiny guest in their own form. Peers' programs are found in PATH, or named:
# `make bench QEMU=PROGRAM KVMTOOL=PROGRAM SOLO5_HVT=PROGRAM`; make exports these.

BENCH_BUILD  := $(BUILD)/bench
BENCH_GUESTS := out store version load smp doorbell ring hello used step

BENCH_FLOOR_OBJECTS := $(BUILD)/bench/floor.o $(BUILD)/bench/floor_guest.o
BENCH_PROGRAMS      := $(addprefix $(BENCH_BUILD)/,floor launch dispatch)
BENCH_GUEST_IMAGES  := $(BENCH_GUESTS:%=$(GUEST_BUILD)/bench/%.bin) \
	$(addprefix $(GUEST_BUILD)/bench/,hello_kvmtool.bin hello_hvt.elf)

$(BENCH_BUILD)/floor: $(BENCH_FLOOR_OBJECTS)
$(BENCH_BUILD)/launch: $(BUILD)/bench/launch.o
$(BENCH_BUILD)/dispatch: $(BUILD)/bench/dispatch.o $(BUILD)/bench/dispatch_machine.o $(LIBRARY_OBJECTS)
# Without debug information: Valgrind may not support the compiler's format.
$(BENCH_BUILD)/dispatch: LDFLAGS += -Wl,--strip-debug
$(BENCH_PROGRAMS):
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ -lm

# A minimal stub outside the monitor.
$(BENCH_BUILD)/stub.so: examples/stub.c include/minivmm.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(WARNINGS) $(CFLAGS) -fPIC -Iinclude $(LDFLAGS) -shared -o $@ $<

# A guest from one source, with the entry for PVH unless it has its own.
BENCH_GUEST_PVH := $(GUEST_BUILD)/64/bench/guests/pvh.o $(GUEST_BUILD)/64/guest/lib/start64.o
$(GUEST_BUILD)/bench/hello.elf: BENCH_ENTRY = _start
$(GUEST_BUILD)/bench/hello.elf: $(GUEST_BUILD)/64/bench/guests/hello.o
$(foreach guest,$(filter-out hello,$(BENCH_GUESTS)),$(eval $(GUEST_BUILD)/bench/$(guest).elf: \
	$(BENCH_GUEST_PVH) $(GUEST_BUILD)/64/bench/guests/$(guest).o $(GUEST_BUILD)/lib64.a))
$(BENCH_GUESTS:%=$(GUEST_BUILD)/bench/%.elf): guest/lib/flat.ld
	@mkdir -p $(@D)
	$(call say,LD,$@)$(GUEST_LD) $(GUEST_LINK_64) -nostdlib --gc-sections --build-id=none \
	    -z noexecstack --no-warn-rwx-segments -o $@ $(filter %.o %.a,$^)

$(GUEST_BUILD)/bench/hello_kvmtool.elf: $(GUEST_BUILD)/16/bench/guests/hello_kvmtool.o
	@mkdir -p $(@D)
	$(call say,LD,$@)$(GUEST_LD) -m elf_i386 -Ttext=0 -o $@ $<

# One segment, which is not writable: Solo5 refuses segments that are both writable and executable.
$(GUEST_BUILD)/bench/hello_hvt.elf: $(GUEST_BUILD)/64/bench/guests/hello_hvt.o
	@mkdir -p $(@D)
	$(call say,LD,$@)$(GUEST_LD) -m elf_x86_64 -Ttext-segment=0x100000 -z noseparate-code \
	    -z max-page-size=4096 --build-id=none -o $@ $<

# Tests run this program, too.
guests: $(GUEST_BUILD)/bench/ring.bin

.PHONY: bench bench-quick bench-build
bench-build: $(BUILD)/minivmm $(BENCH_PROGRAMS) $(BENCH_BUILD)/stub.so $(BENCH_GUEST_IMAGES)

# Only whole runs are results.
bench bench-quick: bench-build
	@scripts/setup bench || echo "setup: going on without" >&2
	bench/run $(if $(filter bench-quick,$@),--quick,--results bench) --minivmm $(BUILD)/minivmm \
	    --programs $(BENCH_BUILD) --guests $(GUEST_BUILD)/bench

-include $(BENCH_GUESTS:%=$(GUEST_BUILD)/64/bench/guests/%.d)
