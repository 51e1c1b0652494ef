# pg_weir: `make help` lists the targets.
#
# Building, installing and installcheck need PG_CONFIG, pkg-config, librdkafka and a C compiler.
# Everything else sets itself up: see tools/README.md.

EXTENSION = pg_weir
MODULE_big = pg_weir
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c bgworker/*.c)))
DATA = $(sort $(wildcard sql/pg_weir--*.sql))
PGFILEDESC = "pg_weir - event-time windows over Kafka"

# Each sql/*.sql that is a test, and each specs/*.spec: `make lint` compares. One name a line.
REGRESS = \
	options \
	types \
	encoding \
	select \
	pushdown \
	insert \
	meta \
	errors \
	topics \
	recent \
	infer \
	formats \
	error_rows \
	arrays \
	privileges \
	sorted \
	row_security \
	tumble \
	hop \
	aggregates \
	create_view \
	simulate \
	copy \
	kernels \
	refusals \
	rewrite
ISOLATION = \
	visibility \
	alter \
	recheck

PG_CONFIG ?= pg_config
PKG_CONFIG ?= pkg-config
WERROR ?= -Werror
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

# PostgreSQL's headers as system headers: our warnings are for our code.
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server)
WARNINGS = -Wall -Wextra -Wno-declaration-after-statement $(WERROR)
PG_CFLAGS = -O3 -std=gnu11 $(WARNINGS) $(shell $(PKG_CONFIG) --cflags rdkafka) $(SANITIZE_FLAGS)
SHLIB_LINK = $(shell $(PKG_CONFIG) --libs rdkafka) -lm -Wl,--version-script=src/exports.map \
	$(SANITIZE_FLAGS)

# `make SANITIZE=address,undefined`
SANITIZE_FLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)

# The programs that the tests need: an embedded Kafka, and a client for it.
PROGRAMS = build/weir-broker build/weir-topic
PROGRAM_CFLAGS = -O2 -g -std=gnu11 $(WARNINGS) $(shell $(PKG_CONFIG) --cflags rdkafka)
PROGRAM_LIBS = $(shell $(PKG_CONFIG) --libs rdkafka) -lm -lpthread

# The producer needs libcurl and cJSON; where they are missing the rest is built without it.
HAS_PRODUCER := $(shell $(PKG_CONFIG) --exists libcurl libcjson rdkafka && echo yes)
PRODUCER = build/weir-producer
PRODUCER_OBJS = $(patsubst %.c,build/%.o,$(sort $(wildcard producer/*.c)))
# What of it takes plain values and gives plain values, for the fuzzer.
PRODUCER_PURE_SOURCES = $(patsubst %,producer/%.c,binance_json coinbase_json rows csv field text moment)
PRODUCER_VERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" pg_weir.control)
PRODUCER_CFLAGS = -O2 -g -std=gnu11 $(WARNINGS) -DWEIR_VERSION='"$(PRODUCER_VERSION)"' \
	$(shell $(PKG_CONFIG) --cflags libcurl libcjson rdkafka 2>/dev/null) $(SANITIZE_FLAGS)
PRODUCER_LIBS = $(shell $(PKG_CONFIG) --libs libcurl libcjson rdkafka) -lm
prefix ?= /usr/local

# Each test runs under a broker of its own; WEIR_BOOTSTRAP is its address.
TEST_OPTS = --launcher="$(CURDIR)/build/weir-broker --" --encoding=UTF8
REGRESS_OPTS = $(TEST_OPTS)
ISOLATION_OPTS = $(TEST_OPTS)

EXTRA_CLEAN = build

ifeq ($(PGXS),)

all install installcheck clean:
	@echo '$(PG_CONFIG) not found: name it by PG_CONFIG=…, or run `tools/setup build`' >&2; exit 1

else

# Bitcode is for inlining; PGXS wants it where PostgreSQL was built with LLVM, though clang be missing.
ifeq ($(shell command -v $(shell sed -n 's/^CLANG *= *//p' $(dir $(PGXS))../Makefile.global)),)
override with_llvm = no
endif

include $(PGXS)

