# sms_plugin.mk - builds, checks and tests a plugin outside the ngx_sms tree.
#
#   NAME = quiet_hours
#   SRCS = quiet_hours.c
#   include /path/to/sdk/sms_plugin.mk
#
# make          $(NAME).so
# make check    builds sms-plugin-check and runs it: CHECK_ARGS = key=value ...
# make test     builds TESTS (C files with a main) with the fake host, runs them
# make clean
#
# More, if you need it: LIBS = -lpcre2-8 (then CHECK_ARGS = --allow libpcre2-8),
# CFLAGS, SMS_BASE = path to libsms_base.a for <sms/...>.
# The flags alone: SMS_PLUGIN_CFLAGS and SMS_PLUGIN_LIBS.

SMS_SDK := $(dir $(lastword $(MAKEFILE_LIST)))

CFLAGS  ?= -O2 -g -Wall -Wextra -Werror
BUILD   ?= build
SRCS    ?= $(NAME).c
HDRS    ?= $(wildcard *.h)

SMS_PLUGIN_CFLAGS = -std=gnu11 -fPIC -fvisibility=hidden -I$(SMS_SDK) -I$(SMS_SDK)include
SMS_PLUGIN_LIBS   = -shared -Wl,-z,defs,-z,now,-z,relro $(SMS_BASE) $(LIBS)

SMS_FAKEHOST = $(wildcard $(SMS_SDK)fakehost/*.c)
SMS_CHECKER  = $(wildcard $(SMS_SDK)check/*.c)
SMS_HEADERS  = $(SMS_SDK)sms_plugin.h $(wildcard $(SMS_SDK)fakehost/*.h $(SMS_SDK)check/*.h)

.PHONY: sms-all check test clean
.DEFAULT_GOAL := sms-all

sms-all: $(BUILD)/$(NAME).so

$(BUILD)/$(NAME).so: $(SRCS) $(HDRS) $(SMS_SDK)sms_plugin.h
	@mkdir -p $(BUILD)
	$(CC) $(CFLAGS) $(SMS_PLUGIN_CFLAGS) -o $@ $(SRCS) $(SMS_PLUGIN_LIBS)

$(BUILD)/sms-plugin-check: $(SMS_FAKEHOST) $(SMS_CHECKER) $(SMS_HEADERS)
	@mkdir -p $(BUILD)
	$(CC) -O2 -g -std=gnu11 -I$(SMS_SDK) -I$(SMS_SDK)fakehost -I$(SMS_SDK)check \
	    -o $@ $(SMS_CHECKER) $(SMS_FAKEHOST) -rdynamic -ldl -lpthread

check: $(BUILD)/$(NAME).so $(BUILD)/sms-plugin-check
	$(BUILD)/sms-plugin-check $(filter --%,$(CHECK_ARGS)) $(CHECK_FLAGS) $< \
	    $(filter-out --%,$(CHECK_ARGS))

$(BUILD)/test_%: %.c $(SRCS) $(HDRS) $(SMS_FAKEHOST) $(SMS_HEADERS)
	@mkdir -p $(BUILD)
	$(CC) $(CFLAGS) -std=gnu11 -I$(SMS_SDK) -I$(SMS_SDK)include -I$(SMS_SDK)fakehost \
	    -o $@ $< $(filter-out $(TEST_WITHOUT),$(SRCS)) $(SMS_FAKEHOST) $(SMS_BASE) \
	    $(LIBS) -lpthread

test: $(TESTS:%.c=$(BUILD)/test_%)
	@for t in $^; do $$t || exit 1; done

clean:
	rm -rf $(BUILD)
