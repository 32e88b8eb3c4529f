# Fuzzing of the image loader: `make fuzz`, FUZZ_SECONDS=N for longer. Needs clang with libFuzzer.
# What the fuzzer finds is kept in the build folder; the images of the tree are its start.

FUZZ_SECONDS ?= 60
FUZZ_CLANG   ?= clang
FUZZ_SOURCES := tests/fuzz/fuzz_loader.c tests/unit/hex.c $(wildcard vmm/loader/*.c) \
	vmm/memory.c vmm/error.c
FUZZ_HEADERS := tests/unit/hex.h $(wildcard vmm/*.h vmm/loader/*.h guest/abi/*.h)
FUZZ_FLAGS    = -std=gnu11 -O1 -g $(WARNINGS) $(CPPFLAGS) -fno-sanitize-recover=all

$(BUILD)/fuzz/loader: $(FUZZ_SOURCES) $(FUZZ_HEADERS) | setup-fuzz
	@mkdir -p $(@D)
	$(call say,LD,$@)$(FUZZ_CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -o $@ \
	    $(FUZZ_SOURCES)

# The same as a program that runs files, and makes images of the hex dumps.
$(BUILD)/fuzz/loader-files: $(FUZZ_SOURCES) $(FUZZ_HEADERS) | setup-fuzz
	@mkdir -p $(@D)
	$(call say,LD,$@)$(FUZZ_CLANG) $(FUZZ_FLAGS) -DFUZZ_FILES -fsanitize=address,undefined -o $@ \
	    $(FUZZ_SOURCES)

.PHONY: fuzz setup-fuzz
setup-fuzz:
	@scripts/setup fuzz

fuzz: $(BUILD)/fuzz/loader $(BUILD)/fuzz/loader-files
	@mkdir -p $(BUILD)/fuzz/seeds $(BUILD)/fuzz/corpus
	$(BUILD)/fuzz/loader-files --assemble $(BUILD)/fuzz/seeds $(wildcard tests/fuzz/images/*.hex)
	$(BUILD)/fuzz/loader -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
	    -artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus $(BUILD)/fuzz/seeds
