# Thin: every target calls cargo or a script.
.PHONY: demo test check bench deps

deps:
	@scripts/install-deps

demo: deps
	@cargo build --release --locked --quiet --bin sealist
	@target/release/sealist demo

test: deps
	@cargo test --workspace --locked

check: deps
	@scripts/check


bench: deps
	@cargo build --release --locked --quiet --bin sealist --bin sealist-bench
	@target/release/sealist-bench target/release/sealist
