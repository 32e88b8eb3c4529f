# minivmm: `make run` builds everything and runs the protocol guest, `make check` runs the tests, `make
# check-unit` those without guests: run it after each change.
# `make fuzz` fuzzes the image loader, exits and exit streams, `make check-svm` runs the guests on a second
# KVM, `make bench` measures.
# Add V=1 to see whole commands, CC=clang for the other compiler.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := all

CC      ?= cc
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build

CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Werror
CPPFLAGS += -D_GNU_SOURCE -I.
ALL_CFLAGS = -std=gnu11 $(WARNINGS) -fPIC -fvisibility=hidden $(CFLAGS) $(SANITIZE) -pthread
SANITIZE ?=

ifneq ($(words $(BUILD)),1)
$(error BUILD=$(BUILD) must be one word: make cannot handle a build folder with a space in its name)
endif
# Quotes any text as one shell word.
quote = '$(subst ','\'',$1)'

include scripts/setup.mk

# One short line for each file, unless V=1.
ifeq ($(V),1)
say =
else
say = @echo '  $1 $2';
endif

LIBRARY_SOURCES := $(wildcard api/*.c vmm/*/*.c devices/*.c devices/*/*.c stubs/*.c stubs/*/*.c)
PROGRAM_SOURCES := $(wildcard program/*.c)
TEST_SOURCES    := $(wildcard tests/unit/*.c tests/unit/*/*.c)
# Found without git: there may be no repository.
C_FILES          = $(shell find $(filter-out build/ $(firstword $(subst /,/ ,$(BUILD)/)),$(wildcard */)) -name '*.[ch]' -type f)

LIBRARY_OBJECTS := $(LIBRARY_SOURCES:%.c=$(BUILD)/%.o)
PROGRAM_OBJECTS := $(PROGRAM_SOURCES:%.c=$(BUILD)/%.o)
TEST_OBJECTS    := $(TEST_SOURCES:%.c=$(BUILD)/%.o)

.PHONY: all run check check-unit check-exits check-asan check-threads check-svm check-tsan format lint clean
all: minivmm guest.bin $(BUILD)/core_alone

run: all
	./minivmm guest.bin

# The tests run the program of their own build, so that check-asan tests the sanitized one.
check: $(BUILD)/minivmm $(BUILD)/unit $(BUILD)/core_alone guests $(if $(SANITIZE),,$(BUILD)/bench/dispatch)
	@V=$(V) tests/run $(BUILD) build/guests $(if $(SANITIZE),asan,check)

# Tests without guests, to run after each change; and the exit streams alone. Neither needs KVM.
check-unit: $(BUILD)/minivmm $(BUILD)/unit
	@V=$(V) tests/run $(BUILD) $(GUEST_BUILD) unit

check-exits: $(BUILD)/minivmm
	@V=$(V) tests/run $(BUILD) $(GUEST_BUILD) exits

check-asan:
	$(MAKE) check BUILD=build/asan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all'

# Code where threads interact, under ThreadSanitizer: a million rounds of a ring, the API from many threads, two domains.
check-tsan:
	$(MAKE) check-threads BUILD=build/tsan CFLAGS='-O1 -g' SANITIZE='-fsanitize=thread'

check-threads: $(BUILD)/minivmm $(BUILD)/unit guests
	@V=$(V) tests/run $(BUILD) $(GUEST_BUILD) threads

# These share the guests, which are built once even if several of these run at a time.
check-asan check-tsan: guests

# The commands of README on a minimal Debian: see docs/testing.md.
.PHONY: check-fresh
check-fresh:
	tests/fresh/run

# The guest tests on a second KVM, AMD's, in an emulated machine: see docs/testing.md. Where that
# machine cannot run, they are skipped. The linker warns about dlopen(): the static program cannot use it.
check-svm: $(BUILD)/minivmm-static guests
	@scripts/setup svm || echo "setup: going on without" >&2
	@V=$(V) tests/run $(BUILD) $(GUEST_BUILD) svm

$(BUILD)/minivmm-static: $(PROGRAM_OBJECTS) $(LIBRARY_OBJECTS)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -static -o $@ $^ -lm -ldl

include guest/guest.mk
include tests/fuzz/fuzz.mk
include bench/bench.mk
include tests/core_alone/core_alone.mk
include api/api.mk

minivmm: $(BUILD)/minivmm
	@cp $< $@

guest.bin: build/guests/protocol.bin
	@cp $< $@

# The assembler includes the page's files and writes no dependencies.
$(BUILD)/vmm/html/html_template.o: $(wildcard vmm/html/page/*)

# The program is linked like any other user of the library; --export-dynamic lets stubs find the API in it.
$(BUILD)/minivmm: $(PROGRAM_OBJECTS) $(BUILD)/libminivmm.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -Wl,--export-dynamic -o $@ $^ -lm -ldl

# Wrapped by tests/unit/mark_point.c and made.c.
UNIT_WRAPPED := _mark_point mkdtemp mkstemp

$(BUILD)/unit: $(LIBRARY_OBJECTS) $(filter-out %/main.o,$(PROGRAM_OBJECTS)) $(TEST_OBJECTS)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(UNIT_WRAPPED:%=-Wl,--wrap=%) -o $@ $^ \
	    $$(pkg-config --libs check) -lm -ldl

$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $$(pkg-config --cflags check) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

format: have-sources
	clang-format -i $(C_FILES)

.PHONY: have-sources
have-sources:
	@[ $(words $(C_FILES)) -gt 0 ] || { echo "make: $@: the folders here have no *.c or *.h file" >&2; exit 1; }

lint: have-sources
	@echo "  LINT floors, format, cppcheck"
	@scripts/check-floors $(BUILD)
	@clang-format --dry-run --Werror $(C_FILES)
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --suppress=missingIncludeSystem --error-exitcode=1 -D_GNU_SOURCE -I. api program vmm devices stubs examples

clean:
	rm -rf build minivmm guest.bin

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
