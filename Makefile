# ngx_sms: the front door.
#
#   make run                build, start everything on this machine, show it
#   make stop               end what "make run" started
#   make test               build with sanitizers and pass every test
#   make test-long          the same plain and under valgrind, fuzzers 30 s each
#   make bench              the ratios, measured on this machine
#   make module NGX_SRC=…   the module for an nginx source tree
#   make lint               both compilers' warnings, clang-tidy, t/lint
#   make clean              forget build/
#
# Everything is built by glob: a new .c file, plugin folder, unit test or
# fuzzer needs no line here.  SAN=1 builds with ASan and UBSan in build/san; V=1
# shows the commands.

SHELL       := /bin/sh
MAKEFLAGS   += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:

SAN         ?=
V           ?=
NGX_SRC     ?=
NGX_CONF    ?=
JOBS        ?= 2

CLANG       := clang
STD         := -std=gnu11
WARN        := -Wall -Wextra -Werror
HARDEN      := -fstack-protector-strong -D_FORTIFY_SOURCE=2
SANITIZE    := -fsanitize=address,undefined -fno-sanitize=nonnull-attribute \
               -fno-omit-frame-pointer

ifeq ($(SAN),)
B           := build
OPTIMISE    := -O2 -g $(HARDEN)
LINK        :=
else
B           := build/san
OPTIMISE    := -O1 -g $(SANITIZE)
LINK        := -fsanitize=address,undefined
endif

CFLAGS      := $(STD) $(OPTIMISE) -fPIC -fvisibility=hidden $(WARN)
BASE_INCS   := -Ingx_sms_module/base -Ingx_sms_module/domain -Iplugins/sdk \
               -Iplugins/sdk/include
PLUGIN_INCS := -Iplugins/sdk -Iplugins/sdk/include
BASE_LIBS   := -lutf8proc -lcrypto -lm

BASE_SRCS   := $(sort $(wildcard ngx_sms_module/base/*.c ngx_sms_module/domain/*.c))
MODULE_SRCS := $(sort $(wildcard ngx_sms_module/*.c ngx_sms_module/*/*.c))
MODULE_DEPS := $(sort $(wildcard ngx_sms_module/*/*.h ngx_sms_module/*/*.def)) \
               plugins/sdk/sms_plugin.h config ngx_sms_module/sources.sh \
               ngx_sms_module/exports.map \
               $(wildcard /usr/share/nginx/src/src/core/nginx.h)
PLUGIN_DIRS := $(filter-out plugins/sdk/%,\
               $(patsubst %/,%,$(sort $(dir $(wildcard plugins/*/*/*.c)))))
PLUGINS     := $(foreach d,$(PLUGIN_DIRS),\
               $(B)/plugins/$(subst /,_,$(patsubst plugins/%,%,$(d))).so)
