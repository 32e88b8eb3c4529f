# Fuzzing of the image loader and of exits: `make fuzz`, FUZZ_SECONDS=N for longer; half of the time
# for each. Needs clang with libFuzzer. What a fuzzer finds is kept in the build folder; the images
# and exits of the tree are its start.

FUZZ_SECONDS ?= 60
FUZZ_CLANG   ?= clang
FUZZ_TARGETS := loader exits
FUZZ_HALF     = $(shell expr $(FUZZ_SECONDS) / 2)
FUZZ_FLAGS    = -std=gnu11 -O1 -g $(WARNINGS) $(CPPFLAGS) -fno-sanitize-recover=all
FUZZ_HEADERS := $(wildcard tests/unit/h*.h vmm/*.h vmm/loader/*.h devices/*.h guest/abi/*.h)

FUZZ_loader := tests/fuzz/fuzz_loader.c tests/unit/hex.c $(wildcard vmm/loader/*.c) \
	vmm/memory.c vmm/error.c
FUZZ_exits  := tests/fuzz/fuzz_exits.c tests/unit/hostile.c tests/unit/hostile_steps.c \
	$(VMM_SOURCES)

# What each begins with, and how long its inputs get.
FUZZ_SEEDS_loader := $(wildcard tests/fuzz/images/*.hex)
FUZZ_SEEDS_exits  := $(wildcard tests/fuzz/exits/*.hex)
FUZZ_LENGTH_loader := 4096
FUZZ_LENGTH_exits  := 1024

.PHONY: fuzz setup-fuzz $(FUZZ_TARGETS:%=fuzz-%)
setup-fuzz:
	@scripts/setup fuzz

.SECONDEXPANSION:
$(FUZZ_TARGETS:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $$(FUZZ_$$*) $(FUZZ_HEADERS) | setup-fuzz
	@mkdir -p $(@D)
	$(call say,LD,$@)$(FUZZ_CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -o $@ \
	    $(FUZZ_$*) -pthread -lm

# The loader's as a program that runs files, and makes bytes of the hex dumps.
$(BUILD)/fuzz/loader-files: $(FUZZ_loader) $(FUZZ_HEADERS) | setup-fuzz
	@mkdir -p $(@D)
	$(call say,LD,$@)$(FUZZ_CLANG) $(FUZZ_FLAGS) -DFUZZ_FILES -fsanitize=address,undefined -o $@ \
	    $(FUZZ_loader)

fuzz: $(FUZZ_TARGETS:%=fuzz-%)

$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(BUILD)/fuzz/% $(BUILD)/fuzz/loader-files
	@mkdir -p $(BUILD)/fuzz/seeds/$* $(BUILD)/fuzz/corpus/$*
	$(BUILD)/fuzz/loader-files --assemble $(BUILD)/fuzz/seeds/$* $(FUZZ_SEEDS_$*)
	$(BUILD)/fuzz/$* -max_total_time=$(FUZZ_HALF) -max_len=$(FUZZ_LENGTH_$*) -timeout=20 \
	    -artifact_prefix=$(BUILD)/fuzz/$*- $(BUILD)/fuzz/corpus/$* $(BUILD)/fuzz/seeds/$*
