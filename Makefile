# Thin: every target calls cargo or a script.
.PHONY: demo test check bench chaos fuzz long interop deps demo-deps interop-deps mail-servers

deps:
	@scripts/install-deps

demo-deps:
	@scripts/install-deps demo

interop-deps: deps
	@scripts/install-interop

mail-servers: deps
	@scripts/install-mail-servers

demo: demo-deps
	@scripts/build-demo
	@cargo run --profile demo --locked --offline --quiet --bin sealist -- demo

test: interop-deps mail-servers
	@cargo test --workspace --locked

check: deps
	@scripts/check

bench: deps
	@cargo build --release --locked --quiet --bin sealist --bin sealist-bench
	@cargo run --release --locked --quiet --bin sealist-bench

chaos: deps
	@cargo build --locked --quiet --bin sealist --features sealist-server/fail-points
	@cargo run --locked --quiet --bin sealist-chaos

interop: interop-deps
	@cargo run --locked --quiet --bin sealist-interop

fuzz: deps
	@SEALIST_FUZZ_S=60 cargo test --locked --package sealist-fuzz -- --test-threads 2

# What takes longer than CI has time for: 100,000 events of four writers, and 500 people who are written for 20 times each.
long: deps
	@SEALIST_EVENTS=100000 cargo test --locked --package sealist-store --test it -- consumers
	@SEALIST_VICTIMS=500 cargo test --locked --package sealist-server --test site -- list_bombing
