# minivmm: `make run` builds everything and runs the protocol guest, `make check` runs the tests.
# `make fuzz` fuzzes the image loader, exits and exit streams, `make check-svm` runs the guests on a second
# KVM, `make bench` measures.
# Add V=1 to see whole commands, CC=clang for the other compiler.

MAKEFLAGS += --no-print-directory

CC      ?= cc
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build

CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Werror
CPPFLAGS += -D_GNU_SOURCE -I.
# Without jump tables: on the way of an exit the processor does not know where such a jump goes.
ALL_CFLAGS = -std=gnu11 $(WARNINGS) -fno-jump-tables $(CFLAGS) $(SANITIZE) -pthread
SANITIZE ?=

# One short line for each file, unless V=1.
ifeq ($(V),1)
say =
else
say = @echo '  $1 $2';
endif

VMM_SOURCES  := $(filter-out vmm/main.c,$(wildcard vmm/*.c vmm/loader/*.c)) $(wildcard devices/*.c xen/*.c)
TEST_SOURCES := $(wildcard tests/unit/*.c)
C_FILES       = $(shell git ls-files '*.c' '*.h')

VMM_OBJECTS  := $(VMM_SOURCES:%.c=$(BUILD)/%.o)
TEST_OBJECTS := $(TEST_SOURCES:%.c=$(BUILD)/%.o)

.PHONY: all run check check-asan check-svm format lint install clean setup setup-check
all: minivmm guest.bin

run: all
	./minivmm guest.bin

# The tests run the program of their own build, so that check-asan tests the sanitized one.
check: setup-check $(BUILD)/minivmm $(BUILD)/unit guests $(if $(SANITIZE),,$(BUILD)/bench/dispatch)
	tests/run $(BUILD) build/guests

check-asan:
	$(MAKE) check BUILD=build/asan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all'

# The guest tests on a second KVM, AMD's, in an emulated machine: see docs/testing.md. Where that
# machine cannot be had, they are skipped. The linker warns of dlopen(): it finds no library there.
check-svm: $(BUILD)/minivmm-static guests
	@scripts/setup svm || echo "setup: going on without" >&2
	scripts/check-svm $< $(GUEST_BUILD)

$(BUILD)/minivmm-static: $(VMM_OBJECTS) $(BUILD)/vmm/main.o
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -static -o $@ $^ -lm

include guest/guest.mk
include tests/fuzz/fuzz.mk
include bench/bench.mk

minivmm: $(BUILD)/minivmm
	@cp $< $@

guest.bin: build/guests/protocol.bin
	@cp $< $@

# The page is taken in by the assembler, which writes no dependencies.
$(BUILD)/vmm/page_template.o: $(wildcard vmm/page/*)

$(BUILD)/minivmm: $(VMM_OBJECTS) $(BUILD)/vmm/main.o
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ -lm

$(BUILD)/unit: $(VMM_OBJECTS) $(TEST_OBJECTS)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs check) -lm

$(BUILD)/tests/%.o: tests/%.c | setup-check
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $$(pkg-config --cflags check) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c | setup
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

setup:
	@scripts/setup build

setup-check:
	@scripts/setup build check

format:
	clang-format -i $(C_FILES)

lint:
	@scripts/setup build lint
	clang-format --dry-run --Werror $(C_FILES)
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --suppress=missingIncludeSystem --error-exitcode=1 -D_GNU_SOURCE -I. vmm devices

install: all
	install -D -m 755 minivmm $(DESTDIR)$(PREFIX)/bin/minivmm
	install -D -m 644 docs/minivmm.1 $(DESTDIR)$(PREFIX)/share/man/man1/minivmm.1

clean:
	rm -rf build minivmm guest.bin

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
