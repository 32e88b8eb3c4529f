# The set-up: the packages that the goals of this run of make need are installed while the Makefile is read,
# before any recipe, so under any -j nothing waits for them and nothing runs beside them. The Makefile includes
# this first. `make setup` does nothing else. See scripts/setup, which is silent if nothing is missing.

setup_goals    := $(or $(MAKECMDGOALS),all)
setup_checks   := $(filter-out check-svm check-fresh,$(filter check check-%,$(setup_goals)))
setup_purposes := \
	$(if $(filter-out clean format lint check-fresh,$(setup_goals)),build) \
	$(if $(setup_checks)$(filter setup %/unit %/tests/unit/%,$(setup_goals)),check) \
	$(if $(filter bench bench-quick,$(setup_goals)),bench) \
	$(if $(filter fuzz fuzz-% %/fuzz/%,$(setup_goals)),fuzz) \
	$(if $(filter format lint,$(setup_goals)),format) \
	$(if $(filter lint,$(setup_goals)),lint)

# Words of MAKEFLAGS: -n, -q and -t build nothing, so they install nothing.
setup_dry := $(foreach flag,n q t,$(findstring $(flag),$(filter-out --%,$(firstword -$(MAKEFLAGS)))))

ifneq ($(strip $(setup_purposes)),)
ifeq ($(strip $(setup_dry)),)
# What a command line gives make is not in the environment of $(shell).
ifneq ($(shell CC=$(call quote,$(CC)) FUZZ_CLANG=$(call quote,$(FUZZ_CLANG)) scripts/setup $(setup_purposes) </dev/null && echo done),done)
$(error Nothing was built, because packages are missing)
endif
endif
endif

.PHONY: setup
setup:
	@:
