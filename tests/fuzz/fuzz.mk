# Fuzzing of the image loader, of exits and of exit streams: `make fuzz`, FUZZ_SECONDS=N for longer; a
# third of the time for each one. Needs clang with libFuzzer. What a fuzzer finds is kept in the build
# folder; the images, exits and streams of the tree are its start.

FUZZ_SECONDS ?= 60
FUZZ_CLANG   ?= clang
FUZZ_TARGETS := loader exits stream
FUZZ_SHARE    = $(shell expr $(FUZZ_SECONDS) / 3)
FUZZ_FLAGS    = -std=gnu11 -O1 -g $(WARNINGS) $(CPPFLAGS) -fno-sanitize-recover=all
FUZZ_HEADERS := $(wildcard include/*.h tests/unit/h*.h api/*.h vmm/*/*.h devices/*.h devices/*/*.h stubs/*.h stubs/*/*.h guest/abi/*.h)

FUZZ_loader := tests/fuzz/fuzz_loader.c tests/unit/hex.c $(LIBRARY_SOURCES)
FUZZ_exits  := tests/fuzz/fuzz_exits.c tests/unit/hostile.c tests/unit/hostile_steps.c \
	$(LIBRARY_SOURCES)
FUZZ_stream := tests/fuzz/fuzz_stream.c $(LIBRARY_SOURCES)

# The initial inputs of each, how they become files in a folder, and the maximum length of inputs.
FUZZ_SEEDS_loader := $(wildcard tests/fuzz/images/*.hex)
FUZZ_SEEDS_exits  := $(wildcard tests/fuzz/exits/*.hex)
FUZZ_SEEDS_stream := $(wildcard tests/exits/*.exits tests/exits/refused/*.exits)
FUZZ_PLANT_loader  = $(BUILD)/fuzz/loader-files --assemble
FUZZ_PLANT_exits   = $(BUILD)/fuzz/loader-files --assemble
FUZZ_PLANT_stream := cp -t
FUZZ_LENGTH_loader := 4096
FUZZ_LENGTH_exits  := 1024
FUZZ_LENGTH_stream := 8192
FUZZ_WORDS_stream  := -dict=tests/fuzz/stream.dict

.PHONY: fuzz $(FUZZ_TARGETS:%=fuzz-%)

.SECONDEXPANSION:
$(FUZZ_TARGETS:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $$(FUZZ_$$*) $(FUZZ_HEADERS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(FUZZ_CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -o $@ \
	    $(FUZZ_$*) -pthread -lm -ldl

# The loader's fuzzer as a program that runs files, and converts the hex dumps to bytes.
$(BUILD)/fuzz/loader-files: $(FUZZ_loader) $(FUZZ_HEADERS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(FUZZ_CLANG) $(FUZZ_FLAGS) -DFUZZ_FILES -fsanitize=address,undefined -o $@ \
	    $(FUZZ_loader) -pthread -lm -ldl

fuzz: $(FUZZ_TARGETS:%=fuzz-%)

$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(BUILD)/fuzz/% $(BUILD)/fuzz/loader-files
	@mkdir -p $(BUILD)/fuzz/seeds/$* $(BUILD)/fuzz/corpus/$*
	$(FUZZ_PLANT_$*) $(BUILD)/fuzz/seeds/$* $(FUZZ_SEEDS_$*)
	$(BUILD)/fuzz/$* -max_total_time=$(FUZZ_SHARE) -max_len=$(FUZZ_LENGTH_$*) -timeout=20 \
	    $(FUZZ_WORDS_$*) -artifact_prefix=$(BUILD)/fuzz/$*- $(BUILD)/fuzz/corpus/$* $(BUILD)/fuzz/seeds/$*
