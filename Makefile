# Thin: every target calls cargo or a script.
.PHONY: demo test check deps

deps:
	@scripts/install-deps

demo: deps
	@cargo build --release --locked --quiet --bin sealist
	@target/release/sealist demo

test: deps
	@cargo test --workspace --locked

check: deps
	@scripts/check