all: $(PROGRAMS) $(if $(HAS_PRODUCER),$(PRODUCER),no-producer)
installcheck: export PATH := $(CURDIR)/build:$(PATH)
installcheck: $(PROGRAMS)

# Objects of another PostgreSQL or other flags must not be mixed.
FLAVOUR = $(PG_CONFIG) $(VERSION) $(CC) $(CFLAGS) $(CPPFLAGS)
build/flavour: FORCE
	@mkdir -p build
	@echo '$(subst ','\'',$(FLAVOUR))' | cmp -s - $@ || echo '$(subst ','\'',$(FLAVOUR))' >$@
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h bgworker/*.h) build/flavour
$(shlib): src/exports.map

endif

build/weir-%: tools/%.c
	@mkdir -p build
	$(CC) $(PROGRAM_CFLAGS) -o $@ $< $(PROGRAM_LIBS)

$(PRODUCER): $(PRODUCER_OBJS)
	$(CC) $(PRODUCER_CFLAGS) -o $@ $(PRODUCER_OBJS) $(PRODUCER_LIBS)

build/producer/%.o: producer/%.c $(wildcard producer/*.h) pg_weir.control
	@mkdir -p build/producer
	$(CC) $(PRODUCER_CFLAGS) -c -o $@ $<

no-producer:
	@echo 'without weir-producer: it needs libcurl4-openssl-dev and libcjson-dev'

FORCE:

print-%: # for the scripts
	@echo $($*)

## all          build the extension and the programs for tests (needs PG_CONFIG)
## install      install the extension into PG_CONFIG's PostgreSQL
## installcheck SQL and isolation tests against a running server; libpq's variables say which
## clean        remove what was built

producer: $(PRODUCER) ## build weir-producer, which feeds topics (needs libcurl, cJSON and librdkafka; no PostgreSQL)
install-producer: $(PRODUCER) ## install it, with its man page, below prefix, /usr/local by default
	install -D -m 755 $(PRODUCER) $(DESTDIR)$(prefix)/bin/weir-producer
	install -D -m 644 producer/weir-producer.1 $(DESTDIR)$(prefix)/share/man/man1/weir-producer.1
demo: ## see a continuous view at work, also through a kill -9; sets itself up, leaves nothing behind
	@tools/demo
test: ## unit, SQL, isolation and TAP tests on the embedded broker; sets itself up
	@tools/run-tests
test-all: ## test, then test-kafka, test-pg17, test-asan, test-assert
	@tools/test-all
test-kafka: ## TAP tests against Apache Kafka (Java; jars are fetched once)
	@tools/run-tests kafka
test-pg17: ## build and SQL tests with PostgreSQL 17, in a Debian 13 root
	@tools/pg17
test-asan: ## tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@SANITIZE=address,undefined tools/run-tests sql isolation tap
test-assert: ## tests with a PostgreSQL that has assertions on
	@PG_CONFIG="$$(tools/assert-server)" tools/run-tests sql isolation tap
test-bare: ## the README's two commands in a fresh minimal Debian 12, as root and as a plain user
	@tools/bare
oracle: ## random views over random events against plain SQL, for longer; CASES, 5000 by default, and SEED
	@CASES=$${CASES:-5000} SEED=$${SEED:-$$(date +%s)} TESTS=oracle tools/run-tests tap
fuzz: ## fuzz the decoder with libFuzzer; FUZZ_SECONDS, 60 for each target by default
	@tools/fuzz
bench: ## how fast a scan is beside the bare wire, on Apache Kafka
	@bench/run
check-headers: ## compile against the headers of each PostgreSQL release that Debian has
	@tools/check-headers
lint: ## formatting, layers, exported names, test lists, docs against the code
	@tools/lint
format: ## apply clang-format
	@tools/lint --format
help: ## this list
	@sed -n -E 's/^## +([a-z-]+) +(.*)/\1\t\2/p; s/^([a-z0-9-]+):.* ## (.*)/\1\t\2/p' Makefile | \
		while IFS="$$(printf '\t')" read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

.PHONY: FORCE producer install-producer no-producer demo test test-all test-kafka test-pg17 test-asan test-assert test-bare oracle \
	fuzz bench check-headers lint format help