CHECK_SRCS  := $(sort $(wildcard plugins/sdk/check/*.c plugins/sdk/fakehost/*.c))
SAMPLE_SRCS := $(sort $(filter-out %_test.c,\
               $(wildcard plugins/sdk/template/*.c t/plugins/*.c)))
UNITS       := $(patsubst t/unit/%.c,$(B)/unit/%,$(sort $(wildcard t/unit/*.c)))
FUZZERS     := $(patsubst t/fuzz/%.c,build/fuzz/%,$(sort $(wildcard t/fuzz/*.c)))

BASE_LIB    := $(B)/libsms_base.a
CHECK       := $(if $(CHECK_SRCS),$(B)/sms-plugin-check)
SAMPLES     := $(foreach s,$(SAMPLE_SRCS),$(B)/samples/$(basename $(notdir $(s))).so)
MODULE      := $(B)/ngx_http_sms_module.so

objects      = $(patsubst %.c,$(B)/obj/%.o,$(1))
Q           := $(if $(V),,@)
say          = $(if $(V),,@echo '  $(1)')

# words after "libs:" or "cflags:" in the first comment of a test file
asks         = $(shell sed -n '1,5s/.*$(2): \([^*;]*\).*/\1/p' $(1))


.PHONY: all run stop test test-long bench module lint clean setup build \
        pieces fuzzers FORCE

all: build

run:
	@tools/setup run
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@tools/run

stop:
	@tools/stop

test:
	@tools/setup test
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=1 pieces fuzzers
	@SAN=1 tools/test

test-long:
	@tools/setup long
	@$(MAKE) --no-print-directory -j$(JOBS) pieces fuzzers
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=1 pieces
	@tools/test-long

bench:
	@tools/setup bench
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@bench/run

lint:
	@tools/setup lint
	@$(MAKE) --no-print-directory -j$(JOBS) pieces
	@tools/lint
	@tools/test lint

setup:
	@tools/setup run test

clean:
	rm -rf build


# what is installed, and what only the tests need besides

build: $(BASE_LIB) $(PLUGINS) $(CHECK) $(MODULE)
	@:

pieces: build $(SAMPLES) $(UNITS)
	@:

fuzzers: $(FUZZERS)
	@:


# the module: nginx's own build, in a folder of ours

ifneq ($(NGX_SRC),)
module: $(B)/module.list
	+@V=$(V) tools/module $(B) "$(NGX_SRC)" "$(NGX_CONF)"
else
module: $(MODULE)
endif

$(MODULE): $(MODULE_SRCS) $(MODULE_DEPS) $(B)/module.list tools/module
	$(call say,NGX  $@)
	+@V=$(V) SAN=$(SAN) tools/module $(B)


# libsms_base.a; the list makes a removed source count as a change

$(B)/%.list: FORCE
	@mkdir -p $(@D)
	@echo '$($*_LISTED)' | cmp -s - $@ || echo '$($*_LISTED)' > $@

base_LISTED   := $(BASE_SRCS)
module_LISTED := $(MODULE_SRCS)
check_LISTED  := $(CHECK_SRCS)

$(BASE_LIB): $(call objects,$(BASE_SRCS)) $(B)/base.list
	@rm -f $@
	$(call say,AR   $@)
	$(Q)ar rcs $@ $(filter %.o,$^)

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) $(CFLAGS) $(INCS) -MMD -MP -c -o $@ $<

$(call objects,$(BASE_SRCS) $(CHECK_SRCS)): INCS = $(BASE_INCS) -Iplugins/sdk/fakehost
$(B)/obj/plugins/%.o: INCS = $(PLUGIN_INCS)


# plugins: plugins/<kind>/<name>/*.c -> plugins/<kind>_<name>.so

define plugin
$(B)/plugins/$(subst /,_,$(patsubst plugins/%,%,$(1))).so: \
        $(call objects,$(sort $(wildcard $(1)/*.c))) $(BASE_LIB) \
        $(wildcard $(1)/libs) $(B)/$(subst /,_,$(1)).list
	@mkdir -p $$(@D)
	$$(call say,LINK $$@)
	$$(Q)$$(CC) $(LINK) -shared -o $$@ $$(filter %.o,$$^) $(BASE_LIB) \
	    $(PLUGIN_LINK) $(shell cat $(1)/libs 2>/dev/null) $(BASE_LIBS)

$(subst /,_,$(1))_LISTED := $(sort $(wildcard $(1)/*.c))
endef

PLUGIN_LINK := -Wl,-z,defs,-z,now,-z,relro,--exclude-libs,ALL,--as-needed

$(foreach d,$(PLUGIN_DIRS),$(eval $(call plugin,$(d))))

# single-file plugins: the template, and those that the checker must fail, one of
# which lacks a symbol

comma := ,
vpath %.c plugins/sdk/template t/plugins

$(B)/samples/%.so: %.c $(BASE_LIB)
	@mkdir -p $(@D)
	$(call say,LINK $@)
	$(Q)$(CC) $(CFLAGS) $(PLUGIN_INCS) $(LINK) -shared -MMD -MP -MF $@.d -o $@ $< \
	    $(BASE_LIB) $(subst -z$(comma)defs$(comma),,$(PLUGIN_LINK)) $(BASE_LIBS)

$(B)/sms-plugin-check: $(call objects,$(CHECK_SRCS)) $(BASE_LIB) $(B)/check.list
	$(call say,LINK $@)
	$(Q)$(CC) $(LINK) -rdynamic -o $@ $(filter %.o,$^) $(BASE_LIB) \
	    $(BASE_LIBS) -ldl -lpthread


# tests

$(B)/unit/%: t/unit/%.c $(BASE_LIB)
	@mkdir -p $(@D)
	$(call say,UNIT $@)
	$(Q)$(CC) $(CFLAGS) $(BASE_INCS) $(call asks,$<,cflags) $(LINK) -MMD -MP -MF $@.d \
	    -o $@ $< $(BASE_LIB) -lcmocka $(call asks,$<,libs) $(BASE_LIBS)

FUZZ_FLAGS  := $(STD) -O1 -g $(WARN) $(SANITIZE)

build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC   $< (fuzz))
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(BASE_INCS) -MMD -MP -c -o $@ $<

build/fuzz/libsms_base.a: $(patsubst %.c,build/fuzz/obj/%.o,$(BASE_SRCS)) $(B)/base.list
	@rm -f $@
	$(call say,AR   $@)
	$(Q)ar rcs $@ $(filter %.o,$^)

build/fuzz/%: t/fuzz/%.c build/fuzz/libsms_base.a
	@mkdir -p $(@D)
	$(call say,FUZZ $@)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer $(BASE_INCS) $(call asks,$<,cflags) \
	    -MMD -MP -MF $@.d -o $@ $< build/fuzz/libsms_base.a \
	    $(call asks,$<,libs) $(BASE_LIBS)


-include $(wildcard $(addsuffix .d,$(UNITS) $(FUZZERS) $(SAMPLES))) \
         $(wildcard $(B)/obj/*/*/*.d $(B)/obj/*/*/*/*.d $(B)/obj/*/*/*/*/*.d) \
         $(wildcard build/fuzz/obj/*/*/*.d)
